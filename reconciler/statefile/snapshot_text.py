"""The text of snapshots: JSON, keys sorted, indented by two, one trailing newline.

What it says is what `json` reads and writes. orjson takes a fraction of the time and has its way where both
certainly agree: a text that orjson writes again byte by byte holds no key twice and no number that it reads
otherwise, and values that are neither floats nor of a type of their own have one spelling in both.
"""

import json
from typing import Any, Final

from reconciler.statefile import fields

_SMALL_BYTES: Final = 128 * 1024
"""Loading orjson takes longer than reading as much as this."""

_DEEP: Final = b"\n" + b"  " * 100
"""Indentation as deep as no payload has; where `json` gives up, orjson is not to go on."""

_PLAIN: Final = frozenset({str, int, bool, type(None)})


def parse(data: bytes) -> object:
    """The JSON value in `data`. Raises MalformedError as `fields.decode_json` does."""
    if len(data) <= _SMALL_BYTES or _DEEP in data:
        return fields.decode_json(data)
    import orjson  # noqa: PLC0415 - see _SMALL_BYTES

    try:
        found = orjson.loads(data)
        is_certain = orjson.dumps(found, option=_options()) == data
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        is_certain = False
    return found if is_certain else fields.decode_json(data)


def spell(document: dict[str, Any]) -> bytes:
    """The text of `document`, whatever is in its payloads."""
    if all(map(_is_plain, document.values())):
        import orjson  # noqa: PLC0415 - nothing but a command that writes state needs it

        try:
            return orjson.dumps(document, option=_options())
        except orjson.JSONEncodeError:
            pass  # `json` spells it after all, or knows better what is wrong
    return f"{json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)}\n".encode()


def _options() -> int:
    import orjson  # noqa: PLC0415 - whoever asks has loaded it

    return orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def _is_plain(value: object) -> bool:
    """Whether both write `value` alike: a float stands as 1e-07 in one and as 1e-7 in the other."""
    if type(value) in _PLAIN:
        return True
    if type(value) is not dict and type(value) is not list:
        return False
    for one in (
        value.values() if type(value) is dict else value
    ):  # a loop is a third of the time of all(...), and this sees each value of a state
        if type(one) not in _PLAIN and not _is_plain(one):
            return False
    return True
