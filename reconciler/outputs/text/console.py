"""The console that all text is printed on, and functions that print lines.

All text is made `printable` first, so that nothing in it can steer a terminal.
"""

import os
import re
from collections.abc import Mapping
from typing import Final, TextIO, TypeAlias

from wcwidth import clip, ljust, wcswidth, width, wrap

from reconciler.outputs.escapes import ELLIPSIS, printable

LOG_WIDTH: Final = 120
"""Minimum width of pipes and logs, in columns."""

INDENT: Final = 4
"""Columns by which the facts of an exam are indented below its header."""

LABEL_WIDTH: Final = 9
"""Width of the label of such a fact, in columns."""

_USUAL_WIDTH: Final = 80
_MIN_TEXT_WIDTH: Final = 20
_UNBROKEN_SPACE: Final = "\N{NO-BREAK SPACE}"
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

_COMMAND: Final = re.compile(r"`reconciler [^`]*`[,.;:)]*")
_STAND_IN: Final = "\ue000"
"""A character for private use: while text is wrapped, it stands for the characters of a command."""
_STAND_INS: Final = re.compile(f"{_STAND_IN}+")

Piece: TypeAlias = str | tuple[str, str]
"""Untrusted text, alone or with its style, such as `bold red`."""


class Console:
    """A stream for text, its width, whether it is a terminal, and whether it shows styles."""

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
        """Return the console on `file`; `environ` and the terminal tell its width and styles."""
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
    """Return `pieces` joined, each made printable, with escape sequences if the console shows styles."""
    parts = []
    for piece in pieces:
        text, style = (piece, "") if isinstance(piece, str) else piece
        shown = printable(text)
        if shown and style and console.has_styles:
            shown = f"\x1b[{';'.join(_CODES[word] for word in style.split())}m{shown}\x1b[0m"
        parts.append(shown)
    return "".join(parts)


def width_of(console: Console) -> int:
    """Return the width for text, in columns."""
    return console.width if console.is_terminal else max(console.width, LOG_WIDTH)


def put(console: Console, *pieces: Piece) -> None:
    """Print `pieces` on one line that is never wrapped: for text that is copied or searched."""
    console.file.write(f"{_styled(console, pieces)}\n")


def put_wrapped(console: Console, *pieces: Piece, indent: int = 0, hanging: int | None = None) -> None:
    """Print `pieces`, wrapped between words.

    The first line is indented by `indent` columns, the others by `hanging` (None: as the first).
    """
    rest = indent if hanging is None else hanging
    for number, line in enumerate(_lines(console, pieces, width_of(console) - max(indent, rest))):
        console.file.write(f"{' ' * (rest if number else indent)}{line}\n")


def unbroken(text: str) -> str:
    """Return `text` with spaces at which no line is wrapped, if that is possible."""
    return text.replace(" ", _UNBROKEN_SPACE)


def put_fact(
    label: str, console: Console, *pieces: Piece, columns: int = LABEL_WIDTH, indent: int = INDENT
) -> None:
    """Print `pieces` beside `label`, which takes `columns`, indented below a header and wrapped."""
    margin = indent + columns
    head = _styled(console, ((" " * indent + pad(label, columns), "dim"),))
    for number, line in enumerate(_lines(console, pieces, width_of(console) - margin)):
        console.file.write(f"{' ' * margin if number else head}{line}\n")


def _lines(console: Console, pieces: tuple[Piece, ...], columns: int) -> list[str]:
    """Return `pieces` as lines of at most `columns`; a command stays on one line, to be copied."""
    text = _styled(console, pieces)
    if (len(text) if text.isascii() else width(text)) <= columns:  # most lines; to wrap them takes long
        return [text.rstrip().replace(_UNBROKEN_SPACE, " ")]
    room, text = max(columns, _MIN_TEXT_WIDTH), text.replace(_STAND_IN, "?")
    commands = iter(_COMMAND.findall(text))
    held = _COMMAND.sub(lambda found: _STAND_IN * max(1, min(columns_of(found[0]), room)), text)
    lines = wrap(held, room, break_on_hyphens=False) or [""]
    return [_STAND_INS.sub(lambda _: next(commands), line).replace(_UNBROKEN_SPACE, " ") for line in lines]


def fitted(console: Console, *pieces: Piece) -> str:
    """Return `pieces` on one line, cut to the width of a terminal."""
    line = _styled(console, pieces)
    if console.is_terminal and width(line) > console.width:
        return clip(line, 0, console.width - 1) + ELLIPSIS
    return line


def put_panel(console: Console, title: str, *pieces: Piece, style: str, columns: int) -> None:
    """Print `pieces`, each on lines of its own, in a frame `columns` wide with `title` on its upper edge.

    The frame is open at the right, for a command stays on one line, however long. A piece that begins with a
    hyphen is an item of a list.
    """
    edge = "─" * (columns - len("╭─  ") - columns_of(title))
    put(console, ("╭─ ", style), (title, f"bold {style}"), (f" {edge}", style))
    for piece in pieces:
        is_item = isinstance(piece, str) and piece.startswith("- ")
        for number, line in enumerate(_lines(console, (piece,), columns - len("│   "))):
            hanging = "  " if is_item and number else ""
            console.file.write(f"{_styled(console, (('│', style),))} {hanging}{line}\n")
    put(console, (f"╰{'─' * (columns - len('╰'))}", style))


def columns_of(text: str) -> int:
    """Return the width of `text`, which is printable, in columns."""
    return len(text) if text.isascii() else wcswidth(text)


def pad(text: str, columns: int) -> str:
    """Return `text`, made printable, cut or padded to exactly `columns` columns."""
    return ljust(keep_left(printable(text), columns), columns)


def keep_left(text: str, columns: int) -> str:
    """Return the beginning of `text` that fits in `columns`, with an ellipsis if it is cut."""
    if columns_of(text) <= columns:
        return text
    return clip(text, 0, columns - 1) + ELLIPSIS if columns > 0 else ""


def keep_right(text: str, columns: int) -> str:
    """Return the end of `text` that fits in `columns`, with an ellipsis if it is cut."""
    total = columns_of(text)
    if total <= columns:
        return text
    return ELLIPSIS + clip(text, total - columns + 1, total) if columns > 0 else ""


def count_of(number: int, noun: str) -> str:
    """Return `number` and `noun`, in the plural unless `number` is 1."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
