"""Proposals of how one mistyped line should read; `slips` tries which of them is right."""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

_KEY: Final = r"[^\W\d][\w.-]*|[A-Za-z0-9][\w.-]*/[\w./-]*"
_LEAD: Final = r"(?P<lead>[^\S\n]*(?:-[^\S\n]+)*)"
_ENTRY: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY}|\"[^\"]*\"|'[^']*')(?P<colon>:[ \t]+)(?P<value>[^\s#].*)")
_ITEM: Final = re.compile(r"(?P<lead>[^\S\n]*(?:-[^\S\n]+)+)(?P<value>[^\s#].*)")
_NO_SPACE: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY}):(?P<value>[^\s:/].*)")
_EQUALS: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY})[ \t]*:?=[ \t]*(?P<value>\S.*)")
_NO_COLON: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY})[ \t]+(?P<value>\S.*)")
_ALONE: Final = re.compile(rf"{_LEAD}(?P<key>{_KEY})[ \t]*(?P<comment>#.*)?")
_NO_DASH_SPACE: Final = re.compile(r"(?P<lead>[^\S\n]*)-(?P<value>[^\s-].*)")
_COMMENT: Final = re.compile(r"[ \t]+#.*$")
_ODD_COLONS: Final = {"\uff1a": "full-width colon", "\ufe55": "small colon", "\u2236": "ratio sign"}
_ODD_COLON: Final = re.compile(
    rf"{_LEAD}(?P<key>{_KEY})[^\S\n]*(?P<odd>[{''.join(_ODD_COLONS)}])[^\S\n]*(?P<value>.*)"
)
_ODD_SPACE: Final = re.compile(r"[^\S \t\r\n]")
_SPACES: Final = {
    "\xa0": "no-break space",
    "\u202f": "narrow no-break space",
    "\u3000": "ideographic space",
    "\u2003": "em space",
    "\u2002": "en space",
    "\u2009": "thin space",
}
_BRACKETS: Final = {"{": "}", "[": "]"}
_STARTS: Final = frozenset("@`%|>&*!?{}[],-#")


class Slip(Struct, frozen=True):
    """A mistyped line: its index, the columns that are wrong, what is wrong, and the line as it should read.

    `line` is None if it should go. `advice` says what to do, without any text of the file; if it is empty,
    the line as it should read says it.
    """

    index: int
    start: int
    end: int
    message: str
    advice: str
    line: str | None = None


def of_odd_characters(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of foreign colons and spaces."""
    if (found := _ODD_COLON.fullmatch(line)) is not None:
        odd = found["odd"]
        fixed = f"{found['lead']}{found['key']}: {found['value']}".rstrip()
        yield _slip(
            index,
            found.start("odd"),
            found.end("odd"),
            f"a {_ODD_COLONS[odd]} ({_point(odd)}) stands here in place of ':'",
            fixed,
        )
    if (odd_space := _ODD_SPACE.search(line)) is not None:
        char = odd_space[0]
        yield _slip(
            index,
            odd_space.start(),
            odd_space.end(),
            f"a {_SPACES.get(char, 'foreign space')} ({_point(char)}) stands here in place of a space",
            _ODD_SPACE.sub(" ", line),
        )


def of_spelling(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of a tab, of a key's colon, and of the space behind it."""
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    if "\t" in indent:
        fixed = f"{indent.replace(chr(9), '  ')}{line.lstrip()}"
        at = indent.index("\t")
        message = "a tab is used where YAML requires spaces"
        yield Slip(index, at, at + 1, message, "Indent with spaces.", fixed)
    if (found := _EQUALS.fullmatch(line)) is not None:
        yield _missing(index, found, "'=' stands here in place of ':'")
    if (found := _NO_SPACE.fullmatch(line)) is not None:
        yield _missing(index, found, "the space after ':' is missing")
    if (found := _NO_COLON.fullmatch(line)) is not None and not found["value"].startswith("#"):
        yield _missing(index, found, "the ':' after the key is missing")
    if (found := _ALONE.fullmatch(line)) is not None:
        fixed = f"{found['lead']}{found['key']}:{'' if found['comment'] is None else ' ' + found['comment']}"
        yield _slip(index, found.start("key"), found.end("key"), "the ':' after the key is missing", fixed)
    if (found := _NO_DASH_SPACE.fullmatch(line)) is not None:
        at = found.start("value")
        yield _slip(index, at - 1, at, "the space after '-' is missing", f"{found['lead']}- {found['value']}")


def _missing(index: int, found: re.Match[str], message: str) -> Slip:
    fixed = f"{found['lead']}{found['key']}: {found['value']}"
    return _slip(index, found.start("key"), found.end("key"), message, fixed)


def of_value(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of a value: in quotes as a whole, or with its brackets closed."""
    found = _ENTRY.fullmatch(line) or _ITEM.fullmatch(line)
    if found is None:
        return
    value = found["value"].rstrip()
    yield from _close_brackets(index, line, found.start("value"), value)
    if value[0] in "\"'" and _closing(value) in {-1, len(value) - 1}:
        return  # an open quote is closed, not quoted again
    first, at = value[0], found.start("value")
    if first in "\"'":
        message = "text goes on behind the closing quote"
    elif first in "[{":
        message = f"text goes on behind '{_BRACKETS[first]}'"
    elif first in _STARTS:
        message = f"text that begins with '{first}' needs quotes"
    elif ": " in value or value.endswith(":"):
        message = "text with ': ' in it needs quotes"
    else:
        message = "this text needs quotes"
    doubled = value.replace("'", "''")
    spelt = f"'{doubled}'" if '"' in value or "\\" in value else f'"{value}"'
    yield _slip(index, at, at + len(value), message, f"{line[:at]}{spelt}")


def _close_brackets(index: int, line: str, at: int, value: str) -> Iterator[Slip]:
    """Yield a repair of `value` with the brackets closed that it leaves open, or without one too many."""
    if value[0] not in _BRACKETS:
        return
    bare = _COMMENT.sub("", value)
    still_open: list[str] = []
    for number, char in enumerate(bare):
        if char in _BRACKETS:
            still_open.append(_BRACKETS[char])
        elif char in _BRACKETS.values():
            if not still_open or still_open[-1] != char:
                fixed = f"{line[: at + number]}{line[at + number + 1 :]}".rstrip()
                yield _slip(index, at + number, at + number + 1, f"this '{char}' closes nothing", fixed)
                return
            still_open.pop()
    if still_open:
        closing = "".join(reversed(still_open))
        inner = bare.rstrip().rstrip(",")
        space = " " if inner[1:2] == " " else ""
        yield _slip(
            index, at, at + len(bare), f"'{value[0]}' is not closed", f"{line[:at]}{inner}{space}{closing}"
        )


def _closing(value: str) -> int:
    """Return the index of the quote that closes `value`, which begins with one; -1 if none does."""
    form = r'"(?:[^"\\]|\\.)*"' if value[0] == '"' else r"'(?:[^']|'')*'"
    found = re.match(form, value)
    return -1 if found is None else found.end() - 1


def opens_quote(line: str) -> bool:
    """Return whether the value on `line` begins with a quote that the line does not close."""
    found = _ENTRY.fullmatch(line) or _ITEM.fullmatch(line)
    return found is not None and found["value"][0] in "\"'" and _closing(found["value"]) < 0


def of_open_quote(index: int, line: str) -> Iterator[Slip]:
    """Yield repairs of a line that opens a quote: closed before a comment, and at the end of the line."""
    found = _ENTRY.fullmatch(line) or _ITEM.fullmatch(line)
    if found is None:
        return
    at, value = found.start("value"), found["value"].rstrip()
    for body in dict.fromkeys((_COMMENT.sub("", value), value)):
        fixed = f"{line[:at]}{body}{value[0]}"
        yield _slip(index, at, at + 1, "this quote is not closed", fixed)


def _slip(index: int, start: int, end: int, message: str, line: str) -> Slip:
    return Slip(index, start, end, message, "", line)


def _point(char: str) -> str:
    return f"U+{ord(char):04X}"
