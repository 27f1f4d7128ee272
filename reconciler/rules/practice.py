"""The `[Practice]` in a title, which keeps an institution from being charged for the exam."""

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.attendance import MARK, is_practice
from reconciler.model.rules import Context, Exam, Finding, Rule


def _practice_title(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        if MARK not in exam.title and is_practice(exam.title):
            yield Finding(
                exam=exam,
                path=("title",),
                message=f"this looks like a practice exam, and its title does not say `{MARK}`",
                hint=f"Begin the title with `{MARK}`, exactly so; otherwise the exam is charged for.",
            )


RULES: Final = (
    Rule(code="practice-title", summary="`[Practice]` in a title spelled otherwise", check=_practice_title),
)
