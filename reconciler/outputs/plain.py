"""Plain text: what is printed where there is neither a terminal nor colour, without loading rich.

Every byte is the one that rich would write there. What only rich can lay out is left to it.
"""

import os
import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

Console: TypeAlias = "RichConsole | PlainConsole"
"""Where text is printed."""

_STANDARD_STREAMS: Final = range(3)
_USUAL_WIDTH: Final = 80

# What makes rich take a file for a terminal, or for a page of a notebook.
_NOT_PLAIN: Final = ("FORCE_COLOR", "TTY_COMPATIBLE", "JUPYTER_COLUMNS", "JUPYTER_LINES")

# Latin letters and the signs that our own words have: each takes up one column, as a test compares with rich.
_NARROW: Final = re.compile(r"[ -~\xa0-\xac\xae-\u02ff\u2013\u2026\u2192\u2713]*")
_WORD: Final = re.compile(r"\s*\S+\s*")


class PlainConsole:
    """A console that is a file, a pipe or a log. `environ` is what may say how wide it is."""

    is_terminal: Final = False
    color_system: Final = None

    def __init__(self, file: TextIO, environ: Mapping[str, str]) -> None:
        self.file = file
        self._environ = environ

    @classmethod
    def on(cls, file: TextIO | None, environ: Mapping[str, str]) -> "PlainConsole | None":
        """The console on `file`; None where that is closed, or something more is to be seen on it."""
        if file is None or any(name in environ for name in _NOT_PLAIN) or file.isatty():
            return None
        return cls(file, environ)

    @cached_property
    def width(self) -> int:
        """How many columns rich takes it to have: as many as are said, else as the nearest terminal has."""
        said = self._environ.get("COLUMNS", "")
        if said.isdigit():
            return int(said)
        for stream in _STANDARD_STREAMS:
            try:
                return os.get_terminal_size(stream).columns or _USUAL_WIDTH
            except OSError:
                continue
        return _USUAL_WIDTH

    @cached_property
    def rich(self) -> "RichConsole":
        """The same console, for what has to be laid out."""
        from rich.console import Console  # noqa: PLC0415 - that is the point of this module

        return Console(
            file=self.file,
            force_terminal=False,
            color_system=None,
            width=self.width,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def print(self, text: str, *, style: str | None = None, soft_wrap: bool = False) -> None:
        """`text` stands on a line, or where it is not to be broken elsewhere, on as many as it needs."""
        if soft_wrap or (is_narrow(text) and len(text) <= self.width):
            self.file.write(f"{text}\n")
        else:
            self.rich.print(text, style=style)


def rich_of(console: Console) -> "RichConsole":
    """`console` as rich knows it."""
    return console.rich if isinstance(console, PlainConsole) else console


def is_narrow(text: str) -> bool:
    """Whether each character of `text` certainly takes up one column."""
    return text.isascii() or _NARROW.fullmatch(text) is not None


def columns_of(text: str) -> int:
    """How many columns `text`, which is printable, takes up."""
    if is_narrow(text):
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - its tables are for the texts that need them

    return cell_len(text)


def wrapped(text: str, width: int) -> list[str] | None:
    """The lines of at most `width` columns that `text` is broken into between words, as rich breaks it.

    None where only rich knows: a word is too long, or a character may be wide.
    """
    if not is_narrow(text):
        return None
    if len(text) <= width:
        return [text]
    starts, used = [0], 0
    for word in _WORD.finditer(text):
        length = len(word[0].rstrip())
        if length > width:
            return None
        if used + length > width:
            starts.append(word.start())
            used = 0
        used += len(word[0])
    ends = (*starts[1:], len(text))
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]
