"""The exams of a page by course: rows with all values, the windows in time, and what overlaps."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from itertools import accumulate, chain
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.identities import Address
from reconciler.model.plan import Change, Plan
from reconciler.model.provenance import Provenance
from reconciler.outputs.accepting import AcceptingAdvice, accepting_advice_of
from reconciler.outputs.badges import badges_of, place_of
from reconciler.outputs.escapes import printable, shorten
from reconciler.outputs.exam_facts import ExamFacts, facts_of_change, payload_of, sides_of
from reconciler.outputs.exam_values import ExamValue, values_of
from reconciler.outputs.groups import GROUPS, Group
from reconciler.outputs.html.overlaps import Overlaps
from reconciler.outputs.html.timeline import (
    Bar,
    Picture,
    TimeAxis,
    TimelineExam,
    axis_of,
    exams_of,
    picture_of,
    strip_of,
)
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_report_of
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.section_groups import ExamGroup, common, groups_of, split
from reconciler.zones import zone_of

MOST_WHOLE: Final = 1_000
"""If a page has more exams, values that all exams of a course share are told once, and none has its place."""

_LONGEST_NAME: Final = 80
_LONGEST_SOURCE: Final = 200

_Told: TypeAlias = tuple[str, str, str, str]
"""Name of a value, the value in words, the mark of its layer, and the place that it is written at."""


class Row(Struct, frozen=True, kw_only=True):
    """One exam of the table; `clashes` say in words which exams are too near to it.

    An exam with `sections` has what these share, and `change` is that of the first of them; a section has
    what is its own, and its key in place of the address. `elsewhere` names the cells that are empty because
    the other of the two kinds of rows has them; the names are those of `_cells`.
    """

    number: int
    address: str
    sections: Sequence["Row"] = ()
    elsewhere: frozenset[str] = frozenset()
    change: Change
    group: Group
    facts: ExamFacts
    place: str
    badges: Sequence[str]
    source: str
    clashes: Sequence[str]
    differences: Sequence[tuple[str, str, str]]
    accepting: AcceptingAdvice | None
    doubt: InDoubtReport | None
    values: Sequence[_Told]


class Course(Struct, frozen=True, kw_only=True):
    """The exams of one course, the earliest first; `picture` is None if no exam has a window.

    Exams whose sections are in several courses are told under all of these together. `shared` are values that
    all its exams have, if these are not told with each exam.
    """

    name: str
    term: str | None
    rows: Sequence[Row]
    shared: Sequence[_Told]
    picture: Picture | None
    strip: Sequence[tuple[tuple[int, ...], str, Bar]]

    @property
    def exams(self) -> list[Row]:
        """The rows of single exams, each section being one."""
        return [exam for row in self.rows for exam in row.sections or (row,)]

    @property
    def clashing(self) -> int:
        """The number of exams to which others are too near."""
        return sum(bool(row.clashes) for row in self.exams)


class Scale(Struct, frozen=True, kw_only=True):
    """The time that all pictures show; `axis` is None if no exam has a window."""

    axis: TimeAxis | None
    zone: str


def scale_of(changes: Sequence[Change], exams: Sequence[TimelineExam]) -> Scale:
    """Return the scale for `exams`, which are those of `changes`, in the zone that most of them have."""
    zones = Counter(change.timezone or "UTC" for change in changes)
    zone = zones.most_common(1)[0][0] if zones else "UTC"
    moments = (side for exam in exams for period in exam.periods for side in (period.start, period.end))
    return Scale(axis=axis_of(moments, zone_of(zone) or UTC), zone=zone)


class Courses:
    """Makes the courses of a page from `changes`, which are ordered for readers."""

    def __init__(
        self,
        plan: Plan,
        changes: Sequence[Change],
        invocation: Invocation,
        provenance: Mapping[Address, Provenance],
    ) -> None:
        self._plan = plan
        self._changes = changes
        self._invocation = invocation
        self._provenance = provenance
        self._overlaps = Overlaps(plan)
        self._groups = groups_of(changes)
        sizes = (len(group.members) for group in self._groups)
        self._starts = list(accumulate(sizes, initial=0))
        self._exams = [exams_of(group, at) for group, at in zip(self._groups, self._starts, strict=False)]
        self.scale = scale_of(changes, list(chain.from_iterable(self._exams)))
        self.is_whole = len(changes) <= MOST_WHOLE

    def __iter__(self) -> Iterator[Course]:
        """Yield the courses by term, and within a term by name."""
        # A saved plan of format 1 knows the alias of a course from some of its exams only.
        aliases: dict[str, str] = {
            change.course_sid: change.course for change in self._changes if change.course
        }
        names: Mapping[str, str] = {**self._plan.names, **aliases}
        blocks: dict[str | None, dict[frozenset[str], list[int]]] = {}
        for index, group in enumerate(self._groups):
            sids = frozenset(change.course_sid for change in group.members)
            blocks.setdefault(group.term, {}).setdefault(sids, []).append(index)
        for of_term in blocks.values():
            named = [(self._name(indices[0], names), indices) for indices in of_term.values()]
            for name, indices in sorted(named):
                yield self._course(name, indices)

    def _name(self, index: int, names: Mapping[str, str]) -> str:
        """Return the name of the course of a group, or of the first, and the number of the others."""
        sids = dict.fromkeys(change.course_sid for change in self._groups[index].members)
        first, *others = (names.get(sid, sid) for sid in sids)
        more = f" and {len(others):,} more" if others else ""
        return f"{shorten(printable(first), _LONGEST_NAME)}{more}"

    def _course(self, name: str, indices: Sequence[int]) -> Course:
        groups, axis = [self._groups[index] for index in indices], self.scale.axis
        exams = [exam for index in indices for exam in self._exams[index]]
        values = [[self._values(change) for change in group.members] for group in groups]
        everything = list(chain.from_iterable(values))
        shared = [] if self.is_whole or len(everything) == 1 else split(everything)[0]
        known = set(shared)
        sids = {change.course_sid for group in groups for change in group.members}
        return Course(
            name=name,
            term=groups[0].term,
            rows=[
                self._group_row(
                    group,
                    self._starts[index],
                    [[one for one in told if one not in known] for told in told_by],
                )
                for index, group, told_by in zip(indices, groups, values, strict=True)
            ],
            shared=shared,
            picture=picture_of(exams, axis, self._overlaps.in_courses(sids)) if axis else None,
            strip=strip_of(exams, axis) if axis else (),
        )

    def _group_row(self, group: ExamGroup, start: int, values: Sequence[Sequence[_Told]]) -> Row:
        """Return the row of `group`, whose members have the numbers from `start` on."""
        told = enumerate(zip(group.members, values, strict=True), start)
        rows = [self._row(change, number, its) for number, (change, its) in told]
        if len(rows) == 1:
            return rows[0]
        cells = [_cells(row) for row in rows]
        same = frozenset(common(cells))
        shared, own = split(values)
        differences, own_differences = split([row.differences for row in rows])
        return replace(
            rows[0],
            address=group.address,
            sections=[
                replace(
                    row, address=row.change.section or "", elsewhere=same, values=its, differences=differs
                )
                for row, its, differs in zip(rows, own, own_differences, strict=True)
            ],
            elsewhere=frozenset(cells[0]) - same,
            clashes=(),
            accepting=None,
            doubt=None,
            values=shared,
            differences=differences,
        )

    def _row(self, change: Change, number: int, values: Sequence[_Told]) -> Row:
        payload = payload_of(change)
        names = self._plan.names
        sides = ((one.path, sides_of(one, change.timezone, names)) for one in change.diff)
        return Row(
            number=number,
            address=change.address,
            change=change,
            group=GROUPS[change.action],
            facts=facts_of_change(change),
            place=place_of(payload),
            badges=badges_of(payload),
            source="" if change.source is None else shorten(str(change.source), _LONGEST_SOURCE),
            clashes=tuple(self._overlaps.of(change)),
            differences=[(path, before, after) for path, (before, after) in sides],
            accepting=accepting_advice_of(change, self._invocation),
            doubt=in_doubt_report_of(change, self._invocation),
            values=values,
        )

    def _values(self, change: Change) -> list[_Told]:
        provenance = self._provenance.get(change.address, {})
        found = values_of(change, self._plan.names, provenance)
        return [
            (value.name, value.text, value.mark, self._place(value, change) if self.is_whole else "")
            for value in found
        ]

    def _place(self, value: ExamValue, change: Change) -> str:
        """Return where `value` is written: the line, after the file if that is not the file of `change`."""
        at = None if value.source is None else value.source.position
        if at is None:
            return ""
        is_same_file = change.source is not None and change.source.file == at.file
        return f"line {at.line}" if is_same_file else f"{shorten(at.file, _LONGEST_SOURCE)}:{at.line}"


def _cells(row: Row) -> dict[str, object]:
    """Return what the cells of `row` show, apart from its address."""
    facts = row.facts
    return {
        "course": facts.course,
        "title": facts.title,
        "badges": row.badges,
        "exam": facts.exam,
        "booking": facts.booking,
        "duration": facts.duration,
        "where": (row.place, facts.proctoring),
    }
