"""Where a value of an exam is written, told from its text, in a tenth of the time that parsing takes.

Of a text that is known to be right as YAML, this can be told where every line is closed in itself: then its
indent alone says what a line belongs to. Whatever goes over several lines (long texts, lists, brackets), and
all that is seldom written, is left to those who parse it.
"""

import re
from functools import cache
from typing import Final, NamedTuple

from reconciler.manifest.passwords import FIELD
from reconciler.manifest.yaml_nodes import Stretch

_DOUBLE: Final = r'"(?:[^"\\\n]|\\[^\n])*+"'
_SINGLE: Final = r"'(?:[^'\n]|'')*+'"
_BRACKETED: Final = rf"[\[{{](?:[^\[\]{{}}#\"'\n]|{_DOUBLE}|{_SINGLE})*+[\]}}]"
_PLAIN_START: Final = r"(?:-(?=[^ \n])|[^ \"'\[\]{}#|>&*!%@`,?:\n-])"
_CLOSED: Final = rf"{_DOUBLE}|{_SINGLE}|{_BRACKETED}"
_KEY: Final = r"[\w./-]++"
_PAIR: Final = rf"{_KEY}:(?: ++(?:{_CLOSED}|{_PLAIN_START}[^\n]*+))?+(?=\n| ++[#\n])"
_ITEM: Final = rf"(?:{_CLOSED}|{_PLAIN_START}(?:[^:\n]|:(?=[^ \n]))*+)"
_ENTRY: Final = rf"(?:{_PAIR}|- ++(?:{_PAIR}|{_ITEM}))"
_LINE: Final = rf" *+(?:{_ENTRY})?+ *+(?:#[^\n]*+)?+\n"

_SPACE: Final = " "
_MAY_GO_ON: Final = "\"'|>"
_BRACKETS: Final = "[{"
_UNUSUAL: Final = frozenset("!&*|>%@`?")


@cache
def _lines() -> re.Pattern[str]:
    """Lines each of which is closed in itself."""
    return re.compile(f"(?:{_LINE})*+")


@cache
def _closed_bracket() -> re.Pattern[str]:
    """A bracket that is closed on its line, as far as a text without quotes goes."""
    return re.compile(r"[\[{][^\[\]{}#\n]*+[\]}]")


@cache
def _quoted() -> re.Pattern[str]:
    return re.compile(f"{_DOUBLE}|{_SINGLE}")


@cache
def _next_line() -> re.Pattern[str]:
    """Ends of lines that are empty from here on, or hold a comment only, and how far the next is indented."""
    return re.compile(r"(?: *+(?:#[^\n]*+)?\n)*+( *+)")


@cache
def _line_within(indent: int) -> re.Pattern[str]:
    """A line that is indented no further than by `indent`, and no comment."""
    return re.compile(rf"\n {{0,{indent}}}[^ #\n]")


class _Block(NamedTuple):
    """The entries of a mapping: lines indented by `indent`, from the line end at `start` up to `end`."""

    text: str
    start: int
    end: int
    indent: int


class ExamLines:
    """The lines of the exam that is at `own` in `text`, which is right as YAML."""

    __slots__ = ("_blocks", "_exam")

    def __init__(self, text: str, own: Stretch) -> None:
        before = text.rfind("\n", 0, own.start)
        indent = own.start - before - 1
        begins_a_line = text.count(_SPACE, before + 1, own.start) == indent
        is_told = begins_a_line and _are_closed(text[before + 1 : own.end])
        self._exam = _Block(text, before, own.end, indent) if is_told else None
        self._blocks: dict[str, _Block | None] = {}

    def locate(self, path: tuple[object, ...]) -> Stretch | None:
        """Where the value at `path` is written: a scalar itself, of all else the key.

        None where it is not written in these lines, or that is not told.
        """
        match path:
            case (str() as key,):
                block = self._exam
            case (str() as outer, str() as key):
                block = self._block_of(outer)
            case _:
                return None
        return None if block is None else _value_in(block, key)

    def _block_of(self, key: str) -> _Block | None:
        if key not in self._blocks:
            self._blocks[key] = None if self._exam is None else _block_in(self._exam, key)
        return self._blocks[key]


def _are_closed(lines: str) -> bool:
    """Whether each of `lines` is closed in itself."""
    if "\t" in lines or "\r" in lines:
        return False
    if any(char in lines for char in _MAY_GO_ON):
        return _lines().fullmatch(lines if lines.endswith("\n") else f"{lines}\n") is not None
    for bracket in _BRACKETS:
        at = lines.find(bracket)
        while at >= 0:
            if _closed_bracket().match(lines, at) is None:
                return False
            at = lines.find(bracket, at + 1)
    return True


def _next_word(block: _Block, at: int) -> tuple[int, int]:
    """Where the line begins of the first word from `at` on, comments left out, and where that stands."""
    found = _next_line().match(block.text, at, block.end)
    return (at, at) if found is None else (found.start(1), found.end())


def _entry_in(block: _Block, key: str) -> int | None:
    """The end of the colon behind `key`; None where no line begins with that."""
    if not key.isalnum():
        return None  # none of a documented field, and perhaps none at all in these lines
    begins = f"\n{_SPACE * block.indent}{key}:"
    found = block.text.find(begins, block.start, block.end)
    return None if found < 0 else found + len(begins)


def _block_in(block: _Block, key: str) -> _Block | None:
    """What stands below `key`; None where nothing does, or that is not told."""
    colon = _entry_in(block, key)
    if colon is None:
        return None
    line, word = _next_word(block, colon)
    after = _line_within(block.indent).search(block.text, line - 1, block.end)
    return _Block(block.text, line - 1, block.end if after is None else after.start() + 1, word - line)


def _value_in(block: _Block, key: str) -> Stretch | None:
    colon = _entry_in(block, key)
    if colon is None:
        return None
    text, line_end = block.text, block.text.find("\n", colon, block.end)
    if line_end < 0:
        line_end = block.end
    start = colon
    while start < line_end and text[start] == _SPACE:
        start += 1
    first = text[start:line_end][:1]
    if start == colon or first in _UNUSUAL or first in {"", "#"}:
        return None
    if first in _BRACKETS or key == FIELD:
        return Stretch(colon - len(key) - 1, colon - 1)
    if first in {'"', "'"}:
        quoted = _quoted().match(text, start, line_end)
        return None if quoted is None else Stretch(*quoted.span())
    next_line, next_word = _next_word(block, line_end)
    if block.indent < next_word - next_line and next_word < block.end:
        return None  # it goes on
    comment = text.find(" #", start, line_end)
    shown = text[start : line_end if comment < 0 else comment]
    return Stretch(start, start + len(shown.rstrip(_SPACE)))
