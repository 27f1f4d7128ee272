"""The console, and lines on it: what every text form has in common.

Text reaches a console only as `printable` pieces, so that nothing in it can steer a terminal.
"""

import os
from collections.abc import Mapping
from typing import Final, TextIO, TypeAlias

from wcwidth import clip, ljust, wcswidth, width, wrap

from reconciler.outputs.escapes import ELLIPSIS, printable

LOG_WIDTH: Final = 120
"""Columns that a pipe or a log is taken to have at least."""

INDENT: Final = 4
"""Columns that facts about one exam are set in by, below its header."""

LABEL_WIDTH: Final = 9
"""Columns that the label of such a fact takes up."""

_USUAL_WIDTH: Final = 80
_MIN_TEXT_WIDTH: Final = 20
_CODES: Final = {
    "bold": "1",
    "dim": "2",
    "italic": "3",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "cyan": "36",
}

Piece: TypeAlias = str | tuple[str, str]
"""Untrusted text, alone or with the words of the style to show it in, such as `bold red`."""


class Console:
    """Where text is printed: how wide that is, whether it is a terminal, and whether it shows styles."""

    def __init__(
        self,
        file: TextIO,
        *,
        width: int = _USUAL_WIDTH,
        is_terminal: bool = False,
        has_styles: bool = False,
    ) -> None:
        self.file = file
        self.width = width
        self.is_terminal = is_terminal
        self.has_styles = has_styles

    @classmethod
    def on(cls, file: TextIO, environ: Mapping[str, str], *, may_have_styles: bool) -> "Console":
        """Return the console on `file`, as `environ` and the terminal itself describe it."""
        is_terminal = file.isatty() or bool(environ.get("FORCE_COLOR"))
        has_styles = may_have_styles and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        return cls(
            file,
            width=_columns(file, environ.get("COLUMNS", "")),
            is_terminal=is_terminal,
            has_styles=is_terminal and has_styles,
        )


def _columns(file: TextIO, said: str) -> int:
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(file.fileno()).columns or _USUAL_WIDTH
    except (OSError, ValueError):  # no terminal, or closed
        return _USUAL_WIDTH


def _styled(console: Console, pieces: tuple[Piece, ...]) -> str:
    """Return `pieces` in a row, each made printable, with escape sequences where the console shows styles."""
    parts = []
    for piece in pieces:
        text, style = (piece, "") if isinstance(piece, str) else piece
        shown = printable(text)
        if shown and style and console.has_styles:
            shown = f"\x1b[{';'.join(_CODES[word] for word in style.split())}m{shown}\x1b[0m"
        parts.append(shown)
    return "".join(parts)


def width_of(console: Console) -> int:
    """Return the columns to lay text out in."""
    return console.width if console.is_terminal else max(console.width, LOG_WIDTH)


def put(console: Console, *pieces: Piece) -> None:
    """Print `pieces` on a line that is never broken: right for what is copied or searched."""
    console.file.write(f"{_styled(console, pieces)}\n")


def put_wrapped(console: Console, *pieces: Piece, indent: int = 0, hanging: int | None = None) -> None:
    """Print `pieces` on as many lines as they need, broken between words.

    The first line is set in by `indent` columns, the others by `hanging` (None: as the first).
    """
    rest = indent if hanging is None else hanging
    for number, line in enumerate(_lines(console, pieces, width_of(console) - max(indent, rest))):
        console.file.write(f"{' ' * (rest if number else indent)}{line}\n")


def put_fact(label: str, console: Console, *pieces: Piece) -> None:
    """Print `pieces` beside `label`, set in below a header, on as many lines as they need."""
    margin = INDENT + LABEL_WIDTH
    head = _styled(console, ((" " * INDENT + f"{label:{LABEL_WIDTH}}", "dim"),))
    for number, line in enumerate(_lines(console, pieces, width_of(console) - margin)):
        console.file.write(f"{' ' * margin if number else head}{line}\n")


def _lines(console: Console, pieces: tuple[Piece, ...], columns: int) -> list[str]:
    text = _styled(console, pieces)
    return wrap(text, max(columns, _MIN_TEXT_WIDTH), break_on_hyphens=False) or [""]


def put_fitted(console: Console, *pieces: Piece) -> None:
    """Print `pieces` on one line, of which a terminal shows as much as it has room for."""
    console.file.write(f"{fitted(console, *pieces)}\n")


def fitted(console: Console, *pieces: Piece) -> str:
    """Return `pieces` as `put_fitted` prints them."""
    line = _styled(console, pieces)
    if console.is_terminal and width(line) > console.width:
        return clip(line, 0, console.width - 1) + ELLIPSIS
    return line


def put_panel(console: Console, title: str, *pieces: Piece, style: str, columns: int) -> None:
    """Print `pieces`, each on lines of its own, in a frame `columns` wide with `title` on its upper edge."""
    room = columns - len("│  │")
    edge = "─" * (columns - len("╭─  ╮") - columns_of(title))
    side = _styled(console, (("│", style),))
    put(console, ("╭─ ", style), (title, f"bold {style}"), (f" {edge}╮", style))
    for piece in pieces:
        for line in _lines(console, (piece,), room):
            console.file.write(f"{side} {ljust(line, room)} {side}\n")
    put(console, (f"╰{'─' * (columns - len('╰╯'))}╯", style))


def columns_of(text: str) -> int:
    """Return how many columns `text`, which is printable, takes up."""
    return wcswidth(text)


def pad(text: str, columns: int) -> str:
    """Return `text`, printable, cut or filled up to exactly `columns` columns."""
    return ljust(keep_left(printable(text), columns), columns)


def keep_left(text: str, columns: int) -> str:
    """Return as much of the beginning of `text` as fits in `columns`, an ellipsis where that is not all."""
    if columns_of(text) <= columns:
        return text
    return clip(text, 0, columns - 1) + ELLIPSIS if columns > 0 else ""


def keep_right(text: str, columns: int) -> str:
    """Return as much of the end of `text` as fits in `columns`, an ellipsis where that is not all."""
    total = columns_of(text)
    if total <= columns:
        return text
    return ELLIPSIS + clip(text, total - columns + 1, total) if columns > 0 else ""


def count_of(number: int, noun: str) -> str:
    """Return `number` with `noun`, in the plural where it is not one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
