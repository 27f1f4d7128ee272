"""The order in which people read exams; documents for programs are sorted by address."""

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from reconciler.model.payloads import configuration_of
from reconciler.model.plan import Change
from reconciler.outputs.exam_facts import payload_of, title_of

_FINAL: Final = re.compile(r"\bfinals?\b", re.IGNORECASE)

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
        (change.course or change.course_sid).casefold(),
        change.course_sid,
        time is None,
        time or "",
        _FINAL.search(title) is not None,
        title,
        change.address,
    )
