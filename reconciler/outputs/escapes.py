"""Escapes for untrusted text, so that it can neither steer a terminal nor mislead a reader."""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

ELLIPSIS: Final = "…"

# Characters that steer a terminal, break a line, reorder or hide their neighbours, or cannot be encoded: C1
# controls, soft hyphen, bidirectional marks, embeddings, overrides and isolates, zero-width characters (but
# not the two joiners that scripts and emoji need), byte-order mark, interlinear marks, surrogates, and tags.
_BEYOND_C0: Final = (
    "\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)


# A joiner without a character on each side has nothing to join; terminals disagree on its width.
_UNSAFE: Final = re.compile(rf"[\x00-\x1f{_BEYOND_C0}]|\u200d(?!\S)|(?<!\S)\u200d")
_UNSAFE_IN_JSON: Final = re.compile(f"[{_BEYOND_C0}]")


def printable(text: str) -> str:
    r"""Return `text` on one line, with unsafe characters as escapes (`\x1b`, `\u202e`)."""
    if text.isprintable():
        return text
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def visible(text: str) -> str:
    r"""Return `text` with spaces and accents that look like others as escapes (`\u00a0`, `e\u0301`)."""
    if text.isascii():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii") if _is_mistaken(char, before) else char
        for before, char in zip(f" {text}", text, strict=False)
    )


def _is_mistaken(char: str, before: str) -> bool:
    """Return whether `char` is an unusual space, or an accent that should be one character with `before`."""
    if unicodedata.combining(char):
        return len(unicodedata.normalize("NFC", before + char)) == 1
    return unicodedata.category(char) == "Zs" and char != " "


def harmless_json(text: str) -> str:
    """Return the JSON document `text` with unsafe characters as JSON escapes."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNSAFE_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def first_of(texts: Sequence[str], most: int) -> str:
    """Return the first `most` of `texts`, separated by commas, and how many more there are."""
    shown, left = ", ".join(texts[:most]), len(texts) - most
    return f"{shown} {ELLIPSIS} and {left:,} more" if left > 0 else shown


def shorten(text: str, length: int) -> str:
    """Return `text`, cut to `length` characters with an ellipsis at the end if it is longer."""
    return text if len(text) <= length else text[: length - 1] + ELLIPSIS
