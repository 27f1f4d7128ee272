"""The order in which people read exams; documents for programs are sorted by address."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from reconciler.model.payloads import Payload, configuration_of
from reconciler.model.plan import Change
from reconciler.outputs.exam_facts import payload_of, title_of
from reconciler.outputs.section_groups import group_key

_FINAL: Final = re.compile(r"\bfinals?\b", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d+")
_DIGITS: Final = 12

_Time: TypeAlias = tuple[bool, str]
_Place: TypeAlias = tuple[str, str, _Time, bool, str, str]


def by_time(changes: Iterable[Change]) -> list[Change]:
    """Return `changes` by term, course and time, finals after others of the same time.

    Terms are ordered by their first exam, courses by name; exams of no term come last. The time is when the
    exam opens or, if that is not set, when it closes; exams without a time come last. Sections of one exam
    that have one action are together where the first of them would be, in the order of their keys.
    """
    ordered = sorted(changes, key=_place)
    if any(change.term is not None for change in ordered):
        ordered = _by_term(ordered)
    if any(change.section is not None for change in ordered):
        ordered = _with_sections_together(ordered)
    return ordered


def _by_term(changes: Sequence[Change]) -> list[Change]:
    starts: dict[str | None, _Time] = {}
    for change in changes:
        time = _time_of(payload_of(change))
        starts[change.term] = min(time, starts.get(change.term, time))
    return sorted(changes, key=lambda one: (one.term is None, starts[one.term], one.term or ""))


def _with_sections_together(changes: Iterable[Change]) -> list[Change]:
    groups: dict[object, list[Change]] = {}
    for change in changes:
        groups.setdefault(group_key(change), []).append(change)
    return [
        change
        for members in groups.values()
        for change in sorted(members, key=lambda one: (_with_equal_digits(one.section or ""), one.address))
    ]


def _place(change: Change) -> _Place:
    payload = payload_of(change)
    title = title_of(payload)
    return (
        _with_equal_digits(change.course_name.casefold()),
        change.course_sid,
        _time_of(payload),
        _FINAL.search(title) is not None,
        _with_equal_digits(title),
        change.address,
    )


def _time_of(payload: Payload) -> _Time:
    """Return the time of the exam, in a form that sorts; an exam without one is last."""
    configuration = configuration_of(payload)
    times = (configuration.get("examOpenDate"), configuration.get("examCloseDate"))
    # Payloads have instants in one form, in UTC, whose text sorts by time.
    time = next((time for time in times if isinstance(time, str)), None)
    return time is None, time or ""


def _with_equal_digits(text: str) -> str:
    """Return `text` with its numbers filled up with zeros, so that 2 comes before 10."""
    return _NUMBER.sub(lambda number: number[0].zfill(_DIGITS), text)
