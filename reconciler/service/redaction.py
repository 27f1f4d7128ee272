"""Redaction: withhold each text of a server that holds a secret, encoded or in part.

The server may have encoded the secret in any way, so masking it is not safe. A text that holds even a part of
a secret is withheld completely.
"""

import html
import json
import ssl
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
# Characters that appear if UTF-8 is read as Latin-1, or ASCII as UTF-16.
_MISREAD: Final = frozenset(
    map(chr, (*range(0x80, 0xA0), 0xAD, *range(0x2028, 0x202F), *range(0x2060, 0x2070)))
)
_URL_SAFE: Final = str.maketrans("+/", "-_")
# How many first characters of base64 depend on the preceding 0, 1 or 2 bytes.
_SHARED: Final = (0, 2, 3)


class Redactor:
    """Finds secrets in texts. It also finds the secrets of the redactor `beside`.

    A secret of eight or more characters is found by any eight consecutive ones, a shorter one as a whole. A
    secret of eight or more letters and digits is also found by eight of these with anything between them.
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
        """Whether a secret is in `text` or in one of its decodings; at most `most` of these are tried."""
        readings = undone(_visible(text[:_CONSIDERED], but=_MISREAD), least=self.least, most=most)
        return any(self.finds_plainly_in(_comparable(reading)) for reading in readings)

    def finds_piece_in(self, text: str) -> bool:
        """Whether eight consecutive characters of a secret are in `text`, without decoding it."""
        pieces = _pieces(_comparable(text))
        return not self._pieces.isdisjoint(pieces) or (
            self._beside is not None and self._beside.finds_piece_in(text)
        )

    def finds_plainly_in(self, text: str) -> bool:
        """Whether a secret is in `text`, which is the result of `_comparable`, without decoding it."""
        return (
            not self._pieces.isdisjoint(_pieces(text))
            or any(whole in text for whole in self._wholes)
            or not self._letters.isdisjoint(_pieces(_letters(without_tags(text))))
            or (self._beside is not None and self._beside.finds_plainly_in(text))
        )

    def shown(self, text: str, *, otherwise: str) -> str:
        """Return `text` on one line of at most 500 characters, or `otherwise` if it holds a secret."""
        considered = text[:_CONSIDERED]
        return otherwise if self.finds_in(considered) else tamed(considered, most=_SHOWN)


def describe(error: Exception, redactor: Redactor) -> str:
    """Return `error` on one line: its class, and its message if it has one."""
    return _described(error, is_withheld=redactor.finds_in(said_by(error)))


def describe_own(error: Exception, redactor: Redactor) -> str:
    """Return the same of an `error` that quotes nobody: secrets of less than eight characters are ignored."""
    return _described(error, is_withheld=redactor.finds_piece_in(said_by(error)))


def _described(error: Exception, *, is_withheld: bool) -> str:
    says = f"what it says {WITHHELD}" if is_withheld else tamed(said_by(error), most=_SHOWN)
    return ": ".join(filter(None, (type(error).__name__, says)))


def said_by(error: Exception) -> str:
    """Return what `error` says and, where httpx leaves it out, what the system said."""
    said = str(error)
    why = ""
    cause: BaseException | None = error
    while isinstance(cause, Exception):  # not what a time limit interrupted, which says nothing of it
        if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLWantReadError):
            why = str(cause) or why
        cause = cause.__cause__ or cause.__context__
    return said if why in said else ": ".join(filter(None, (said, why)))


def _comparable(text: str) -> str:
    """Return `text` for comparison: case folded, Unicode forms unified, invisible characters removed."""
    text = _visible(text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(text.lower().split())


def _visible(text: str, *, but: frozenset[str] = frozenset()) -> str:
    """Return the printable and white-space characters of `text`, and those in `but`, without U+FFFD."""
    if text.isprintable() and REPLACEMENT not in text:
        return text
    return "".join(
        each for each in text if (each.isprintable() or each.isspace() or each in but) and each != REPLACEMENT
    )


def _letters(text: str) -> str:
    """Return the letters and digits of `text`; a program may have printed each one separately."""
    return "".join(filter(str.isalnum, text))


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(len(text) - _PIECE + 1))


def _spellings(secret: str) -> Iterator[str]:
    """Yield `secret` in the usual encodings, to find parts that are too short to be decoded."""
    data = secret.encode("utf-8", "replace")
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (html.escape(secret), quote(secret, safe=""), quote_plus(secret), data.hex())
    yield from (data.decode("latin-1"), data.decode("cp1252", "replace"))  # then changed: no UTF-8 any more
    for before, shared in enumerate(_SHARED):
        whole = b64encode(bytes(before) + data).decode("ascii").rstrip("=")
        for text in (whole[shared:], whole[shared : (before + len(data)) * 8 // 6]):
            yield from (text, text.translate(_URL_SAFE))
