"""Pictures of windows in time: which bar stands where, so that what overlaps is seen to overlap.

Positions across are in percent, heights in pixels; a template draws them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.model.plan import Change
from reconciler.outputs.escapes import printable, shorten
from reconciler.outputs.time_axis import TimeAxis
from reconciler.outputs.values import configuration_of, payload_of, title_of
from reconciler.outputs.windows import local_moment

_LANE: Final = 32
_DENSE_LANE: Final = 8
_MOST_LABELLED: Final = 60
_MOST_LANES: Final = 120
_LEAST_WIDTH: Final = 0.35
_GAP: Final = 0.6
_LABEL_LENGTH: Final = 34
_CHARACTER_WIDTH: Final = 0.68
"""Percent that a character of a label takes, in a picture as narrow as it gets."""


class Span(Struct, frozen=True, kw_only=True):
    """From when to when; both bounds are the one that is known where there is only one."""

    start: datetime
    end: datetime


class Exam(Struct, frozen=True, kw_only=True):
    """An exam as a picture needs it; `number` tells it from all others of the page."""

    number: int
    label: str
    action: str
    exam: Span | None
    booking: Span | None

    @property
    def spans(self) -> tuple[Span, ...]:
        """The windows that are known."""
        return tuple(span for span in (self.booking, self.exam) if span is not None)


class Bar(Struct, frozen=True):
    """Where a window stands."""

    x: float
    width: float


class Drawn(Struct, frozen=True, kw_only=True):
    """An exam in its lane; `label` is empty where the picture is too dense for labels."""

    number: int
    action: str
    tooltip: str
    y: int
    label: str
    label_x: float
    is_label_left: bool
    exam: Bar | None
    booking: Bar | None


class Picture(Struct, frozen=True, kw_only=True):
    """The exams of one course; `overlaps` are the stretches that two or more exam windows share."""

    height: int
    lane: int
    exams: tuple[Drawn, ...]
    overlaps: tuple[Bar, ...]
    left_out: int


def exam_of(change: Change, number: int) -> Exam:
    """What a picture needs of `change`."""
    configuration = configuration_of(payload_of(change))
    spans = []
    for lead in ("exam", "schedule"):
        bounds = [
            local_moment(configuration.get(f"{lead}{side}Date"), change.timezone)
            for side in ("Open", "Close")
        ]
        known = sorted(bound for bound in bounds if bound is not None)
        spans.append(Span(start=known[0], end=known[-1]) if known else None)
    return Exam(
        number=number,
        label=printable(title_of(payload_of(change)) or change.address),
        action=change.action.value,
        exam=spans[0],
        booking=spans[1],
    )


def overlap_counts(exams: Sequence[Exam]) -> dict[int, int]:
    """With how many others of `exams` each one's exam window overlaps, by number."""
    timed = [(exam.number, exam.exam) for exam in exams if exam.exam is not None]
    starts = sorted(span.start for _, span in timed)
    ends = sorted(span.end for _, span in timed)
    # All others less those that end before this one starts, and those that start after it ends.
    return {
        number: max(bisect_left(starts, span.end) - bisect_right(ends, span.start) - 1, 0)
        for number, span in timed
        if span.start < span.end
    }


def picture_of(exams: Sequence[Exam], axis: TimeAxis) -> Picture | None:
    """The picture of `exams`, the earliest on top; None where none has a window."""
    timed = sorted((exam for exam in exams if exam.spans), key=_order)
    if not timed:
        return None
    is_dense = len(timed) > _MOST_LABELLED
    lane = _DENSE_LANE if is_dense else _LANE
    lanes: list[float] = []
    drawn = tuple(_drawn(exam, axis, lanes, lane, is_dense=is_dense) for exam in timed)
    shown = tuple(one for one in drawn if one.y < _MOST_LANES * lane)
    return Picture(
        height=min(len(lanes), _MOST_LANES) * lane + 4,
        lane=lane,
        exams=shown,
        overlaps=tuple(_bar(span, axis) for span in shared(timed)),
        left_out=len(drawn) - len(shown),
    )


def strip_of(exams: Sequence[Exam], axis: TimeAxis) -> tuple[tuple[int, str, Bar], ...]:
    """Number, action and place of each exam window, to be drawn on one line."""
    return tuple((exam.number, exam.action, _bar(exam.exam, axis)) for exam in exams if exam.exam is not None)


def shared(exams: Sequence[Exam]) -> Iterator[Span]:
    """The stretches of time in which two or more exam windows are open, in order."""
    spans = [exam.exam for exam in exams if exam.exam is not None]
    edges = sorted([(span.start, 1) for span in spans] + [(span.end, -1) for span in spans])
    depth, begun = 0, None
    for moment, step in edges:  # where one closes as another opens, the closing comes first
        depth += step
        if depth > 1 and begun is None:
            begun = moment
        elif depth < 2 and begun is not None:  # noqa: PLR2004 - an overlap takes two
            if begun < moment:
                yield Span(start=begun, end=moment)
            begun = None


def _order(exam: Exam) -> tuple[datetime, datetime, int]:
    return min(span.start for span in exam.spans), max(span.end for span in exam.spans), exam.number


def _bar(span: Span, axis: TimeAxis) -> Bar:
    x = axis.at(span.start)
    return Bar(round(x, 2), round(max(axis.at(span.end) - x, _LEAST_WIDTH), 2))


def _drawn(exam: Exam, axis: TimeAxis, lanes: list[float], lane: int, *, is_dense: bool) -> Drawn:
    """`exam` in the first of `lanes` that is free for it, which it then takes up."""
    bars = [_bar(span, axis) for span in exam.spans]
    left, right = min(bar.x for bar in bars), max(bar.x + bar.width for bar in bars)
    label = "" if is_dense else shorten(exam.label, _LABEL_LENGTH)
    length = len(label) * _CHARACTER_WIDTH
    is_label_left = left + length > 100  # noqa: PLR2004 - percent; it would stick out, so it ends with its bar
    begin, end = (min(left, right - length), right) if is_label_left else (left, max(right, left + length))
    row = next((number for number, taken in enumerate(lanes) if taken <= begin), len(lanes))
    lanes[row : row + 1] = [end + _GAP]
    return Drawn(
        number=exam.number,
        action=exam.action,
        tooltip=exam.label,
        y=row * lane,
        label=label,
        label_x=round(right if is_label_left else left, 2),
        is_label_left=is_label_left,
        exam=None if exam.exam is None else _bar(exam.exam, axis),
        booking=None if exam.booking is None else _bar(exam.booking, axis),
    )
