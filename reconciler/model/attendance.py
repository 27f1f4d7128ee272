"""Exams that every student of a course is to sit, and which of their windows overlap."""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from operator import itemgetter
from typing import Final, TypeAlias, TypeVar

from reconciler.model.identities import Address
from reconciler.model.lookalikes import latinised
from reconciler.model.payloads import Payload

MARK: Final = "[Practice]"
"""What the title of a practice exam holds."""

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


def is_for_everybody(payload: Payload) -> bool:
    """Return whether `payload` is that of an exam that every student of the course is to sit."""
    return payload.get("isLimitedScope") is not True and is_sat(payload)


def is_sat(payload: Payload) -> bool:
    """Return whether `payload` is that of an exam that students are to sit: no practice, and not deleted."""
    title = payload.get("title")
    return payload.get("status") != "deleted" and not (isinstance(title, str) and is_practice(title))


_Of = TypeVar("_Of")
ExamWindow: TypeAlias = tuple[str, Address, str, _Of]
"""Opening and closing in UTC as they are sent, with the address between them, and whose window it is."""

_by_closing: Final = itemgetter(2)


def overlaps_of(
    windows: Iterable[ExamWindow[_Of]], *, group_of: Callable[[ExamWindow[_Of]], Hashable]
) -> Iterator[tuple[ExamWindow[_Of], ExamWindow[_Of]]]:
    """Yield each of `windows` that opens while earlier ones are open, and the one of these that closes last.

    `windows` are sorted. Those of one group may overlap.
    """
    latest: list[ExamWindow[_Of]] = []  # at most two, of different groups; the one that closes last is first
    for window in windows:
        group = group_of(window)
        earlier = next((one for one in latest if group_of(one) != group), None)
        if earlier is not None and window[0] < earlier[2]:
            yield window, earlier
        first, *others = sorted((*latest, window), key=_by_closing, reverse=True)
        latest = [first, *(one for one in others if group_of(one) != group_of(first))][:2]
