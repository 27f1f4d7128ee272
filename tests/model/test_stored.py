"""What is wrong in a file is told in words, not in those of the library that found it."""

from datetime import UTC, datetime

import msgspec
import pytest

from reconciler.model.identities import ExamSid
from reconciler.model.stored_values import Count, Instant, StoredValue, problem_of


class Thing(StoredValue, frozen=True, kw_only=True):
    """Something of each kind."""

    name: str
    number: Count = 0
    at: Instant | None = None
    parts: tuple[str, ...] = ()
    is_odd: bool = False
    sid: ExamSid | None = None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "here is not an object"),
        ({}, "here.name is missing"),
        ({"name": None}, "here.name is not a string"),
        ({"name": "", "colour": "red"}, 'here has the unknown key "colour"'),
        ({"name": "", "a\u202eb": 1}, 'here has the unknown key "a\ufffdb"'),
        ({"name": "", "number": "1"}, "here.number is not a whole number"),
        ({"name": "", "number": -1}, "here.number is not a whole number >= 0"),
        ({"name": "", "at": 1}, "here.at is not a date-time or null"),
        ({"name": "", "at": "yesterday"}, "here.at is not a date-time"),
        ({"name": "", "parts": {}}, "here.parts is not a list"),
        ({"name": "", "parts": ["", 1]}, "here.parts[1] is not a string"),
        ({"name": "", "isOdd": 1}, "here.isOdd is not true or false"),
        ({"name": "", "sid": "EX1"}, "here.sid is not a string of the right form"),
    ],
)
def test_what_is_wrong_is_told_in_words(value, problem):
    """Where, and what belongs there."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, Thing)
    assert problem_of(caught.value, "here") == problem


def test_moments_are_in_utc():
    """Whatever offset they were written with."""
    read = msgspec.convert({"name": "", "at": "2031-09-01T14:00:00.0009+02:00"}, Thing)
    assert read.at == datetime(2031, 9, 1, 12, 0, tzinfo=UTC)
