"""Lines on a console: what every text form has in common.

Text reaches a console only as `Text` made of `printable` pieces: never as markup, never highlighted.
"""

from typing import Final, TypeAlias

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from reconciler.outputs.escapes import ELLIPSIS, printable

LOG_WIDTH: Final = 120
"""Columns that a pipe or a log is taken to have at least."""

_MIN_TEXT_WIDTH: Final = 20

Piece: TypeAlias = str | tuple[str, str]
"""Untrusted text, alone or with the style to show it in."""


def compose(*pieces: Piece) -> Text:
    """`pieces` in a row, each made printable."""
    line = Text()
    for piece in pieces:
        text, style = (piece, "") if isinstance(piece, str) else piece
        line.append(printable(text), style or None)
    return line


def width_of(console: Console) -> int:
    """Columns to lay text out in."""
    return console.width if console.is_terminal else max(console.width, LOG_WIDTH)


def put(console: Console, *pieces: Piece) -> None:
    """`pieces` stand on a line of their own, which is never broken: right for what is copied or searched."""
    line = compose(*pieces)
    if console.is_terminal or console.color_system is not None:
        console.print(line, soft_wrap=True)
    else:  # a log gets the same text without rich's layout, which would cost a long apply dearly
        console.file.write(f"{line.plain}\n")


def put_wrapped(console: Console, *pieces: Piece, indent: int = 0, hanging: int | None = None) -> None:
    """`pieces` stand on as many lines as they need, broken between words.

    The first line is set in by `indent` columns, the others by `hanging` (None: as the first).
    """
    rest = indent if hanging is None else hanging
    width = max(width_of(console) - max(indent, rest), _MIN_TEXT_WIDTH)
    for number, line in enumerate(compose(*pieces).wrap(console, width)):
        line.rstrip()
        console.print(Text(" " * (rest if number else indent)) + line, soft_wrap=True)


def put_labelled(console: Console, label: str, *pieces: Piece, indent: int, label_width: int) -> None:
    """`pieces` stand beside `label`, on as many lines as they need, all below the first."""
    margin = indent + label_width
    width = max(width_of(console) - margin, _MIN_TEXT_WIDTH)
    head = " " * indent + f"{label:{label_width}}"
    for number, line in enumerate(compose(*pieces).wrap(console, width)):
        line.rstrip()
        lead = Text(" " * margin) if number else Text(head, "dim")
        console.print(Text.assemble(lead, line), soft_wrap=True)


def put_fitted(console: Console, *pieces: Piece) -> None:
    """`pieces` stand on one line, which a terminal shows as much of as it has room for."""
    line = compose(*pieces)
    if console.is_terminal:
        line.truncate(console.width, overflow="ellipsis")
    console.print(line, soft_wrap=True)


def pad(text: str, columns: int) -> str:
    """`text`, printable, cut or filled up to exactly `columns` columns."""
    shown = printable(text)
    if cell_len(shown) > columns:
        shown = keep_left(shown, columns)
    return shown + " " * (columns - cell_len(shown))


def keep_left(text: str, columns: int) -> str:
    """As much of the beginning of `text` as fits in `columns`, with an ellipsis where that is not all."""
    if cell_len(text) <= columns:
        return text
    return _within(text, columns - 1) + ELLIPSIS if columns > 0 else ""


def keep_right(text: str, columns: int) -> str:
    """As much of the end of `text` as fits in `columns`, with an ellipsis where that is not all."""
    if cell_len(text) <= columns:
        return text
    return ELLIPSIS + _within(text[::-1], columns - 1)[::-1] if columns > 0 else ""


def _within(text: str, columns: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += cell_len(character)
        if used > columns:
            return text[:index]
    return text


def count_of(number: int, noun: str) -> str:
    """`number` with `noun`, in the plural where it is not one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
