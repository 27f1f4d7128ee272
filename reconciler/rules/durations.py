"""Rules about the time that a student has: whether it is in minutes, and fits the exam window."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from reconciler.model.rules import Context, Exam, Finding, Rule, short
from reconciler.rules.windows import CLOSES, OPENS, date_path

_DURATION: Final = ("configuration", "duration")
_NUMBER: Final = (int, float)
_MINUTE: Final = timedelta(minutes=1)
_MINUTES_A_DAY: Final = 24 * 60
_MINUTES_AN_HOUR: Final = 60
_FEW_MINUTES: Final = 4
"""The most minutes that are likely to be hours."""
_MOST_HOURS: Final = 12


def _minutes(exam: Exam) -> float | None:
    """Return the duration of `exam` if it is a number above 0."""
    minutes = exam.configuration.get("duration")
    if isinstance(minutes, _NUMBER) and not isinstance(minutes, bool) and minutes > 0:
        return minutes
    return None


def _in_minutes(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        minutes = _minutes(exam)
        if minutes is None or (minutes > _FEW_MINUTES and minutes % 1 == 0):
            continue
        hint = "Write whole minutes."
        if minutes <= _MOST_HOURS:
            whole = max(1, round(minutes * _MINUTES_AN_HOUR))
            hint = f"Write minutes: {short(minutes)} hours are {whole}."
        yield Finding(
            exam=exam,
            path=_DURATION,
            message=f"a duration of {short(minutes)} minutes is unusual",
            hint=hint,
        )


def _duration(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        minutes = _minutes(exam)
        if minutes is None:
            continue
        opens, closes = exam.instant(OPENS), exam.instant(CLOSES)
        if opens is None or closes is None or closes <= opens:
            continue
        if minutes > (closes - opens) / _MINUTE:
            yield Finding(
                exam=exam,
                path=_DURATION,
                others=(date_path(CLOSES), date_path(OPENS)),
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


RULES: Final = (
    Rule(code="duration-too-long", summary="a duration that does not fit the exam window", check=_duration),
    Rule(
        code="duration-not-in-minutes",
        summary="a duration that is a fraction, or so short that it may be in hours",
        check=_in_minutes,
    ),
)
