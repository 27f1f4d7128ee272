"""The order in which people read exams; documents for programs are sorted by address."""

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from reconciler.model.payloads import configuration_of
from reconciler.model.plan import Change
from reconciler.outputs.exam_facts import payload_of, title_of

_FINAL: Final = re.compile(r"\bfinals?\b", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d+")
_DIGITS: Final = 12

_Place: TypeAlias = tuple[str, str, bool, str, bool, str, str]


def by_time(changes: Iterable[Change]) -> list[Change]:
    """Return `changes` by course, and within a course by time, finals after others of the same time.

    Courses are ordered by name. The time is when the exam opens or, if that is not set, when it closes; exams
    without a time come last.
    """
    return sorted(changes, key=_place)


def _place(change: Change) -> _Place:
    payload = payload_of(change)
    configuration = configuration_of(payload)
    times = (configuration.get("examOpenDate"), configuration.get("examCloseDate"))
    # Payloads have instants in one form, in UTC, whose text sorts by time.
    time = next((time for time in times if isinstance(time, str)), None)
    title = title_of(payload)
    return (
        _with_equal_digits(change.course_name.casefold()),
        change.course_sid,
        time is None,
        time or "",
        _FINAL.search(title) is not None,
        _with_equal_digits(title),
        change.address,
    )


def _with_equal_digits(text: str) -> str:
    """Return `text` with its numbers filled up with zeros, so that 2 comes before 10."""
    return _NUMBER.sub(lambda number: number[0].zfill(_DIGITS), text)
