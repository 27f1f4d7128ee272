"""Resolves plain scalars by the core schema of YAML 1.2 (section 10.3.2)."""

import re
from typing import Final

MAX_DIGITS: Final = 30
"""Longer numbers are refused: no field needs them, and the time to read one grows with its square."""

_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
NOT_TEXT_STARTS: Final = _NUMBER_STARTS | {word[:1] for word in _WORDS}
"""First characters of the plain scalars that may be other than text."""
_DECIMAL: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INFINITY: Final = float("inf")


class NumberTooLong(ValueError):
    """A number has more digits than MAX_DIGITS."""


class NotFinite(ValueError):
    """A number is infinite or NaN, which JSON does not have."""


def resolve_plain(text: str) -> str | float | bool | None:
    """Return the value of the plain scalar `text`. Raises NumberTooLong and NotFinite."""
    if text[:1] in _NUMBER_STARTS and text:
        return _number(text)
    return _WORDS.get(text, text)


def _number(text: str) -> str | float:
    """Return `text` as a number, or unchanged if it is not one."""
    if _DECIMAL.fullmatch(text):
        return int(_short(text))
    if _OCTAL.fullmatch(text):
        return int(_short(text), 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(_short(text), 16)
    if _FLOAT.fullmatch(text):
        number = float(_short(text))
        if abs(number) == _INFINITY:
            raise NotFinite
        return number
    if _NOT_FINITE.fullmatch(text):
        raise NotFinite
    return text


def _short(text: str) -> str:
    """Return `text`. Raises NumberTooLong."""
    if sum(map(str.isalnum, text)) > MAX_DIGITS:
        raise NumberTooLong
    return text
