"""Untrusted text, made harmless for a terminal and for whoever reads it."""

import json
import re
from functools import cache
from typing import Final

ELLIPSIS: Final = "…"

# What can drive a terminal (C0, C1), break a line, reorder or hide its neighbours, or not be encoded at all:
# controls, soft hyphen, bidi marks, embeddings, overrides and isolates, zero-width characters except the two
# joiners that scripts and emoji need, byte-order mark, interlinear marks, surrogates, and tags.
_BEYOND_C0: Final = (
    "\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)


@cache
def _unsafe() -> re.Pattern[str]:
    """What `printable` spells out. Most texts have none of it, and the pattern is slow to compile."""
    return re.compile(f"[\x00-\x1f{_BEYOND_C0}]")


@cache
def _unsafe_in_json() -> re.Pattern[str]:
    return re.compile(f"[{_BEYOND_C0}]")


def printable(text: str) -> str:
    r"""`text` on one line, what could steer a terminal or mislead a reader spelt out (`\x1b`, `\u202e`)."""
    if text.isprintable():
        return text
    return _unsafe().sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def harmless_json(text: str) -> str:
    """The same JSON document as `text`, with what could mislead a reader spelt as JSON escapes."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _unsafe_in_json().sub(lambda found: json.dumps(found[0])[1:-1], text)


def shorten(text: str, length: int) -> str:
    """`text` as it is, or its beginning and an ellipsis, `length` characters in all."""
    return text if len(text) <= length else text[: length - 1] + ELLIPSIS
