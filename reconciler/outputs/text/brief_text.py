"""Changes of a plan in a list: one line each or, on a narrow terminal, two; times are always whole."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.plan import Action, Change
from reconciler.outputs.badges import badges_of
from reconciler.outputs.escapes import printable
from reconciler.outputs.exam_facts import duration_of, payload_of, title_of, window_of
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.section_groups import ExamGroup, common, split
from reconciler.outputs.text.console import (
    INDENT,
    Console,
    Piece,
    columns_of,
    count_of,
    keep_left,
    pad,
    put_wrapped,
    unbroken,
    width_of,
)
from reconciler.outputs.text.in_doubt_text import bounds_whole

_GAP: Final = "  "
_WIDEST_ADDRESS: Final = 40
_WIDEST_TITLE: Final = 40
_NARROWEST_TITLE: Final = 16

_SHARED: Final = ("title", "window", "duration", "badges")
"""Those texts of a row that stand on the line of the exam if all its sections have the same."""


class _Row(Struct, frozen=True, kw_only=True):
    """One change or group in words, made printable.

    `names` are former addresses, SIDs and the like; `paths` are those of fields that differ. `url` is that of
    a new exam; sections that have one of their own show it. `is_shared` if it is the row of an exam above
    those of its sections.
    """

    course: str
    symbol: tuple[str, str]
    address: str
    title: str
    window: str
    duration: str
    badges: str
    url: str
    names: tuple[str, ...]
    paths: Sequence[str]
    is_shared: bool = False

    @property
    def indent(self) -> int:
        """Columns in front of the address."""
        return columns_of(self.symbol[0])

    @property
    def aside(self) -> str:
        """What stands behind the title."""
        return _GAP.join(filter(None, (*self.names, ", ".join(self.paths))))


class _Widths(Struct, frozen=True, kw_only=True):
    """Columns of a list with one line for each change."""

    address: int
    title: int
    window: int
    duration: int


def print_brief(groups: Sequence[ExamGroup], console: Console) -> None:
    """Print `groups`, which are sorted by course, each below the name of its course.

    What all sections of a group share is told once, on the line of the exam.
    """
    rows = [row for group in groups for row in _rows(group)]
    widths = _widths([row for row in rows if not row.is_shared], width_of(console))
    for course, of_course in groupby(rows, key=lambda row: row.course):
        put_wrapped(console, (course, "bold"), indent=2)
        for row in of_course:
            if row.is_shared:
                _print_shared(row, console)
            elif widths is None:
                _print_on_two_lines(row, console)
            else:
                _print_on_one_line(row, widths, console)


def _rows(group: ExamGroup) -> list[_Row]:
    """Return the row of an exam and, if it has sections, one for each of these with what is its own."""
    rows = [_row(change) for change in group.members]
    if len(rows) == 1:
        return rows
    same = common([{name: getattr(row, name) for name in _SHARED} for row in rows])
    shared, own = split([row.paths for row in rows])
    exam = replace(
        rows[0],
        course=group.course_name,
        address=printable(group.address),
        names=(count_of(len(rows), "section"),),
        paths=shared,
        is_shared=True,
        **{name: same.get(name, "") for name in _SHARED},
    )
    _, places = split([(row.course, row.url) for row in rows])
    return [
        exam,
        *(
            replace(
                row,
                course=exam.course,
                symbol=(" " * (INDENT + 2), ""),
                address=printable(change.section or ""),
                names=(*filter(None, its_places), *row.names),
                paths=paths,
                **dict.fromkeys(same, ""),
            )
            for change, row, paths, its_places in zip(group.members, rows, own, places, strict=True)
        ),
    ]


def _row(change: Change) -> _Row:
    payload = payload_of(change)
    window = window_of(payload, "exam", change.timezone)
    mark, style = GROUPS[change.action].mark
    is_new = change.action in {Action.CREATE, Action.IMPORT}
    was = None if change.moved_from is None else f"was {change.moved_from}"
    return _Row(
        course=change.course_name,
        symbol=(f"  {mark} ", style),
        address=printable(change.address),
        title=printable(title_of(payload)),
        window="" if window is None else printable(window.local),
        duration=printable(duration_of(payload)) if is_new else "",
        badges=printable(", ".join(badges_of(payload))) if is_new else "",
        url=printable(str(payload.get("url", ""))) if is_new else "",
        names=tuple(printable(name) for name in (was, change.sid) if name is not None),
        paths=tuple(printable(difference.path) for difference in change.diff),
    )


def _widths(rows: Sequence[_Row], columns: int) -> _Widths | None:
    """Return the widths with which every row fits on one line of `columns`; None if some would not.

    Only titles are cut.
    """
    title, window, duration = (
        max(map(columns_of, texts))
        for texts in zip(*((row.title, row.window, row.duration) for row in rows), strict=True)
    )
    address = max(row.indent + columns_of(row.address) for row in rows) - INDENT
    rest = max(columns_of(_GAP.join((row.aside, row.badges))) for row in rows)
    room = columns - INDENT - address - window - duration - rest - 4 * len(_GAP)
    if address > _WIDEST_ADDRESS or room < min(title, _NARROWEST_TITLE):
        return None
    return _Widths(address=address, title=min(title, _WIDEST_TITLE, room), window=window, duration=duration)


def _print_shared(row: _Row, console: Console) -> None:
    """Print what the sections below have in common: no column of theirs is left empty in it."""
    facts: list[Piece] = [row.title, bounds_whole(row.window), unbroken(row.duration), *_rest(row)]
    put_wrapped(console, row.symbol, *_spaced([(row.address, "bold"), *facts]), hanging=INDENT)


def _print_on_one_line(row: _Row, widths: _Widths, console: Console) -> None:
    cells: list[tuple[str, int, str]] = [
        (row.address, widths.address + INDENT - row.indent, "bold"),
        (row.title, widths.title, ""),
        (row.window, widths.window, ""),
        (row.duration, widths.duration, ""),
    ]
    columns = [piece for text, width, style in cells if width for piece in ((pad(text, width), style), _GAP)]
    put_wrapped(console, row.symbol, *columns, *_rest(row))


def _print_on_two_lines(row: _Row, console: Console) -> None:
    """Print the title cut to the rest of the first line, and the window on the second."""
    rest = _rest(row)
    taken = (
        INDENT + row.indent + columns_of(row.address) + sum(columns_of(text) + len(_GAP) for text, _ in rest)
    )
    title = keep_left(row.title, max(width_of(console) - taken - len(_GAP), _NARROWEST_TITLE))
    pieces: list[Piece] = [(row.address, "bold"), title, *rest]
    put_wrapped(console, row.symbol, *_spaced(pieces), hanging=row.indent)
    if row.window or row.duration:
        times: list[Piece] = [bounds_whole(row.window), unbroken(row.duration)]
        put_wrapped(console, *_spaced(times), indent=row.indent + 2)


def _rest(row: _Row) -> list[tuple[str, str]]:
    return [(text, style) for text, style in ((row.aside, "dim"), (row.badges, "yellow")) if text]


def _spaced(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Yield those of `pieces` that are not empty, with a gap between them."""
    shown = [piece for piece in pieces if (piece if isinstance(piece, str) else piece[0])]
    for number, piece in enumerate(shown):
        if number:
            yield _GAP
        yield piece
