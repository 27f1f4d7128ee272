"""The exams of a page by course: rows with all values, the windows in time, and what overlaps."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Final, TypeAlias

from msgspec import Struct

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
    exam_of,
    picture_of,
    strip_of,
)
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_report_of
from reconciler.outputs.invocation import Invocation
from reconciler.zones import zone_of

MOST_WHOLE: Final = 1_000
"""If a page has more exams, values that all exams of a course share are told once, and none has its place."""

_LONGEST_NAME: Final = 80
_LONGEST_SOURCE: Final = 200

_Told: TypeAlias = tuple[str, str, str, str]
"""Name of a value, the value in words, the mark of its layer, and the place that it is written at."""


class Row(Struct, frozen=True, kw_only=True):
    """One exam of the table; `clashes` say in words which exams are too near to it."""

    number: int
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

    `shared` are values that all its exams have, if these are not told with each exam.
    """

    name: str
    rows: Sequence[Row]
    shared: Sequence[_Told]
    picture: Picture | None
    strip: Sequence[tuple[int, str, Bar]]

    @property
    def clashing(self) -> int:
        """The number of exams to which others are too near."""
        return sum(bool(row.clashes) for row in self.rows)


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
        self._exams = [exam_of(change, number) for number, change in enumerate(changes)]
        self.scale = scale_of(changes, self._exams)
        self.is_whole = len(changes) <= MOST_WHOLE

    def __iter__(self) -> Iterator[Course]:
        numbers_of: dict[str, list[int]] = {}
        for number, change in enumerate(self._changes):
            numbers_of.setdefault(change.course_sid, []).append(number)
        # A saved plan of format 1 knows the alias of a course from some of its exams only.
        aliases: dict[str, str] = {
            change.course_sid: change.course for change in self._changes if change.course
        }
        names: Mapping[str, str] = {**self._plan.names, **aliases}
        for sid, numbers in sorted(numbers_of.items(), key=lambda item: names.get(item[0], item[0])):
            yield self._course(sid, shorten(printable(names.get(sid, sid)), _LONGEST_NAME), numbers)

    def _course(self, sid: str, name: str, numbers: Sequence[int]) -> Course:
        exams, axis = [self._exams[number] for number in numbers], self.scale.axis
        values = {number: self._values(self._changes[number]) for number in numbers}
        shared = [] if self.is_whole or len(numbers) == 1 else _shared(list(values.values()))
        known = set(shared)
        return Course(
            name=name,
            rows=[
                self._row(number, [value for value in values[number] if value not in known])
                for number in numbers
            ],
            shared=shared,
            picture=picture_of(exams, axis, self._overlaps.in_course(sid)) if axis else None,
            strip=strip_of(exams, axis) if axis else (),
        )

    def _row(self, number: int, values: Sequence[_Told]) -> Row:
        change = self._changes[number]
        payload = payload_of(change)
        names = self._plan.names
        sides = ((one.path, sides_of(one, change.timezone, names)) for one in change.diff)
        return Row(
            number=number,
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


def _shared(exams: Sequence[Sequence[_Told]]) -> list[_Told]:
    """Return the values that are in each of `exams`, in the order of the first."""
    first, *others = exams
    common = set(first).intersection(*others)
    return [value for value in first if value in common]
