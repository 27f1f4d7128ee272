"""Rules about the exam window and the scheduling window: whether they have dates, and how these lie."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Final

from reconciler.model.attendance import ExamWindow, is_for_everybody, overlaps_of
from reconciler.model.diagnostics import Severity
from reconciler.model.rules import Basis, Context, Exam, Finding, Path, Rule

_OPENS: Final = "examOpenDate"
_CLOSES: Final = "examCloseDate"
_BOOKING_OPENS: Final = "scheduleOpenDate"
_BOOKING_CLOSES: Final = "scheduleCloseDate"
_WINDOWS: Final = ((_OPENS, _CLOSES), (_BOOKING_OPENS, _BOOKING_CLOSES))

_by_opening: Final = itemgetter(0, 1)


def _at(name: str) -> Path:
    return ("configuration", name)


def _order(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        said = exam.configuration
        for opens_at, closes_at in _WINDOWS:
            opens, closes = said.get(opens_at), said.get(closes_at)
            if isinstance(opens, str) and isinstance(closes, str) and closes <= opens:
                yield Finding(
                    exam=exam,
                    path=_at(closes_at),
                    others=(_at(opens_at),),
                    message=f"{closes_at} is not after {opens_at}",
                    hint="Swap them, or mend the one that is wrong.",
                )


def _scheduling(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        said = exam.configuration
        booking_opens, opens = said.get(_BOOKING_OPENS), said.get(_OPENS)
        if isinstance(booking_opens, str) and isinstance(opens, str) and booking_opens >= opens:
            yield Finding(
                exam=exam,
                path=_at(_BOOKING_OPENS),
                others=(_at(_OPENS),),
                message="students can book only once the exam window is open",
                hint=f"Let {_BOOKING_OPENS} be before {_OPENS}.",
            )
        booking_closes, closes = said.get(_BOOKING_CLOSES), said.get(_CLOSES)
        if isinstance(booking_closes, str) and isinstance(closes, str) and booking_closes > closes:
            yield Finding(
                exam=exam,
                path=_at(_BOOKING_CLOSES),
                others=(_at(_CLOSES),),
                message="students can still book after the exam window has closed",
                hint=f"Let {_BOOKING_CLOSES} be no later than {_CLOSES}.",
            )


def _incomplete(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        said = exam.configuration
        for names in _WINDOWS:
            opens, closes = names
            if (opens in said) != (closes in said):
                given, missing = names if opens in said else names[::-1]
                yield Finding(
                    exam=exam,
                    path=_at(given),
                    message=f"{given} is given, and {missing} is not",
                    hint=f"Add `{missing}:` beside it, so that the window has two ends.",
                )


def _none(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        said = exam.configuration
        if _OPENS not in said and _CLOSES not in said:
            yield Finding(
                exam=exam,
                cause="no window",
                message="the exam has no exam window",
                hint=f"Add `{_OPENS}:` and `{_CLOSES}:` to its configuration: when students may sit it.",
            )


def _overlap(exams: Sequence[Exam], _: Context) -> Iterator[Finding]:
    courses: dict[tuple[str, str], list[ExamWindow[Exam]]] = {}
    for exam in exams:
        said = exam.configuration
        opens, closes = said.get(_OPENS), said.get(_CLOSES)
        if isinstance(opens, str) and isinstance(closes, str) and opens < closes:
            course = courses.setdefault((exam.install_sid, exam.course_sid), [])
            course.append((opens, exam.address, closes, exam))
    for _course, windows in sorted(courses.items()):
        windows.sort(key=_by_opening)
        # Finding who must sit an exam takes longer, and matters only if windows overlap.
        if any(later[0] < earlier[2] for earlier, later in pairwise(windows)):
            yield from _overlaps_in_course(
                window for window in windows if is_for_everybody(window[-1].payload)
            )


def _overlaps_in_course(windows: Iterable[ExamWindow[Exam]]) -> Iterator[Finding]:
    """Yield a finding for each of the sorted `windows` that opens while an earlier one is open.

    A student sits one of several sections of an exam, so these may overlap.
    """
    overlaps = overlaps_of(windows, group_of=lambda window: window[-1].exam_address)
    for (_opens, _address, _closes, exam), (_, other, until, _exam) in overlaps:
        yield Finding(
            exam=exam,
            path=_at(_OPENS),
            others=(_at(_CLOSES),),
            message=f"this window overlaps with that of '{other}', an exam of the same course",
            hint=f"In UTC the other is open until {until}; check both dates.",
        )


RULES: Final = (
    Rule(
        code="window-order",
        severity=Severity.ERROR,
        summary="a window that closes before it opens",
        check=_order,
    ),
    Rule(
        code="scheduling-window",
        summary="a scheduling window that does not suit the exam window",
        check=_scheduling,
    ),
    Rule(
        code="incomplete-window",
        summary="a window with an opening but no closing, or a closing but no opening",
        check=_incomplete,
    ),
    Rule(code="no-window", summary="an exam without dates", check=_none),
    Rule(
        code="overlapping-windows",
        basis=Basis.WORKSPACE,
        summary="exams of one course whose windows overlap",
        check=_overlap,
    ),
)
