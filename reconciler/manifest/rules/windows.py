"""Rules about the exam window, the scheduling window and the time that a student has."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

from reconciler.manifest.rules.practice import is_practice
from reconciler.model.diagnostics import Severity
from reconciler.model.rules import Basis, Context, Exam, Finding, Path, Rule, short

_OPENS: Final = "examOpenDate"
_CLOSES: Final = "examCloseDate"
_BOOKING_OPENS: Final = "scheduleOpenDate"
_BOOKING_CLOSES: Final = "scheduleCloseDate"
_MINUTES_A_DAY: Final = 24 * 60
_MINUTES_AN_HOUR: Final = 60
_LONGEST_MINUTES: Final = 1_000_000_000
"""More than all years that a date can have; beyond it, a timedelta would overflow."""


def _at(name: str) -> Path:
    return ("configuration", name)


def _order(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        for opens_at, closes_at in ((_OPENS, _CLOSES), (_BOOKING_OPENS, _BOOKING_CLOSES)):
            opens, closes = exam.date(opens_at), exam.date(closes_at)
            if opens is not None and closes is not None and closes <= opens:
                yield Finding(
                    exam=exam,
                    path=_at(closes_at),
                    others=(_at(opens_at),),
                    message=f"{closes_at} is not after {opens_at}",
                    hint=f"In UTC the window opens at {opens} and closes at {closes}; swap or mend them.",
                )


def _scheduling(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        booking_opens, opens = exam.date(_BOOKING_OPENS), exam.date(_OPENS)
        if booking_opens is not None and opens is not None and booking_opens >= opens:
            yield Finding(
                exam=exam,
                path=_at(_BOOKING_OPENS),
                others=(_at(_OPENS),),
                message="students can book only once the exam window is open",
                hint=f"Let {_BOOKING_OPENS} be before {_OPENS}; in UTC that is {opens}.",
            )
        booking_closes, closes = exam.date(_BOOKING_CLOSES), exam.date(_CLOSES)
        if booking_closes is not None and closes is not None and booking_closes > closes:
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
        if not isinstance(minutes, int | float) or isinstance(minutes, bool) or minutes <= 0:
            continue
        opens, closes = exam.instant(_OPENS), exam.instant(_CLOSES)
        if opens is None or closes is None or closes <= opens:
            continue
        if timedelta(minutes=min(minutes, _LONGEST_MINUTES)) > closes - opens:
            yield Finding(
                exam=exam,
                path=_at("duration"),
                others=(_at(_CLOSES), _at(_OPENS)),
                message=f"a duration of {short(minutes)} minutes does not fit the exam window, "
                f"which is open for {_in_words(closes - opens)}",
                hint="Lengthen the window or shorten the duration, which counts in minutes.",
            )


def _in_words(span: timedelta) -> str:
    """`span` in days, hours and minutes, as far as they are not 0."""
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
    open_to_all = [exam for exam in exams if _is_for_everybody(exam)]
    open_to_all.sort(key=_place_in_term)
    for _course, group in groupby(open_to_all, key=lambda exam: (exam.install_sid, exam.course_sid)):
        yield from _overlaps_in_course(group)


def _is_for_everybody(exam: Exam) -> bool:
    """Whether `exam` is one that every student of the course is to sit in a window of its own."""
    opens, closes = exam.date(_OPENS), exam.date(_CLOSES)
    return (
        opens is not None
        and closes is not None
        and opens < closes
        and exam.payload.get("isLimitedScope") is not True
        and exam.payload.get("status") != "deleted"
        and not is_practice(exam.title)
    )


def _place_in_term(exam: Exam) -> tuple[str, str, str, str]:
    return (exam.install_sid, exam.course_sid, str(exam.date(_OPENS)), exam.address)


def _overlaps_in_course(exams: Iterable[Exam]) -> Iterator[Finding]:
    """One finding for each of `exams`, which are sorted, that opens while an earlier one is still open."""
    latest: Exam | None = None
    for exam in exams:
        opens, closes = str(exam.date(_OPENS)), str(exam.date(_CLOSES))
        if latest is not None and opens < str(latest.date(_CLOSES)):
            yield Finding(
                exam=exam,
                path=_at(_OPENS),
                others=(_at(_CLOSES),),
                message=f"this window overlaps with that of '{latest.address}', an exam of the same course",
                hint=f"In UTC the other is open until {latest.date(_CLOSES)}; check both dates.",
            )
        if latest is None or closes > str(latest.date(_CLOSES)):
            latest = exam


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
