"""Timelines of exam and booking windows: positions of the bars that a template draws.

Horizontal positions are in percent, heights in pixels.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta, tzinfo
from itertools import takewhile
from typing import Final

from msgspec import Struct

from reconciler.model.plan import Change
from reconciler.outputs.escapes import printable, shorten
from reconciler.outputs.exam_facts import local_window, payload_of
from reconciler.outputs.section_groups import ExamGroup

_MARGIN: Final = 0.015
_MOST_TICKS: Final = 12
_DAY_STEPS: Final = (1, 2, 7, 14)
_MONTH_STEPS: Final = (1, 3, 6, 12, 24, 60, 120, 600, 1200, 6000)
_DAYS_OF_MONTH: Final = 30.44
_MONTHS_OF_YEAR: Final = 12


class Tick(Struct, frozen=True):
    """A labelled moment of the axis; `x` is in percent."""

    x: float
    label: str


class TimeAxis(Struct, frozen=True):
    """The time from `start` to `end`, which is later; both are in UTC. Ticks are in `zone`."""

    start: datetime
    end: datetime
    zone: tzinfo = UTC

    def at(self, moment: datetime) -> float:
        """Return the position of `moment` in percent."""
        return 100 * ((moment - self.start) / (self.end - self.start))

    def ticks(self) -> list[Tick]:
        """Return ticks at days, weeks, months or years in local time, about a dozen at most."""
        days = (self.end - self.start) / timedelta(days=1)
        for step in _DAY_STEPS:
            if days / step <= _MOST_TICKS:
                return [Tick(self.at(moment), f"{moment:%b} {moment.day}") for moment in self._days(step)]
        months = days / _DAYS_OF_MONTH
        step = next((step for step in _MONTH_STEPS if months / step <= _MOST_TICKS), _MONTH_STEPS[-1] * 10)
        return [Tick(self.at(moment), f"{moment:%b} {moment.year}") for moment in self._months(step)]

    def _days(self, step: int) -> Iterator[datetime]:
        first = self.start.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        if step >= 7:  # noqa: PLR2004 - weeks begin on Monday
            first -= timedelta(days=first.weekday())
        moments = (first + timedelta(days=step * number) for number in range(_MOST_TICKS + 3))
        return (moment for moment in moments if self.start <= moment <= self.end)

    def _months(self, step: int) -> Iterator[datetime]:
        local = self.start.astimezone(self.zone)
        first = local.year * _MONTHS_OF_YEAR + local.month - 1
        first -= first % step
        months = (first + step * number for number in range(_MOST_TICKS + 3))
        years = takewhile(lambda pair: pair[0] <= MAXYEAR, (divmod(one, 12) for one in months))
        moments = (datetime(year, month + 1, 1, tzinfo=self.zone) for year, month in years if year > 0)
        return (moment for moment in moments if self.start <= moment <= self.end)


def axis_of(moments: Iterable[datetime], zone: tzinfo) -> TimeAxis | None:
    """Return the axis for `moments` in UTC, with a margin and ticks in `zone`; None if there are none."""
    known: Sequence[datetime] = list(moments)
    if not known:
        return None
    first, last = min(known), max(known)
    margin = max((last - first) * _MARGIN, timedelta(hours=12))
    try:
        axis = TimeAxis(first - margin, last + margin, zone)
        _ = axis.start.astimezone(zone), axis.end.astimezone(zone)
    except OverflowError:  # near the first or last date that `datetime` knows there is no margin
        return TimeAxis(first, max(last, first + timedelta(microseconds=1))) if first < last else None
    return axis


_LANE: Final = 32
_DENSE_LANE: Final = 8
_MOST_LABELLED: Final = 60
_MOST_LANES: Final = 120
_LEAST_WIDTH: Final = 0.02
"""Width in percent of a window without length: the outline of its bar can still be seen at any zoom."""
_DECIMALS: Final = 4
"""Of percentages: in a picture of a term they tell seconds apart, as zooming in needs."""
_GAP: Final = 0.6
_LABEL_LENGTH: Final = 34
_CHARACTER_WIDTH: Final = 0.68
"""Width of a character of a label in percent, in the narrowest picture."""


class Period(Struct, frozen=True, kw_only=True):
    """A time from `start` to `end` in UTC; both are equal if only one bound is known."""

    start: datetime
    end: datetime


class TimelineExam(Struct, frozen=True, kw_only=True):
    """What a timeline shows of an exam, or of sections with the same windows.

    `numbers` are those of the exam or the sections, which are unique in the page.
    """

    numbers: tuple[int, ...]
    label: str
    action: str
    exam: Period | None
    booking: Period | None

    @property
    def periods(self) -> tuple[Period, ...]:
        """The windows that are known."""
        return tuple(period for period in (self.booking, self.exam) if period is not None)


class Bar(Struct, frozen=True):
    """Position and width of a window, in percent."""

    x: float
    width: float


class DrawnExam(Struct, frozen=True, kw_only=True):
    """An exam placed in a lane; `label` is empty if there are too many exams for labels."""

    numbers: tuple[int, ...]
    action: str
    tooltip: str
    y: int
    label: str
    label_x: float
    is_label_left: bool
    exam: Bar | None
    booking: Bar | None


class Picture(Struct, frozen=True, kw_only=True):
    """The timeline of one course; `overlaps` are times in which exam windows overlap that should not."""

    height: int
    exams: tuple[DrawnExam, ...]
    overlaps: tuple[Bar, ...]
    left_out: int


def exams_of(group: ExamGroup, first: int) -> list[TimelineExam]:
    """Return what a timeline shows of `group`, whose members have the numbers from `first` on."""
    alike: dict[tuple[Period | None, Period | None], list[int]] = {}
    for number, change in enumerate(group.members):
        windows = _period(change, "exam"), _period(change, "schedule")
        alike.setdefault(windows, []).append(number)
    return [
        TimelineExam(
            numbers=tuple(first + number for number in numbers),
            label=printable(ExamGroup([group.members[number] for number in numbers]).label),
            action=group.first.action.value,
            exam=exam,
            booking=booking,
        )
        for (exam, booking), numbers in alike.items()
    ]


def _period(change: Change, kind: str) -> Period | None:
    known = sorted(bound for bound in local_window(payload_of(change), kind, None) if bound is not None)
    return Period(start=known[0], end=known[-1]) if known else None


def picture_of(
    exams: Sequence[TimelineExam], axis: TimeAxis, overlaps: Iterable[Period] = ()
) -> Picture | None:
    """Return the timeline of `exams`, the earliest on top; None if no exam has a window.

    `overlaps` are ordered by their start.
    """
    timed = sorted((exam for exam in exams if exam.periods), key=_order)
    if not timed:
        return None
    is_dense = len(timed) > _MOST_LABELLED
    lane = _DENSE_LANE if is_dense else _LANE
    lanes: list[float] = []
    drawn = tuple(_drawn(exam, axis, lanes, lane, is_dense=is_dense) for exam in timed)
    shown = tuple(one for one in drawn if one.y < _MOST_LANES * lane)
    return Picture(
        height=min(len(lanes), _MOST_LANES) * lane + 4,
        exams=shown,
        overlaps=tuple(_bar(period, axis) for period in _merged(overlaps)),
        left_out=len(drawn) - len(shown),
    )


def strip_of(exams: Sequence[TimelineExam], axis: TimeAxis) -> tuple[tuple[tuple[int, ...], str, Bar], ...]:
    """Return numbers, action and bar of each exam window, to be drawn on one line."""
    return tuple(
        (exam.numbers, exam.action, _bar(exam.exam, axis)) for exam in exams if exam.exam is not None
    )


def _merged(periods: Iterable[Period]) -> list[Period]:
    """Return the times of the sorted `periods`, each once."""
    merged: list[Period] = []
    for period in periods:
        if merged and period.start <= merged[-1].end:
            merged[-1] = Period(start=merged[-1].start, end=max(merged[-1].end, period.end))
        else:
            merged.append(period)
    return merged


def _order(exam: TimelineExam) -> tuple[datetime, datetime, tuple[int, ...]]:
    return (
        min(period.start for period in exam.periods),
        max(period.end for period in exam.periods),
        exam.numbers,
    )


def _bar(period: Period, axis: TimeAxis) -> Bar:
    x = axis.at(period.start)
    return Bar(round(x, _DECIMALS), round(max(axis.at(period.end) - x, _LEAST_WIDTH), _DECIMALS))


def _drawn(exam: TimelineExam, axis: TimeAxis, lanes: list[float], lane: int, *, is_dense: bool) -> DrawnExam:
    """Return `exam` placed in the first free lane. `lanes` holds the end of each lane, and is updated."""
    bars = [_bar(period, axis) for period in exam.periods]
    left, right = min(bar.x for bar in bars), max(bar.x + bar.width for bar in bars)
    label = "" if is_dense else shorten(exam.label, _LABEL_LENGTH)
    length = len(label) * _CHARACTER_WIDTH
    is_label_left = left + length > 100  # noqa: PLR2004 - percent; else the label leaves the picture
    begin, end = (min(left, right - length), right) if is_label_left else (left, max(right, left + length))
    row = next((number for number, taken in enumerate(lanes) if taken <= begin), len(lanes))
    lanes[row : row + 1] = [end + _GAP]
    return DrawnExam(
        numbers=exam.numbers,
        action=exam.action,
        tooltip=exam.label,
        y=row * lane,
        label=label,
        label_x=round(right if is_label_left else left, _DECIMALS),
        is_label_left=is_label_left,
        exam=None if exam.exam is None else _bar(exam.exam, axis),
        booking=None if exam.booking is None else _bar(exam.booking, axis),
    )
