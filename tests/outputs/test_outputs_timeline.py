"""Pictures of windows: places in time, lanes, and what overlaps."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import output_cases as cases
import page_cases
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.plan import Action
from reconciler.outputs.html.timeline import (
    Period,
    TimeAxis,
    TimelineExam,
    axis_of,
    exams_of,
    picture_of,
    strip_of,
)
from reconciler.outputs.section_groups import ExamGroup

START = datetime(2031, 9, 1, tzinfo=UTC)


def period(begin: float, end: float) -> Period:
    """From one day of the term to another."""
    return Period(start=START + timedelta(days=begin), end=START + timedelta(days=end))


def exam(number: int, begin: float, end: float, label: str = "Quiz") -> TimelineExam:
    """An exam that is open from one day to another."""
    return TimelineExam(
        numbers=(number,), label=label, action="create", exam=period(begin, end), booking=None
    )


PERIODS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda pair: (pair[0], sum(pair))), max_size=30
)


def test_overlaps_are_drawn_once() -> None:
    """Times in which several exams overlap are one band, and bands that are apart stay apart."""
    axis = TimeAxis(START, START + timedelta(days=100))
    overlaps = [period(10, 14), period(12, 20), period(13, 15), period(30, 31)]
    picture = picture_of([exam(0, 10, 31)], axis, overlaps)
    assert picture is not None
    assert [(bar.x, bar.width) for bar in picture.overlaps] == [(10.0, 10.0), (30.0, 1.0)]


@given(periods=PERIODS.filter(bool))
def test_no_two_exams_share_a_place(periods: list[tuple[int, int]]) -> None:
    """In one lane no bar begins before the one before it ended."""
    exams = [exam(number, *bounds) for number, bounds in enumerate(periods)]
    axis = axis_of([START, START + timedelta(days=80)], UTC)
    assert axis is not None
    picture = picture_of(exams, axis)
    assert picture is not None
    lanes: dict[int, float] = {}
    for drawn in picture.exams:
        assert drawn.exam is not None
        assert drawn.exam.x >= lanes.get(drawn.y, 0.0)
        lanes[drawn.y] = drawn.exam.x + drawn.exam.width
    assert max(lanes) < picture.height


def test_bars_stand_where_their_time_is() -> None:
    """A window takes up its part of the scale; one of no length can still be seen."""
    axis = TimeAxis(START, START + timedelta(days=100))
    picture = picture_of([exam(0, 10, 30), exam(1, 50, 50)], axis)
    assert picture is not None
    first, second = (one.exam for one in picture.exams)
    assert first is not None
    assert (first.x, first.width) == (10.0, 20.0)
    assert second is not None
    assert second.width > 0
    assert [bar.x for _, _, bar in strip_of([exam(0, 10, 30)], axis)] == [10.0]


def test_a_label_at_the_right_edge_ends_there() -> None:
    """No label sticks out of the picture."""
    axis = TimeAxis(START, START + timedelta(days=100))
    picture = picture_of([exam(0, 95, 99, "A title of some length")], axis)
    assert picture is not None
    assert picture.exams[0].is_label_left
    assert picture.exams[0].label_x == 99.0


def test_a_crowded_picture_stays_of_bounded_height() -> None:
    """Thousands of exams at one time leave out labels, then lanes, and their number is told."""
    axis = TimeAxis(START, START + timedelta(days=100))
    picture = picture_of([exam(number, 10, 20) for number in range(3000)], axis)
    assert picture is not None
    assert picture.height < 1000
    assert len(picture.exams) + picture.left_out == 3000
    assert {drawn.label for drawn in picture.exams} == {""}


def test_exams_without_times_have_no_picture() -> None:
    """What has no window is not drawn, and a bound that is no instant is none."""
    body = cases.payload(
        examOpenDate="soon", examCloseDate=None, scheduleOpenDate=None, scheduleCloseDate=None
    )
    (timeless,) = exams_of(ExamGroup([cases.change("a/b", Action.CREATE, after=body)]), 0)
    assert timeless.periods == ()
    assert picture_of([timeless], TimeAxis(START, START + timedelta(days=1))) is None
    assert axis_of([], UTC) is None


def test_a_window_that_is_the_wrong_way_round_is_drawn() -> None:
    """What was created long ago may close before it opens; it still has a place."""
    change = page_cases.dated(1, "x", course="c", opens=page_cases.TERM, days=-3)
    (drawn,) = exams_of(ExamGroup([replace(change, timezone=None)]), 0)
    found = drawn.exam
    assert found is not None
    assert found.start < found.end


@given(
    first=st.datetimes(timezones=st.just(UTC)),
    length=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4_000_000)),
    offset=st.integers(-12, 14),
)
def test_any_stretch_has_a_few_labels_in_order(first: datetime, length: timedelta, offset: int) -> None:
    """From a minute to all the years of a calendar, ticks are few, in order, and on the scale."""
    try:
        moments = [first, first + length]
    except OverflowError:
        return
    axis = axis_of(moments, timezone(timedelta(hours=offset)))
    if axis is None:
        return
    places = [tick.x for tick in axis.ticks()]
    assert places == sorted(places)
    assert len(places) <= 15
    assert all(0 <= place <= 100 for place in places)


def test_a_scale_ends_where_the_calendar_does() -> None:
    """The first and the last moment that there is have a scale, and one alone at the end has none."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    axis = axis_of([first, last], UTC)
    assert axis is not None
    assert axis.ticks()
    assert axis_of([last], UTC) is None


@pytest.mark.parametrize(
    ("days", "labels"),
    [
        (3, ["Sep 1", "Sep 2", "Sep 3", "Sep 4"]),
        (15, ["Sep 1", "Sep 3", "Sep 5", "Sep 7", "Sep 9", "Sep 11", "Sep 13", "Sep 15"]),
        (60, ["Sep 1", "Sep 8", "Sep 15", "Sep 22", "Sep 29", "Oct 6", "Oct 13", "Oct 20", "Oct 27"]),
        (
            250,
            [
                "Sep 2031",
                "Oct 2031",
                "Nov 2031",
                "Dec 2031",
                "Jan 2032",
                "Feb 2032",
                "Mar 2032",
                "Apr 2032",
                "May 2032",
            ],
        ),
        (
            2900,
            ["Jan 2032", "Jan 2033", "Jan 2034", "Jan 2035", "Jan 2036", "Jan 2037", "Jan 2038", "Jan 2039"],
        ),
    ],
)
def test_ticks_are_days_weeks_months_or_years(days: int, labels: list[str]) -> None:
    """The step grows with the stretch; weeks begin on Monday."""
    assert [tick.label for tick in TimeAxis(START, START + timedelta(days=days)).ticks()] == labels


def test_an_axis_knows_that_clocks_change() -> None:
    """A day of 25 hours takes more of the scale than others, and ticks are at local midnight."""
    zone = ZoneInfo("America/New_York")
    axis = TimeAxis(datetime(2031, 11, 1, 4, tzinfo=UTC), datetime(2031, 11, 4, 5, tzinfo=UTC), zone)
    assert [(tick.label, round(tick.x * 0.73, 6)) for tick in axis.ticks()] == [
        ("Nov 1", 0),
        ("Nov 2", 24),
        ("Nov 3", 49),
        ("Nov 4", 73),
    ]
