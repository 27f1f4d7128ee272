"""Lines on a console: what every text form has in common.

Text reaches a console only as `printable` pieces: never as markup, never highlighted. Where there is neither
terminal nor colour it is written as it is, which takes a fraction of the time of rich's layout.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.outputs.escapes import ELLIPSIS, printable
from reconciler.outputs.plain import Console, columns_of, rich_of, wrapped

if TYPE_CHECKING:
    from rich.text import Text

LOG_WIDTH: Final = 120
"""Columns that a pipe or a log is taken to have at least."""

_MIN_TEXT_WIDTH: Final = 20

Piece: TypeAlias = str | tuple[str, str]
"""Untrusted text, alone or with the style to show it in."""


def compose(*pieces: Piece) -> "Text":
    """`pieces` in a row, each made printable."""
    from rich.text import Text  # noqa: PLC0415 - a log needs none of it

    line = Text()
    for piece in pieces:
        text, style = (piece, "") if isinstance(piece, str) else piece
        line.append(printable(text), style or None)
    return line


def plain_text(*pieces: Piece) -> str:
    """What `compose` gives, without its styles."""
    return "".join(printable(piece if isinstance(piece, str) else piece[0]) for piece in pieces)


def _is_plain(console: Console) -> bool:
    return not console.is_terminal and console.color_system is None


def width_of(console: Console) -> int:
    """Columns to lay text out in."""
    return console.width if console.is_terminal else max(console.width, LOG_WIDTH)


def put(console: Console, *pieces: Piece) -> None:
    """`pieces` stand on a line of their own, which is never broken: right for what is copied or searched."""
    if _is_plain(console):
        console.file.write(f"{plain_text(*pieces)}\n")
    else:
        rich_of(console).print(compose(*pieces), soft_wrap=True)


def put_wrapped(console: Console, *pieces: Piece, indent: int = 0, hanging: int | None = None) -> None:
    """`pieces` stand on as many lines as they need, broken between words.

    The first line is set in by `indent` columns, the others by `hanging` (None: as the first).
    """
    rest = indent if hanging is None else hanging
    width = max(width_of(console) - max(indent, rest), _MIN_TEXT_WIDTH)
    for number, line in enumerate(_lines(pieces, console, width)):
        _put_line(console, " " * (rest if number else indent), line)


def _lines(pieces: Sequence[Piece], console: Console, width: int) -> "Iterator[str | Text]":
    """What `pieces` are broken into between words, without the white space at the ends."""
    lines = wrapped(plain_text(*pieces), width) if _is_plain(console) else None
    if lines is not None:
        yield from (line.rstrip() for line in lines)
        return
    for line in compose(*pieces).wrap(rich_of(console), width):
        line.rstrip()
        yield line


def _put_line(console: Console, lead: Piece, line: "str | Text") -> None:
    """`lead` and `line` stand on a line of their own."""
    if isinstance(line, str):
        console.file.write(f"{plain_text(lead)}{line}\n")
    else:
        rich_of(console).print(compose(lead) + line, soft_wrap=True)


def put_labelled(console: Console, label: str, *pieces: Piece, indent: int, label_width: int) -> None:
    """`pieces` stand beside `label`, on as many lines as they need, all below the first."""
    margin = indent + label_width
    width = max(width_of(console) - margin, _MIN_TEXT_WIDTH)
    head = " " * indent + f"{label:{label_width}}"
    for number, line in enumerate(_lines(pieces, console, width)):
        _put_line(console, " " * margin if number else (head, "dim"), line)


def put_fitted(console: Console, *pieces: Piece) -> None:
    """`pieces` stand on one line, which a terminal shows as much of as it has room for."""
    if _is_plain(console):
        put(console, *pieces)
        return
    line = compose(*pieces)
    if console.is_terminal:
        line.truncate(console.width, overflow="ellipsis")
    rich_of(console).print(line, soft_wrap=True)


def pad(text: str, columns: int) -> str:
    """`text`, printable, cut or filled up to exactly `columns` columns."""
    shown = printable(text)
    if columns_of(shown) > columns:
        shown = keep_left(shown, columns)
    return shown + " " * (columns - columns_of(shown))


def keep_left(text: str, columns: int) -> str:
    """As much of the beginning of `text` as fits in `columns`, with an ellipsis where that is not all."""
    if columns_of(text) <= columns:
        return text
    return _within(text, columns - 1) + ELLIPSIS if columns > 0 else ""


def keep_right(text: str, columns: int) -> str:
    """As much of the end of `text` as fits in `columns`, with an ellipsis where that is not all."""
    if columns_of(text) <= columns:
        return text
    return ELLIPSIS + _within(text[::-1], columns - 1)[::-1] if columns > 0 else ""


def _within(text: str, columns: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += columns_of(character)
        if used > columns:
            return text[:index]
    return text


def count_of(number: int, noun: str) -> str:
    """`number` with `noun`, in the plural where it is not one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
