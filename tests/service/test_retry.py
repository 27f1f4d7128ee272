"""The retry policy: bounded, and never shorter than the server asks."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.service.retry import BackOff

NOW = datetime(2031, 9, 1, tzinfo=UTC)
POLICY = BackOff()


def test_delays_double_up_to_the_longest():
    """The first try waits for nothing."""
    delays = [POLICY.delay_s(attempt, None, NOW) for attempt in range(1, 11)]
    assert delays == [0, 0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 120 ", 120),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("Monday, 01-Sep-31 00:01:00 GMT", 60),
        ("Mon Sep  1 00:01:00 2031", 60),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.25),
        ("0", 0.25),
        ("-5", 0.25),
        ("1.5", 0.25),
        ("soon", 0.25),
        ("", 0.25),
        ("٣", 0.25),
        ("Mon, 99 Sep 2031 00:00:00 GMT", 0.25),
        ("9" * 400, 1e9),
        ("9" * 100_000, 1e9),
        ("Mon, 01 Sep 99999999999 00:00:00 GMT", 0.25),
        ("Mon, 01 Sep -5 00:00:00 GMT", 0.25),
        ("Mon, 01 Sep 2031 00:01:00 +9999", 0.25),
        ("Mon, 01 Sep 2031 00:01:00 +999999999999999999", 0.25),
        ("Fri, 31 Dec 9999 23:59:59 -2300", 0.25),
        ("Mon, 01 Jan 0001 00:00:00 +2300", 0.25),
        ("Mon, 01 Sep 2031 99999999999:00:00 GMT", 0.25),
        ("7, 9", 0.25),
        ("1e3", 0.25),
        ("nan", 0.25),
    ],
)
def test_both_forms_of_retry_after(header, seconds):
    """The longer of the header and our own delay counts; a malformed header counts as absent."""
    assert POLICY.delay_s(2, header, NOW) == seconds


NUMBERS = st.integers(-(10**20), 10**20) | st.integers(0, 60)
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}{:04}".format,
    st.sampled_from(["Mon", "Monday", ""]),
    NUMBERS,
    st.sampled_from(["Sep", "Foo", "9"]),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from(["+", "-", "GMT", ""]),
    NUMBERS,
)


@given(st.integers(1, 10_000), st.none() | st.text() | DATES, st.datetimes(timezones=st.just(UTC)))
def test_any_header_gives_a_finite_delay(attempt, header, now):
    """No header makes an exception, a negative delay or an endless one."""
    assert 0 <= POLICY.delay_s(attempt, header, now) <= 1e12
