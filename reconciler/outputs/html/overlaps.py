"""Exams whose windows overlap, or crowd a day: on a page only those that `validate` warns of."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from operator import itemgetter
from typing import Final

from reconciler.model.attendance import ExamWindow, is_for_everybody, overlaps_of
from reconciler.model.identities import Address
from reconciler.model.payloads import configuration_of
from reconciler.model.plan import Change, Plan
from reconciler.outputs.exam_facts import local_window, payload_of
from reconciler.outputs.html.timeline import Period

_UNLISTED: Final = "an exam that is not listed here"

_by_opening: Final = itemgetter(0, 1)


class Overlaps:
    """The overlaps that a plan warns of, so none that a rule exempts or a comment suppresses.

    A saved plan may not list the other exam.
    """

    def __init__(self, plan: Plan) -> None:
        warned = frozenset[Address]().union(*_exams_of_warnings(plan, "overlapping-windows"))
        clashing = _exams_of_warnings(plan, "cohort-clash")
        self._crowded = frozenset[Address]().union(*_exams_of_warnings(plan, "exams-in-a-day"))
        self._others: dict[str, list[str]] = {}
        self._pairs: dict[str, list[tuple[Change, Change]]] = {}
        windows = _windows(plan) if warned or clashing else []
        for later, earlier in _pairs(windows):
            if later.address in warned:
                self._add(later, earlier)
        for later, earlier in _clashes(windows, clashing):
            self._add(later, earlier)
        for address in warned.union(*clashing):
            self._others.setdefault(address, [_UNLISTED])

    def _add(self, later: Change, earlier: Change) -> None:
        for one, other in ((later, earlier), (earlier, later)):
            self._others.setdefault(one.address, []).append(other.address)
        for course_sid in {later.course_sid, earlier.course_sid}:
            self._pairs.setdefault(course_sid, []).append((later, earlier))

    def of(self, change: Change) -> Iterator[str]:
        """Yield in words which exams `change` overlaps, and whether there are too many on its day."""
        others = self._others.get(change.address, ())
        if others:
            yield f"overlaps {others[0]}{f' and {len(others) - 1:,} more' if others[1:] else ''}"
        if change.address in self._crowded:
            yield "too many exams on this day"

    def in_courses(self, course_sids: Iterable[str]) -> list[Period]:
        """Return the times in which windows of some courses overlap others, by their start."""
        found = []
        for later, earlier in chain.from_iterable(self._pairs.get(sid, ()) for sid in course_sids):
            (opens, closes), (_, until) = (
                local_window(payload_of(change), "exam", None) for change in (later, earlier)
            )
            if opens is not None and closes is not None and until is not None:
                found.append(Period(start=opens, end=min(closes, until)))
        return sorted(found, key=lambda period: period.start)


def _exams_of_warnings(plan: Plan, code: str) -> list[frozenset[Address]]:
    """Return the exams of each warning that has `code`."""
    found = [warning for warning in plan.warnings if warning.code == code]
    return [one.others if one.address is None else one.others | {one.address} for one in found]


def _pairs(windows: Iterable[ExamWindow[Change]]) -> Iterator[tuple[Change, Change]]:
    """Yield exams of one course that overlap, each after the one that opens later.

    `windows` are sorted.
    """
    courses: dict[tuple[str, str], list[ExamWindow[Change]]] = {}
    for window in windows:
        change = window[-1]
        if is_for_everybody(payload_of(change)):
            courses.setdefault((change.install_sid, change.course_sid), []).append(window)
    for in_course in courses.values():
        for later, earlier in overlaps_of(in_course, group_of=lambda window: window[-1].exam_address):
            yield later[-1], earlier[-1]


def _clashes(
    windows: Iterable[ExamWindow[Change]], warned: Iterable[frozenset[Address]]
) -> Iterator[tuple[Change, Change]]:
    """Yield exams of different courses that overlap, each after the one that opens later.

    Each of `warned` holds the exams of one warning.
    """
    by_address = {window[1]: window for window in windows}
    for addresses in warned:
        clashing = sorted((by_address[one] for one in addresses if one in by_address), key=_by_opening)
        for later, earlier in overlaps_of(clashing, group_of=lambda window: window[-1].course_sid):
            yield later[-1], earlier[-1]


def _windows(plan: Plan) -> list[ExamWindow[Change]]:
    """Return the windows of the declared exams, sorted."""
    found: list[ExamWindow[Change]] = []
    for change in plan.changes:
        configuration: Mapping[str, object] = configuration_of(change.after or {})
        opens, closes = configuration.get("examOpenDate"), configuration.get("examCloseDate")
        if isinstance(opens, str) and isinstance(closes, str) and opens < closes:
            found.append((opens, change.address, closes, change))
    return sorted(found, key=_by_opening)
