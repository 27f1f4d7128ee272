"""Rules about the exam window, the scheduling window and the time that a student has."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from operator import itemgetter
from typing import Final

from reconciler.model.attendance import ExamWindow, is_for_everybody, overlaps_of
from reconciler.model.diagnostics import Severity
from reconciler.model.rules import Basis, Context, Exam, Finding, Path, Rule, short

_OPENS: Final = "examOpenDate"
_CLOSES: Final = "examCloseDate"
_BOOKING_OPENS: Final = "scheduleOpenDate"
_BOOKING_CLOSES: Final = "scheduleCloseDate"
_WINDOWS: Final = ((_OPENS, _CLOSES), (_BOOKING_OPENS, _BOOKING_CLOSES))
_NUMBER: Final = (int, float)
_MINUTES_A_DAY: Final = 24 * 60
_MINUTES_AN_HOUR: Final = 60

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
                    hint=f"In UTC the window opens at {opens} and closes at {closes}; swap or mend them.",
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
                hint=f"Let {_BOOKING_OPENS} be before {_OPENS}; in UTC that is {opens}.",
            )
        booking_closes, closes = said.get(_BOOKING_CLOSES), said.get(_CLOSES)
        if isinstance(booking_closes, str) and isinstance(closes, str) and booking_closes > closes:
            yield Finding(
                exam=exam,
                path=_at(_BOOKING_CLOSES),
                others=(_at(_CLOSES),),
                message="students can still book after the exam window has closed",
                hint=f"Let {_BOOKING_CLOSES} be no later than {_CLOSES}; in UTC that is {closes}.",
            )


def _duration(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        minutes = exam.configuration.get("duration")
        if not isinstance(minutes, _NUMBER) or isinstance(minutes, bool) or minutes <= 0:
            continue
        opens, closes = exam.instant(_OPENS), exam.instant(_CLOSES)
        if opens is None or closes is None or closes <= opens:
            continue
        if minutes > (closes - opens) / timedelta(minutes=1):
            yield Finding(
                exam=exam,
                path=_at("duration"),
                others=(_at(_CLOSES), _at(_OPENS)),
                message=f"a duration of {short(minutes)} minutes does not fit the exam window, "
                f"which is open for {_in_words(closes - opens)}",
                hint="Lengthen the window or shorten the duration, which counts in minutes.",
            )


def _in_words(span: timedelta) -> str:
    """Return `span` in days, hours and minutes, without zero parts."""
    minutes = int(span.total_seconds() // 60)
    if minutes == 0:
        return "less than a minute"
    parts = (
        (minutes // _MINUTES_A_DAY, "d"),
        (minutes % _MINUTES_A_DAY // _MINUTES_AN_HOUR, "h"),
        (minutes % _MINUTES_AN_HOUR, "min"),
    )
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


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
    """Yield a finding for each of the sorted `windows` that opens while an earlier one is open."""
    for (_opens, _address, _closes, exam), (_, other, until, _exam) in overlaps_of(windows):
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
    Rule(code="duration-too-long", summary="a duration that does not fit the exam window", check=_duration),
    Rule(
        code="overlapping-windows",
        basis=Basis.WORKSPACE,
        summary="exams of one course whose windows overlap",
        check=_overlap,
    ),
)
