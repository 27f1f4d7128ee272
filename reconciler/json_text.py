"""JSON as `json` spells it with an indentation of two, in a fraction of the time where there is much of it.

Promise: the text is the one that `json.dumps` gives, byte for byte, and so is what is refused. orjson has its
way only with values that both certainly spell alike.
May import: orjson.
"""

import enum
import json
from typing import Any, Final

_FEW: Final = 10_000
"""Values that `json` has written before orjson is loaded."""

_SINGLE: Final = frozenset({str, int, bool, type(None)})


class _Form(enum.Enum):
    """What else `_by_orjson` is to do."""

    AS_IT_STANDS = enum.auto()
    SORTED_LINE = enum.auto()


def indented(document: object) -> str:
    """The text of `document`, keys in the order in which they stand."""
    found = _by_orjson(document, _Form.AS_IT_STANDS)
    if found is not None:
        return found.decode()
    return json.dumps(document, ensure_ascii=False, indent=2)


def sorted_lines(document: object) -> bytes:
    """The text of `document` in UTF-8, keys sorted, with a newline behind it.

    It is made with that newline: to add one to a large text would copy it.
    """
    found = _by_orjson(document, _Form.SORTED_LINE)
    if found is not None:
        return found
    return f"{json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)}\n".encode()


def _by_orjson(document: object, form: _Form) -> bytes | None:
    """The text of `document` in UTF-8; None where it is for `json` to give."""
    try:
        if _count(document) <= _FEW:
            return None
    except _NotPlain:
        return None
    import orjson  # noqa: PLC0415 - see _FEW

    options = orjson.OPT_INDENT_2
    if form is _Form.SORTED_LINE:
        options |= orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    try:
        return orjson.dumps(document, option=options)
    except orjson.JSONEncodeError:
        return None  # `json` spells it after all, or knows better what is wrong


class _NotPlain(Exception):
    """A value that the two may spell differently: a float, 1e-07 in one and 1e-7 in the other."""


def _count(value: Any) -> int:
    """How many values there are in `value`, itself included. Raises _NotPlain."""
    if type(value) in _SINGLE:
        return 1
    if type(value) is not dict and type(value) is not list:
        raise _NotPlain
    count = 1
    for one in value.values() if type(value) is dict else value:
        count += 1 if type(one) in _SINGLE else _count(one)
    return count
