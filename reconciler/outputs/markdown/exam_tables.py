"""Tables of exams as Markdown: one row for each exam, and a fold for what differs between its sections."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.model.plan import Change
from reconciler.outputs.badges import badges_of, place_of
from reconciler.outputs.escapes import ELLIPSIS, shorten
from reconciler.outputs.exam_facts import Window, duration_of, payload_of, title_of, window_of
from reconciler.outputs.markdown.escapes import code, escaped, folded, table
from reconciler.outputs.section_groups import ExamGroup, by_term, size_of
from reconciler.outputs.text.console import count_of

BY_SECTION: Final = "by section"
"""Stands in place of a cell that is not the same for all sections."""

_NAMING: Final = ("Title", "SID", "Declared")
_NEW: Final = ("Course", "When", "How long", "Where", "Special")
_KNOWN: Final = ("Title", "Course", "SID", "Was")


class Limits(Struct, frozen=True, kw_only=True):
    """Limits for the text of a plan.

    `rows` limits each table (None: no limit), `text` the characters of a title or value, `doubts` the
    in-doubt reports that are shown whole, `bars` the exams in the chart. `is_short` leaves out UTC, SIDs and
    sources.
    """

    rows: int | None
    text: int
    doubts: int
    bars: int
    is_short: bool = False


def new_exams(groups: Sequence[ExamGroup], limits: Limits) -> list[str]:
    """Return a table of exams to be created or adopted."""
    return _tables(("Exam", *_NEW), groups, lambda group: _new_exam(group, limits))


def new_sections(groups: Iterable[ExamGroup], limits: Limits) -> list[list[str]]:
    """Return a fold for each exam with sections that is to be created or adopted; all have `limits.rows`."""
    columns = ("Title", *_NEW, *(() if limits.is_short else ("SID", "Declared")))
    return list(_folds(groups, columns, limits))


def known_exams(groups: Sequence[ExamGroup], limits: Limits, *more: str) -> list[str]:
    """Return a table that names exams; `more` is the heading of a column of former addresses."""
    heads = ("Exam", "Course", "Address", "SID", *more)
    return _tables(heads, groups, lambda group: _known_exam(group, limits)[: len(heads)])


def known_sections(groups: Iterable[ExamGroup], limits: Limits) -> list[list[str]]:
    """Return a fold for each exam with sections that `known_exams` names; all have `limits.rows`."""
    return list(_folds(groups, _KNOWN, limits))


def sections_left(groups: Iterable[ExamGroup], limits: Limits) -> list[str]:
    """Return in words how many sections of `groups` have no row in their folds."""
    count = size_of(group for group in groups if len(group.members) > 1)
    left = 0 if limits.rows is None else count - limits.rows
    return [f"what is particular about {left:,} of {count:,} sections"] if left > 0 else []


def name_of(group: ExamGroup, limits: Limits) -> str:
    """Return title, address, SID and source for one cell of a table."""
    same = _same(group, _NAMING, limits)
    title, sid, declared = (same.get(column, "") for column in _NAMING)
    title, sid = f"{title}<br>" * bool(title), f"<br>{sid}" * bool(sid)
    declared = f"<br><sub>{declared}</sub>" * bool(declared)
    return f"{title}{_address(group)}{'' if limits.is_short else f'{sid}{declared}'}"


def by_term_lines(groups: Iterable[ExamGroup], lines_of: Callable[[list[ExamGroup]], list[str]]) -> list[str]:
    """Return the lines of `groups`, for those of each term below its heading."""
    lines: list[str] = []
    for heading, held in by_term(groups):
        lines += [""] if lines else []
        lines += [f"##### {escaped(heading)}", ""] if heading else []
        lines += lines_of(held)
    return lines


def window_cell(window: Window | None, limits: Limits) -> str:
    """Return `window` for one cell of a table; an empty one if it is None."""
    if window is None:
        return ""
    utc = f"<br><sub>{escaped(window.utc)}</sub>" if window.utc and not limits.is_short else ""
    return f"{escaped(shorten(window.local, limits.text))}{utc}"


def _new_exam(group: ExamGroup, limits: Limits) -> tuple[str, ...]:
    same = _same(group, _NEW, limits)
    return name_of(group, limits), *(same.get(column, BY_SECTION) for column in _NEW)


def _known_exam(group: ExamGroup, limits: Limits) -> tuple[str, ...]:
    same = _same(group, _KNOWN, limits)
    title, sid, was = (same.get(column, "") for column in ("Title", "SID", "Was"))
    return title, same.get("Course", BY_SECTION), _address(group), sid, was


def _address(group: ExamGroup) -> str:
    """Return the address, and the number of sections."""
    count = f"<br>{count_of(len(group.members), 'section')}" if len(group.members) > 1 else ""
    return f"{code(group.address)}{count}"


def _tables(
    heads: Sequence[str], groups: Sequence[ExamGroup], row_of: Callable[[ExamGroup], Sequence[str]]
) -> list[str]:
    return by_term_lines(groups, lambda held: table(heads, map(row_of, held)))


def _folds(groups: Iterable[ExamGroup], columns: Sequence[str], limits: Limits) -> Iterator[list[str]]:
    """Yield for each exam that has sections a folded table of those of `columns` in which they differ."""
    room = limits.rows
    for group in groups:
        if len(group.members) == 1 or room == 0:
            continue
        same = _same(group, columns, limits)
        own = [column for column in columns if column not in same]
        shown = group.members[:room]
        room = None if room is None else room - len(shown)
        rows = [(code(one.section or ""), *(_CELLS[column](one, limits) for column in own)) for one in shown]
        if left := len(group.members) - len(shown):
            rows.append((f"{ELLIPSIS} and {left:,} more", *[""] * len(own)))
        summary = f"{count_of(len(group.members), 'section')} of <code>{escaped(group.address)}</code>"
        yield folded(summary, table(("Section", *own), rows))


def _same(group: ExamGroup, columns: Iterable[str], limits: Limits) -> dict[str, str]:
    """Return the cells of those of `columns` that are the same for all members of `group`."""
    first = {column: _CELLS[column](group.first, limits) for column in columns}
    return {
        column: cell
        for column, cell in first.items()
        if all(_CELLS[column](change, limits) == cell for change in group.members[1:])
    }


def _title(change: Change, limits: Limits) -> str:
    return escaped(shorten(title_of(payload_of(change)), limits.text))


def _course(change: Change, limits: Limits) -> str:
    return code(shorten(change.course_name, limits.text))


def _when(change: Change, limits: Limits) -> str:
    return window_cell(window_of(payload_of(change), "exam", change.timezone), limits)


def _how_long(change: Change, _: Limits) -> str:
    return escaped(duration_of(payload_of(change)))


def _where(change: Change, limits: Limits) -> str:
    return escaped(shorten(place_of(payload_of(change)), limits.text))


def _special(change: Change, _: Limits) -> str:
    return ", ".join(f"**{escaped(badge)}**" for badge in badges_of(payload_of(change)))


def _sid(change: Change, _: Limits) -> str:
    return code(change.sid or "")


def _declared(change: Change, _: Limits) -> str:
    return "" if change.source is None else code(str(change.source))


def _was(change: Change, _: Limits) -> str:
    return code(change.moved_from or "")


_Cell: TypeAlias = Callable[[Change, Limits], str]

_CELLS: Final[Mapping[str, _Cell]] = {
    "Title": _title,
    "Course": _course,
    "When": _when,
    "How long": _how_long,
    "Where": _where,
    "Special": _special,
    "SID": _sid,
    "Declared": _declared,
    "Was": _was,
}
"""Cells of one exam, by the heading of their column."""
