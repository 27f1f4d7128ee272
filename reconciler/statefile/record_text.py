"""The text of records: JSON on one line, in no more bytes than it needs.

What it says is what `json` reads. orjson takes a fraction of the time where records are many, and has its way
in reading where both certainly agree: a text that it writes again byte by byte holds no key twice and no
number that it reads otherwise.
"""

import json
from itertools import count
from typing import Any, Final

from reconciler.statefile import fields

_FEW: Final = 500
_told: Final = count()
"""Records that `json` reads or writes before orjson is loaded, which takes as long as so many of them."""

_DEEP: Final = 100
"""Brackets as no record has them; where `json` gives up, orjson is not to go on."""


def spell(document: dict[str, Any]) -> bytes:
    """A text of `document`, which has no number that is none."""
    if next(_told) < _FEW:
        return _by_json(document)
    import orjson  # noqa: PLC0415 - see _FEW

    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError:  # a number with more than 64 bits, or half a character
        return _by_json(document)


def parse(text: bytes) -> object:
    """The JSON value in `text`. Raises MalformedError as `fields.decode_json` does."""
    if next(_told) < _FEW or text.count(b"[") + text.count(b"{") > _DEEP:
        return fields.decode_json(text)
    import orjson  # noqa: PLC0415 - see _FEW

    try:
        found = orjson.loads(text)
        is_certain = orjson.dumps(found) == text
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        is_certain = False
    return found if is_certain else fields.decode_json(text)


def _by_json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode("ascii")
