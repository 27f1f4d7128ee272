"""Acme University's own rules: a plug-in for reconciler, to be copied."""

from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from reconciler.rules_api import Context, Exam, Finding, Rule, Severity

_SUNDAY: Final = 6


def course_in_title(exams: Sequence[Exam], _: Context) -> Iterator[Finding]:
    """Titles that do not begin with the alias of their course, as in `CS101 Final`."""
    for exam in exams:
        if exam.course is not None and not exam.title.upper().startswith(exam.course.upper()):
            yield Finding(
                exam=exam,
                path=("title",),
                message=f"the title does not begin with {exam.course.upper()}",
                hint="Students sort their exams by course; put it first.",
            )


def exam_day(exams: Sequence[Exam], _: Context) -> Iterator[Finding]:
    """Windows that open on a Sunday, when nobody is at the help desk."""
    for exam in exams:
        opens = exam.instant("examOpenDate")
        if opens is not None and opens.astimezone(ZoneInfo(exam.timezone or "UTC")).weekday() == _SUNDAY:
            yield Finding(
                exam=exam,
                path=("configuration", "examOpenDate"),
                message="the exam window opens on a Sunday",
                hint="Open it on Monday, or ask the help desk for somebody on Sunday.",
            )


RULES: Final = (
    Rule(code="acme/course-in-title", summary="a title without its course", check=course_in_title),
    Rule(
        code="acme/exam-day",
        severity=Severity.ERROR,
        summary="an exam window that opens on a Sunday",
        check=exam_day,
        page="# acme/exam-day\n\nThe help desk is closed on Sundays, so no exam window opens on one.\n",
    ),
)
