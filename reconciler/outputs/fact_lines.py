"""Facts about one exam on lines below its header: a label, and beside it what is known."""

from typing import Final

from reconciler.outputs.escapes import printable
from reconciler.outputs.terminal import Console, Piece, columns_of, put_labelled, width_of
from reconciler.outputs.values import Window

INDENT: Final = 4
"""Columns that facts are set in by."""

_LABEL_WIDTH: Final = 9


def put_fact(label: str, console: Console, *pieces: Piece) -> None:
    """`pieces` stand beside `label`."""
    put_labelled(console, label, *pieces, indent=INDENT, label_width=_LABEL_WIDTH)


def put_window(label: str, window: Window, console: Console, *, note: str = "") -> None:
    """`window` stands beside `label`, with `note` behind it.

    Local time, UTC and note share a line where all fit, and are never broken within.
    """
    in_utc = f" ({window.utc})" if window.utc else ""
    behind = f", {note}" if note else ""
    if INDENT + _LABEL_WIDTH + columns_of(window.local + in_utc + printable(behind)) <= width_of(console):
        put_fact(label, console, window.local, (in_utc, "dim"), behind)
        return
    put_fact(label, console, window.local)
    if in_utc:
        put_fact("", console, (in_utc.strip(), "dim"))
    if note:
        put_fact("", console, note)
