"""The `[Practice]` in a title, which keeps an institution from being charged for the exam."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.lookalikes import latinised
from reconciler.model.rules import Context, Exam, Finding, Rule

MARK: Final = "[Practice]"

_STEM: Final = "practi"
_IN_BRACKETS: Final = re.compile(
    r"[\[({<]\s*(?P<word>[^\W\d_]+)(?:\s+(?:exam|test|quiz|run))?\s*[\])}>]", re.IGNORECASE
)
_IN_WORDS: Final = re.compile(
    r"^\W*practi[cs]e\b(?!\s+of\b)|\bpracti[cs]e\s+(?:exam|test|quiz|run|midterm|final)\b", re.IGNORECASE
)
_LIKENESS: Final = 0.8
_LONGEST: Final = 12
"""Most letters of a word that is compared; comparing long ones could take long."""


def is_practice(title: str) -> bool:
    """Return whether `title` marks the exam as practice, rightly spelled or not."""
    return MARK in title or _is_misspelt(latinised(title))


def _is_misspelt(title: str) -> bool:
    # A quick test that settles nearly all titles.
    has_brackets = "[" in title or "(" in title or "{" in title or "<" in title
    if not has_brackets and _STEM not in title.casefold():
        return False
    return _IN_WORDS.search(title) is not None or any(
        _is_like_practice(found["word"]) for found in _IN_BRACKETS.finditer(title)
    )


def _is_like_practice(word: str) -> bool:
    if len(word) > _LONGEST:
        return False
    from difflib import SequenceMatcher  # noqa: PLC0415 - only a mistyped mark needs it

    return SequenceMatcher(None, word.casefold(), "practice").ratio() >= _LIKENESS


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
