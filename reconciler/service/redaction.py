"""Redaction: no text from a server is passed on in which a secret stands, however it is spelt or cut.

What a server echoes has gone through encoders that nobody knows, so nothing is masked: a text in which as
much as a piece of a secret stands is withheld whole.
"""

import html
import json
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from reconciler.model.outside_text import REPLACEMENT, tamed
from reconciler.service.decodings import MOST_TEXTS, undone, without_tags

WITHHELD: Final = "repeats a secret and is withheld"

_PIECE: Final = 8
_CONSIDERED: Final = 8 * 1024
_SHOWN: Final = 500
# Bytes of UTF-8, where it was misread, and pairs of bytes that were taken for UTF-16.
_MISREAD: Final = frozenset(
    map(chr, (*range(0x80, 0xA0), 0xAD, *range(0x2028, 0x202F), *range(0x2060, 0x2070)))
)
_URL_SAFE: Final = str.maketrans("+/", "-_")
# The first characters of base64 of which the bytes before a text have a share, by how many these are.
_SHARED: Final = (0, 2, 3)


class Redactor:
    """Knows secrets, and tells of a text only whether one of them stands in it.

    A secret of eight characters or more is found by any eight of them in a row, a shorter one only whole;
    of eight letters and digits or more also by eight of these, whatever stands between them. It knows those
    of `beside` too.
    """

    def __init__(self, confidential: Iterable[str], *, beside: "Redactor | None" = None) -> None:
        self._wholes: set[str] = set()
        self._pieces: set[str] = set()
        self._letters: set[str] = set()
        for secret in confidential:
            plain = _comparable(secret)
            if 0 < len(plain) < _PIECE:
                self._wholes.add(plain)
            self._letters.update(_pieces(_letters(plain)))
            for form in {secret, without_tags(secret)}:
                for spelling in (form, *_spellings(form)):
                    self._pieces.update(_pieces(_comparable(spelling)))
        self._beside = beside
        self.least = min(map(len, self._wholes), default=_PIECE)
        if beside is not None:
            self.least = min(self.least, beside.least)

    def finds_in(self, text: str, *, most: int = MOST_TEXTS) -> bool:
        """Whether a secret stands in `text`, or in what it may spell: `most` readings of it are tried."""
        readings = undone(_visible(text[:_CONSIDERED], but=_MISREAD), least=self.least, most=most)
        return any(self.finds_plainly_in(_comparable(reading)) for reading in readings)

    def finds_piece_in(self, text: str) -> bool:
        """Whether eight characters of a secret stand in `text`, as it is."""
        pieces = _pieces(_comparable(text))
        return not self._pieces.isdisjoint(pieces) or (
            self._beside is not None and self._beside.finds_piece_in(text)
        )

    def finds_plainly_in(self, text: str) -> bool:
        """Whether a secret stands in the comparable `text`, no encoding undone."""
        return (
            not self._pieces.isdisjoint(_pieces(text))
            or any(whole in text for whole in self._wholes)
            or not self._letters.isdisjoint(_pieces(_letters(without_tags(text))))
            or (self._beside is not None and self._beside.finds_plainly_in(text))
        )

    def shown(self, text: str, *, otherwise: str) -> str:
        """Return `text` on one line, cut to what a log can bear; `otherwise` where a secret stands in it."""
        considered = text[:_CONSIDERED]
        return otherwise if self.finds_in(considered) else tamed(considered, most=_SHOWN)


def describe(error: Exception, redactor: Redactor) -> str:
    """Return `error` in one line: its kind, and what it says if that says anything."""
    kind = type(error).__name__
    says = str(error)
    return f"{kind}: {redactor.shown(says, otherwise=f'what it says {WITHHELD}')}" if says else kind


def _comparable(text: str) -> str:
    """Return `text` so that two that look alike are equal: without case, forms, and what nobody sees."""
    text = _visible(text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(text.lower().split())


def _visible(text: str, *, but: frozenset[str] = frozenset()) -> str:
    """Return `text` without what is neither printable nor white space, nor in `but`, and without U+FFFD."""
    if text.isprintable() and REPLACEMENT not in text:
        return text
    return "".join(
        each for each in text if (each.isprintable() or each.isspace() or each in but) and each != REPLACEMENT
    )


def _letters(text: str) -> str:
    """Return the letters and digits of `text`, as where a program printed each character by itself."""
    return "".join(filter(str.isalnum, text))


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(len(text) - _PIECE + 1))


def _spellings(secret: str) -> Iterator[str]:
    """Yield `secret` in the usual encodings, for pieces too small to be decoded."""
    data = secret.encode("utf-8", "replace")
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (html.escape(secret), quote(secret, safe=""), quote_plus(secret), data.hex())
    for before, shared in enumerate(_SHARED):
        whole = b64encode(bytes(before) + data).decode("ascii").rstrip("=")
        for text in (whole[shared:], whole[shared : (before + len(data)) * 8 // 6]):
            yield from (text, text.translate(_URL_SAFE))
