"""Rules that depend on the present moment: exam windows that are over, or open soon."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from reconciler.model.instants import spell_instant
from reconciler.model.rules import Basis, Context, Exam, Finding, Rule
from reconciler.rules.proctors import people_needed
from reconciler.rules.windows import CLOSES, OPENS, date_path

_LAST: Final = datetime.max.replace(tzinfo=UTC)
_FREEZE: Final = timedelta(hours=24)
"""Time before an exam in which the vendor advises against changing it."""
_NOTICE: Final = timedelta(days=14)
"""Notice that the vendor recommends for live or in-person proctoring."""
_FAR: Final = timedelta(days=3_653)


def _over(exams: Iterable[Exam], context: Context) -> Iterator[Finding]:
    for exam, closes, now in _due(exams, context, CLOSES, within=timedelta(0)):
        if closes <= now:
            yield Finding(
                exam=exam,
                path=date_path(CLOSES),
                message="the exam window is over",
                hint=f"It closed at {exam.date(CLOSES)}. Mend the date, or leave the exam as it is "
                "if it took place.",
            )


def _soon(exams: Iterable[Exam], context: Context) -> Iterator[Finding]:
    for exam, opens, now in _due(exams, context, OPENS, within=_FREEZE):
        closes = exam.instant(CLOSES)
        if opens - now >= _FREEZE or (closes is not None and closes <= now):
            continue
        what = "opens within 24 hours" if opens > now else "has opened already"
        yield Finding(
            exam=exam,
            path=date_path(OPENS),
            message=f"the exam window {what}",
            hint="It is late to create or change an exam; check the date, or tell students and proctors.",
        )


def _far(exams: Iterable[Exam], context: Context) -> Iterator[Finding]:
    if context.now is None or context.now > _LAST - _FAR:
        return
    last = spell_instant(context.now + _FAR)
    for exam in exams:
        opens, closes = exam.date(OPENS), exam.date(CLOSES)
        if opens is not None and opens > last and (closes is None or closes > opens):
            yield Finding(
                exam=exam,
                path=date_path(OPENS),
                message="the exam window opens in more than ten years",
                hint="Check the year.",
            )


def _short_notice(exams: Iterable[Exam], context: Context) -> Iterator[Finding]:
    for exam, opens, now in _due(exams, context, OPENS, within=_NOTICE):
        why = people_needed(exam)
        if opens > now and opens - now < _NOTICE and why is not None:
            yield Finding(
                exam=exam,
                path=date_path(OPENS),
                message=f"the exam window opens in less than two weeks, and {why}",
                hint="Proctors are planned two weeks ahead: open the window later, or ask the service first.",
            )


def _due(
    exams: Iterable[Exam], context: Context, name: str, *, within: timedelta
) -> Iterator[tuple[Exam, datetime, datetime]]:
    """Yield each exam whose date-time `name` is at most `within` from now, with that and the moment now.

    Exams that are known to exist are left out: what matters is when one is created.
    """
    now = context.now
    if now is None:
        return
    # Texts are compared first, which is quicker than to make instants of them: most exams are far ahead.
    last = spell_instant(now + within if now <= _LAST - within else _LAST)
    for exam in exams:
        found = exam.date(name)
        is_due = found is not None and found <= last and exam.address not in context.imported
        if is_due and (moment := exam.instant(name)) is not None:
            yield exam, moment, now


RULES: Final = (
    Rule(code="window-over", basis=Basis.CLOCK, summary="an exam window that is over", check=_over),
    Rule(
        code="window-soon",
        basis=Basis.CLOCK,
        summary="an exam window that opens within 24 hours, or is open",
        check=_soon,
    ),
    Rule(
        code="far-future",
        basis=Basis.CLOCK,
        summary="an exam window that opens in more than ten years",
        check=_far,
    ),
    Rule(
        code="short-notice",
        basis=Basis.CLOCK,
        summary="live or in-person proctoring in less than two weeks",
        check=_short_notice,
    ),
)
