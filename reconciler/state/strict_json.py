"""JSON of state, log and recovery files: read strictly, with errors that name the place."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from reconciler.model.errors import StateTooNew
from reconciler.model.identities import Digest
from reconciler.model.outside_text import REPLACEMENT, tamed
from reconciler.model.payloads import NO_PAYLOADS, Payload
from reconciler.model.stored_values import StoredValue, problem_of

T = TypeVar("T")

_NEVER_NULL: Final = ("secrets", "configurationSid")
"""Keys that are left out if they have no value."""

_HEX: Final = "[0-9a-fA-F]"
_ESCAPE: Final = re.compile(
    rf"\\(?:u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|(?P<half>u[dD][89a-fA-F]{_HEX}{{2}})|.)"
)
"""A JSON escape: a surrogate pair, a lone surrogate, or any other."""


class MalformedError(ValueError):
    """The input is not what this product writes."""


def decode_json(data: bytes, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> object:
    """Return the JSON value in `data`: UTF-8, no key twice in one object, no NaN.

    Where an object names the digest of one of `payloads` and has an equal `payload`, it gets that one: the
    other is given up at once, so that memory never holds all of them twice.
    A lone surrogate becomes U+FFFD: earlier versions wrote such halves of characters into logs and
    recovery files.
    """

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = _object(pairs)
        if "payload" in value and isinstance(digest := value.get("digest"), str):
            known = payloads.get(Digest(digest))
            if known == value["payload"]:
                value["payload"] = known
        return value

    try:
        return json.loads(
            _without_halves(data.decode("utf-8")),
            object_pairs_hook=made,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        raise MalformedError(f"byte {error.start + 1} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise MalformedError(f"line {error.lineno} is cut off, or was edited by hand") from error
    except RecursionError as error:
        raise MalformedError("it is nested too deeply") from error
    except MalformedError:
        raise
    except ValueError as error:  # an integer with more digits than the interpreter converts
        raise MalformedError("it holds a number that is too long") from error


def _without_halves(text: str) -> str:
    if "\\" not in text or "\\u" not in text:  # one character is found in a thirtieth of the time of two
        return text
    return _ESCAPE.sub(lambda found: REPLACEMENT if found["half"] else found[0], text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MalformedError(f'the key "{tamed(twice)}" stands twice in one object')
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is not JSON")


def convert(value: object, kind: type[T], place: str) -> T:
    """Return decoded JSON as a value of `kind`. Raises MalformedError, which says where in `place`."""
    if isinstance(value, dict) and (nulls := [key for key in _NEVER_NULL if value.get(key, "") is None]):
        raise MalformedError(f"{place}.{nulls[0]} is null")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise MalformedError(problem_of(error, place)) from error
    except OverflowError as error:
        raise MalformedError(f"{place} holds a date-time that no calendar has in UTC") from error


def refuse_later(version: int, known: int, name: str) -> None:
    """Raise StateTooNew if `version`, of what `name` names, is later than `known`."""
    if version > known:
        raise StateTooNew(
            f"{name} has format version {version}; this reconciler knows {known}",
            hint="Upgrade reconciler to at least the version that wrote it.",
        )


def to_builtins(value: StoredValue) -> dict[str, Any]:
    """Return `value` as JSON, except for instants, which `json.dumps(…, default=spell_instant)` spells."""
    document: dict[str, Any] = msgspec.to_builtins(value, builtin_types=(datetime,))
    return document
