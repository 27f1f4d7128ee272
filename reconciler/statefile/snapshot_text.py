"""The text of snapshots: JSON, keys sorted, indented by two, one trailing newline.

What it says is what `json` reads. orjson takes a fraction of the time and has its way where both certainly
agree: a text that it writes again byte by byte holds no key twice and no number that it reads otherwise.
"""

from typing import Any, Final

from reconciler import json_text
from reconciler.statefile import fields

_SMALL_BYTES: Final = 128 * 1024
"""Loading orjson takes longer than reading as much as this."""

_DEEP: Final = b"\n" + b"  " * 100
"""Indentation as deep as no payload has; where `json` gives up, orjson is not to go on."""


def is_large(data: bytes) -> bool:
    """Whether `data` is so large that orjson is worth loading."""
    return len(data) > _SMALL_BYTES


def parse(data: bytes) -> object:
    """The JSON value in `data`. Raises MalformedError as `fields.decode_json` does."""
    if is_large(data) and (found := certainly(data)) is not None:
        return found
    return fields.decode_json(data)


def certainly(data: bytes) -> object:
    """The JSON value in `data`; None unless that is written in these very bytes."""
    if _DEEP in data:
        return None
    import orjson  # noqa: PLC0415 - see _SMALL_BYTES

    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    try:
        found: object = orjson.loads(data)
        return found if orjson.dumps(found, option=options) == data else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def spell(document: dict[str, Any]) -> bytes:
    """The text of `document`, whatever is in its payloads."""
    return json_text.sorted_lines(document)
