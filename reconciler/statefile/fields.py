"""Reading fields out of decoded JSON, each with a claim about its shape.

Every function raises MalformedError with a message that names the place; callers know which file it is in.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NoReturn, TypeVar

from reconciler.model.identities import Digest
from reconciler.model.outside_text import REPLACEMENT, tamed
from reconciler.model.payloads import NO_PAYLOADS, Json, Payload

T = TypeVar("T", bound=str)

_SHOWN_CHARACTERS: Final = 60
_PROSE_CHARACTERS: Final = 2_000  # earlier versions wrote no more than a quarter of that

_HEX: Final = "[0-9a-fA-F]"
_ESCAPE: Final = re.compile(
    rf"\\(?:u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|(?P<half>u[dD][89a-fA-F]{_HEX}{{2}})|.)"
)
"""An escape of JSON: both halves of a character, half of one, or anything else."""


class MalformedError(ValueError):
    """What was read is not what this product writes."""


def decode_json(data: bytes, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> object:
    """Return the JSON value in `data`: UTF-8, no key twice in one object, no NaN.

    Half a character becomes U+FFFD. An object with a `digest` in `payloads` and an equal `payload` gets the
    payload from there, so that a large state is not in memory twice.
    Earlier versions wrote halves in journals and recovery files, where others had cut a text inside an emoji.
    """
    try:
        return json.loads(
            _without_halves(data.decode("utf-8")),
            object_pairs_hook=partial(_object, payloads),
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        raise MalformedError(f"byte {error.start + 1} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise MalformedError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise MalformedError("it is nested too deeply") from error
    except MalformedError:
        raise
    except ValueError as error:  # an integer with more digits than the interpreter converts
        raise MalformedError("it holds a number that is too long") from error


def _without_halves(text: str) -> str:
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda found: REPLACEMENT if found["half"] else found[0], text)


def _object(payloads: Mapping[Digest, Payload], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MalformedError(f"the key {shown(twice)} stands twice in one object")
    digest = made.get("digest")
    known = payloads.get(Digest(digest)) if isinstance(digest, str) else None
    if known is not None and known == made.get("payload"):
        made["payload"] = known
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is not JSON")


def shown(value: object) -> str:
    """`value` for a message: quoted, escaped and short."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def mapping(value: object, place: str) -> dict[str, Any]:
    """`value`, which is an object."""
    if not isinstance(value, dict):
        raise MalformedError(f"{place} is not an object")
    return value


def only_keys(value: Mapping[str, object], allowed: frozenset[str], place: str) -> None:
    """Nothing, if each key is one of `allowed`."""
    for key in value:
        if key not in allowed:
            raise MalformedError(f"{place} has the unknown key {shown(key)}")


def integer(value: Mapping[str, object], key: str, place: str) -> int:
    """The whole number, zero or more, at `key`."""
    found = value.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise MalformedError(f"{place}.{key} is not a whole number of zero or more")
    return found


def text(value: Mapping[str, object], key: str, place: str) -> str:
    """The string at `key`."""
    found = value.get(key)
    if not isinstance(found, str):
        raise MalformedError(f"{place}.{key} is not a string")
    return found


def optional_text(value: Mapping[str, object], key: str, place: str) -> str | None:
    """The string at `key`; None where there is none, or null."""
    return None if value.get(key) is None else text(value, key, place)


def prose(value: Mapping[str, object], key: str, place: str) -> str:
    """The string at `key`, tamed: earlier versions wrote what servers and hosts say as it came."""
    return tamed(text(value, key, place), most=_PROSE_CHARACTERS)


def identity(
    value: Mapping[str, object],
    key: str,
    place: str,
    *,
    accept: Callable[[str], bool],
    make: Callable[[str], T],
) -> T:
    """The string at `key`, which `accept` accepts, as the identity that `make` makes of it."""
    found = text(value, key, place)
    if not accept(found):
        raise MalformedError(f"{place}.{key} is {shown(found)}, which has the wrong pattern")
    return make(found)


def status(value: Mapping[str, object], place: str) -> int | None:
    """The HTTP status at `status`, or None where it is null."""
    return None if value.get("status") is None else integer(value, "status", place)


def payload(value: Mapping[str, object], place: str) -> dict[str, Json]:
    """The object at `payload`."""
    return mapping(value.get("payload"), f"{place}.payload")


def instant(value: Mapping[str, object], key: str, place: str) -> datetime:
    """The instant at `key`, in UTC."""
    found = text(value, key, place)
    try:
        parsed = datetime.fromisoformat(found)
    except ValueError as error:
        raise MalformedError(f"{place}.{key} is {shown(found)}, which is no date-time") from error
    if parsed.tzinfo is None:
        raise MalformedError(f"{place}.{key} is {shown(found)}, which has no offset")
    try:
        return parsed.astimezone(UTC)
    except OverflowError as error:
        raise MalformedError(f"{place}.{key} is {shown(found)}, which no calendar has in UTC") from error


def spell_instant(moment: datetime) -> str:
    """`moment` as state and journal write it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
