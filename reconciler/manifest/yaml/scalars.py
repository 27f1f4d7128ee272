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


class UnusableNumber(ValueError):
    """A number that cannot be sent, with the code, message and hint of its diagnostic."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def resolve_plain(text: str) -> str | float | bool | None:
    """Return the value of the plain scalar `text`. Raises UnusableNumber."""
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
        if abs(number) != _INFINITY:
            return number
    elif not _NOT_FINITE.fullmatch(text):
        return text
    raise UnusableNumber(
        "not-a-number",
        "infinity and not-a-number cannot be sent",
        "Give a finite number, or put it in quotes if it is meant as text.",
    )


def _short(text: str) -> str:
    """Return `text`. Raises UnusableNumber if it has too many digits."""
    if sum(map(str.isalnum, text)) > MAX_DIGITS:
        raise UnusableNumber(
            "too-large",
            f"this number has more than {MAX_DIGITS} digits",
            "If it is meant as text, put it in quotes.",
        )
    return text
