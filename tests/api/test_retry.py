"""The retry policy: bounded, and never shorter than the server asks."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.retry import BackOff

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
    ],
)
def test_both_forms_of_retry_after(header, seconds):
    """The longer of the header and our own delay counts; a malformed header counts as absent."""
    assert POLICY.delay_s(2, header, NOW) == seconds


@given(st.integers(1, 10_000), st.none() | st.text(), st.datetimes(timezones=st.just(UTC)))
def test_any_header_gives_a_finite_delay(attempt, header, now):
    """No header makes an exception, a negative delay or an endless one."""
    assert 0 <= POLICY.delay_s(attempt, header, now) <= 1e12
