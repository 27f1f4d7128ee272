"""Dates of a rollover: against a calendar that counts day by day, for the clock changes of every zone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.drafting.term_shift import TermShift
from reconciler.manifest.exam.dates import BadDateTime, normalized
from reconciler.model.terms import Term
from reconciler.zones import zone_names, zone_of

FALL = Term("2031fa", date(2031, 8, 25), date(2031, 12, 12), frozenset({date(2031, 11, 24)}))
SPRING = Term("2032sp", date(2032, 1, 14), date(2032, 5, 7), frozenset({date(2032, 3, 8)}))
NEW_YORK = zone_of("America/New_York")
DAY = timedelta(days=1)


def weeks_of(term: Term) -> dict[tuple[int, int], date]:
    """Each day of the term's counted weeks, by week and weekday, found by walking the calendar."""
    found, number = {}, 0
    day = term.starts
    while day.weekday():
        day -= DAY
    while day <= term.ends or day.weekday():
        if not day.weekday():
            is_skipped = day in term.skipped
            number += not is_skipped
        if not is_skipped:
            found[number, day.weekday()] = day
        day += DAY
    return found


@pytest.mark.parametrize(
    ("before", "after", "week"),
    [
        ("2031-08-25", "2032-01-12", 1),  # the Monday of week 1, though the spring starts on a Wednesday
        ("2031-10-19", "2032-03-07", 8),  # the Sunday before the spring break
        ("2031-10-20", "2032-03-15", 9),  # and the Monday after it
        ("2031-11-26", "2032-04-14", None),  # in the fall's break
        ("2031-12-08", "2032-04-26", 15),
        ("2031-12-14", "2032-05-02", 15),  # the Sunday of the last week
        ("2031-12-15", "2032-05-03", None),  # after the term
        ("2031-08-24", "2032-01-11", None),  # before the term
    ],
)
def test_a_day_comes_to_the_same_week(before: str, after: str, week: int | None) -> None:
    """A day of a counted week keeps week and weekday; every other day moves by whole weeks."""
    assert TermShift(FALL, SPRING).day(date.fromisoformat(before)) == (date.fromisoformat(after), week)


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        (NEW_YORK, "2031-10-06T09:00", "2032-02-23T09:00"),
        (NEW_YORK, "2031-10-06 09:00:30.250", "2032-02-23 09:00:30.250"),
        (NEW_YORK, "2031-10-06T09:00:00-04:00", "2032-02-23T09:00:00-05:00"),
        (NEW_YORK, "2031-10-06T13:00Z", "2032-02-23T09:00-05:00"),
        (NEW_YORK, "2031-10-07t01:30 +02:00", "2032-02-23t19:30-05:00"),  # the evening before in New York
        (None, "2031-10-06T23:30:00+05:30", "2032-02-23T23:30:00+05:30"),
        (zone_of("UTC"), "2031-10-06T09:00Z", "2032-02-23T09:00Z"),
        (zone_of("Europe/London"), "2031-12-01T09:00Z", "2032-04-19T09:00+01:00"),
    ],
)
def test_a_date_keeps_its_form_and_its_time_of_day(zone: Any, before: str, after: str) -> None:
    """Only the day changes, and an offset where the clocks of the zone have another one on the new day."""
    assert TermShift(FALL, SPRING).shifted(before, zone).text == after


def test_a_time_that_the_clocks_skip_or_repeat_is_told() -> None:
    """Of a repeated time with an offset, the reading with the same offset is kept."""
    autumn = Term("a", date(2031, 9, 1), date(2031, 12, 12))
    shift = TermShift(autumn, Term("b", date(2032, 8, 30), date(2032, 12, 10)))
    repeated = shift.shifted("2031-11-09T01:30:00-05:00", NEW_YORK)
    assert repeated.text == "2032-11-07T01:30:00-05:00"
    assert repeated.problem
    assert repeated.problem.code == "local-time-repeated"
    skipped = TermShift(FALL, SPRING).shifted("2031-10-26T02:30", NEW_YORK)
    assert skipped.problem is None
    spring = TermShift(FALL, Term("c", date(2032, 1, 26), date(2032, 6, 1)))
    skipped = spring.shifted("2031-10-12T02:30", NEW_YORK)
    assert skipped.text == "2032-03-14T02:30"
    assert skipped.problem
    assert skipped.problem.code == "local-time-skipped"


@st.composite
def terms(draw: Any, name: str) -> Term:
    """Any term with any skipped weeks."""
    starts = draw(st.dates(date(1950, 1, 1), date(2150, 1, 1)))
    ends = starts + timedelta(days=draw(st.integers(0, 366)))
    monday = starts - timedelta(days=starts.weekday())
    weeks = draw(st.sets(st.integers(0, 52), max_size=6))
    return Term(name, starts, ends, frozenset(monday + timedelta(weeks=week) for week in weeks))


@given(terms("a"), terms("b"), st.integers(-400, 800))
def test_every_day_is_shifted_as_a_calendar_says(old: Term, new: Term, offset: int) -> None:
    """The model numbers the days of both terms one by one."""
    day = old.starts + timedelta(days=offset)
    found, week = TermShift(old, new).day(day)
    assert found.weekday() == day.weekday()
    places = {each: place for place, each in weeks_of(old).items()}
    place = places.get(day)
    if place in weeks_of(new):
        assert (found, week) == (weeks_of(new)[place], place[0])
    else:
        first_mondays = [term.starts - timedelta(days=term.starts.weekday()) for term in (old, new)]
        assert (found - day, week) == (first_mondays[1] - first_mondays[0], None)


def instant(text: str, zone: Any) -> datetime:
    """The instant that a manifest means by `text`."""
    return datetime.fromisoformat(normalized(text, zone))


@given(
    terms("a"),
    terms("b"),
    st.sampled_from(sorted(zone_names())),
    st.integers(0, 366 * 24 * 60),
    st.sampled_from(["local", "offset", "utc"]),
)
def test_clocks_show_the_same_time_on_the_new_day(
    old: Term, new: Term, name: str, minutes: int, form: str
) -> None:
    """In every zone, whatever its clocks do in between, and however the date is written."""
    zone = zone_of(name)
    assert zone
    local = datetime.combine(old.starts, time()) + timedelta(minutes=minutes)
    before = local.replace(tzinfo=zone)
    assume(before.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local)  # the clocks do not skip it
    offset = before.utcoffset()
    assert offset is not None
    assume(offset % timedelta(minutes=1) == timedelta() or form != "offset")
    text = {
        "local": local.isoformat(timespec="minutes"),
        "offset": before.isoformat(timespec="seconds"),
        "utc": before.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }[form]
    shifted = TermShift(old, new).shifted(text, zone)
    wanted = datetime.combine(TermShift(old, new).day(local.date())[0], local.time())
    readings = {one.astimezone(UTC) for one in (wanted.replace(tzinfo=zone, fold=fold) for fold in (0, 1))}
    assert (shifted.problem is not None) == (len(readings) == 2)
    if shifted.problem is None or form != "local":
        assert instant(shifted.text, zone) in readings
    else:
        with pytest.raises(BadDateTime):
            normalized(shifted.text, zone)
