"""Facts about one exam on lines below its header: a label, and beside it what is known."""

from typing import Final

from rich.cells import cell_len
from rich.console import Console

from reconciler.outputs.terminal import Piece, put_labelled, width_of
from reconciler.outputs.windows import Window

INDENT: Final = 4
"""Columns that facts are set in by."""

_LABEL_WIDTH: Final = 9


def put_fact(label: str, console: Console, *pieces: Piece) -> None:
    """`pieces` stand beside `label`."""
    put_labelled(console, label, *pieces, indent=INDENT, label_width=_LABEL_WIDTH)


def put_window(label: str, window: Window, console: Console, *more: Piece) -> None:
    """`window` and `more` stand beside `label`.

    Local time and UTC share a line where both fit, and are never broken within.
    """
    in_utc = f" ({window.utc})" if window.utc else ""
    rest = "".join(piece if isinstance(piece, str) else piece[0] for piece in more)
    if INDENT + _LABEL_WIDTH + cell_len(window.local + in_utc + rest) <= width_of(console):
        put_fact(label, console, window.local, (in_utc, "dim"), *more)
        return
    put_fact(label, console, window.local)
    if in_utc:
        put_fact("", console, (in_utc.strip(), "dim"))
    if rest:
        put_fact("", console, rest.removeprefix(", "))
