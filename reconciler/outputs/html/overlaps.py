"""Exam windows that overlap: on a page these are the ones that `validate` warns of, and no others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.model.attendance import ExamWindow, is_for_everybody, overlaps_of
from reconciler.model.payloads import configuration_of
from reconciler.model.plan import Change, Plan
from reconciler.outputs.exam_facts import local_window, payload_of
from reconciler.outputs.html.timeline import Period

_CODE: Final = "overlapping-windows"
_UNLISTED: Final = "an exam that is not listed here"


class Overlaps:
    """The overlaps that a plan warns of, so none that a rule exempts or a comment suppresses.

    A saved plan may not list the other exam.
    """

    def __init__(self, plan: Plan) -> None:
        found = [warning for warning in plan.warnings if warning.code == _CODE]
        warned = {address for one in found for address in (one.address, *one.others) if address is not None}
        self._others: dict[str, list[str]] = {}
        self._pairs: dict[str, list[tuple[Change, Change]]] = {}
        for later, earlier in _pairs(plan) if warned else ():
            if later.address in warned:
                self._pairs.setdefault(later.course_sid, []).append((later, earlier))
                self._others.setdefault(later.address, []).append(earlier.address)
                self._others.setdefault(earlier.address, []).append(later.address)
        for address in warned:
            self._others.setdefault(address, [_UNLISTED])

    def of(self, change: Change) -> Sequence[str]:
        """Return the exams that `change` overlaps, in words."""
        return self._others.get(change.address, ())

    def in_course(self, course_sid: str) -> Iterator[Period]:
        """Yield the times in which windows of a course overlap, by their start."""
        for later, earlier in self._pairs.get(course_sid, ()):
            (opens, closes), (_, until) = (
                local_window(payload_of(change), "exam", None) for change in (later, earlier)
            )
            if opens is not None and closes is not None and until is not None:
                yield Period(start=opens, end=min(closes, until))


def _pairs(plan: Plan) -> Iterator[tuple[Change, Change]]:
    """Yield declared exams that overlap, each after the one that opens later, by course and time."""
    courses: dict[tuple[str, str], list[ExamWindow[Change]]] = {}
    for change in plan.changes:
        if change.after is None or not is_for_everybody(change.after):
            continue
        configuration: Mapping[str, object] = configuration_of(change.after)
        opens, closes = configuration.get("examOpenDate"), configuration.get("examCloseDate")
        if isinstance(opens, str) and isinstance(closes, str) and opens < closes:
            course = courses.setdefault((change.install_sid, change.course_sid), [])
            course.append((opens, change.address, closes, change))
    for windows in courses.values():
        for later, earlier in overlaps_of(sorted(windows, key=lambda window: window[:2])):
            yield later[-1], earlier[-1]
