"""Rules about the exam window and the scheduling window: whether they have dates, and how these lie."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Final

from reconciler.model.attendance import ExamWindow, is_for_everybody, overlaps_of
from reconciler.model.diagnostics import Severity
from reconciler.model.rules import Basis, Context, Exam, Finding, Path, Rule

OPENS: Final = "examOpenDate"
CLOSES: Final = "examCloseDate"
_BOOKING_OPENS: Final = "scheduleOpenDate"
_BOOKING_CLOSES: Final = "scheduleCloseDate"
_WINDOWS: Final = {"exam": (OPENS, CLOSES), "scheduling": (_BOOKING_OPENS, _BOOKING_CLOSES)}
_LONGER_THAN_A_TERM: Final = timedelta(days=200)
_DAYS_A_YEAR: Final = 365
_MONTH: Final = len("2031-10")

_by_opening: Final = itemgetter(0, 1)


def date_path(name: str) -> Path:
    """Return the path of the date-time `name`."""
    return ("configuration", name)


def _order(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        said = exam.configuration
        for opens_at, closes_at in _WINDOWS.values():
            opens, closes = said.get(opens_at), said.get(closes_at)
            if isinstance(opens, str) and isinstance(closes, str) and closes <= opens:
                yield Finding(
                    exam=exam,
                    path=date_path(closes_at),
                    others=(date_path(opens_at),),
                    message=f"{closes_at} is not after {opens_at}",
                    hint="Swap them, or mend the one that is wrong.",
                )


def _scheduling(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        said = exam.configuration
        booking_opens, opens = said.get(_BOOKING_OPENS), said.get(OPENS)
        if isinstance(booking_opens, str) and isinstance(opens, str) and booking_opens >= opens:
            yield Finding(
                exam=exam,
                path=date_path(_BOOKING_OPENS),
                others=(date_path(OPENS),),
                message="students can book only once the exam window is open",
                hint=f"Let {_BOOKING_OPENS} be before {OPENS}.",
            )
        booking_closes, closes = said.get(_BOOKING_CLOSES), said.get(CLOSES)
        if isinstance(booking_closes, str) and isinstance(closes, str) and booking_closes > closes:
            yield Finding(
                exam=exam,
                path=date_path(_BOOKING_CLOSES),
                others=(date_path(CLOSES),),
                message="students can still book after the exam window has closed",
                hint=f"Let {_BOOKING_CLOSES} be no later than {CLOSES}.",
            )


def _incomplete(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        said = exam.configuration
        for names in _WINDOWS.values():
            opens, closes = names
            if (opens in said) != (closes in said):
                given, missing = names if opens in said else names[::-1]
                yield Finding(
                    exam=exam,
                    path=date_path(given),
                    message=f"{given} is given, and {missing} is not",
                    hint=f"Add `{missing}:` beside it, so that the window has two ends.",
                )


def _none(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        said = exam.configuration
        if OPENS not in said and CLOSES not in said:
            yield Finding(
                exam=exam,
                cause="no window",
                message="the exam has no exam window",
                hint=f"Add `{OPENS}:` and `{CLOSES}:` to its configuration: when students may sit it.",
            )


def _long(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        for kind, (opens_at, closes_at) in _WINDOWS.items():
            opens, closes = exam.date(opens_at), exam.date(closes_at)
            if opens is None or closes is None or opens[:_MONTH] >= closes[:_MONTH]:
                continue
            first, last = exam.instant(opens_at), exam.instant(closes_at)
            if first is not None and last is not None and last - first > _LONGER_THAN_A_TERM:
                yield Finding(
                    exam=exam,
                    path=date_path(closes_at),
                    others=(date_path(opens_at),),
                    message=f"the {kind} window is longer than a term: {_in_years(last - first)}",
                    hint="Check the year and the month of both dates.",
                )


def _in_years(span: timedelta) -> str:
    """Return `span` in years if it has two or more of them, otherwise in days."""
    years = span.days // _DAYS_A_YEAR
    return f"{years} years" if years > 1 else f"{span.days} days"


def _overlap(exams: Sequence[Exam], _: Context) -> Iterator[Finding]:
    courses: dict[tuple[str, str], list[ExamWindow[Exam]]] = {}
    for exam in exams:
        said = exam.configuration
        opens, closes = said.get(OPENS), said.get(CLOSES)
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
            path=date_path(OPENS),
            others=(date_path(CLOSES),),
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
    Rule(code="long-window", summary="a window that is longer than a term", check=_long),
    Rule(
        code="overlapping-windows",
        basis=Basis.WORKSPACE,
        summary="exams of one course whose windows overlap",
        check=_overlap,
    ),
)
