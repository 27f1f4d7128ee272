"""Types of proctors, as words or SIDs: who needs people, and SIDs that are mistyped."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.proctors import is_proctor_type_sid, proctor_words
from reconciler.model.rules import Context, Exam, Finding, Rule, short

_KINDS: Final = "proctorTypes"
_WITH_PEOPLE: Final = re.compile(
    r"\b(?:live|in ?person|on ?site|face to face|(?:test|testing) cent(?:er|re))\b", re.IGNORECASE
)
_WITHOUT: Final = re.compile(r"\b(?:non|not|no|without)\b", re.IGNORECASE)
_BETWEEN_WORDS: Final = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"[\W_]+")
_BETWEEN_ITEMS: Final = re.compile(r"[\s,;|/]+")
_LIKE_A_SID: Final = re.compile(r"(?=.*[0-9])([a-z]{2})?([0-9a-foils]{16,})", re.IGNORECASE)
"""Fits SIDs of any kind, and mistyped ones: too long, too short, with letters for digits."""
_SHORTEST: Final = 16


def kinds_of(exam: Exam) -> list[str]:
    """Return the types of proctors of `exam`."""
    kinds = exam.configuration.get(_KINDS)
    return kinds if isinstance(kinds, list) else []


def people_needed(exam: Exam) -> str | None:
    """Return why people must proctor `exam`, in words; None if that is not certain.

    Of words, which the service does not document, only unmistakable ones count. `requireApproval` does not: a
    person may also approve the start of an automated session.
    """
    for kind in kinds_of(exam):
        words = _BETWEEN_WORDS.sub(" ", proctor_words(kind))
        if _WITH_PEOPLE.search(words) and not _WITHOUT.search(words):
            return f"'{short(proctor_words(kind))}' proctoring is asked for"
    if exam.configuration.get("instructorAsProctor"):
        return "an instructor is to proctor in person"
    return None


def _malformed(exams: Iterable[Exam], _: Context) -> Iterator[Finding]:
    for exam in exams:
        for index, kind in enumerate(kinds_of(exam)):
            if len(kind) < _SHORTEST or is_proctor_type_sid(kind):
                continue
            parts = _BETWEEN_ITEMS.split(kind)
            if len(parts) > 1 and all(map(_LIKE_A_SID.fullmatch, parts)):
                yield Finding(
                    exam=exam,
                    path=("configuration", _KINDS, index),
                    message=f"these are {len(parts)} SIDs in one item",
                    hint="Put a comma between them, or each on a line of its own behind a `- `.",
                )
                continue
            found = _LIKE_A_SID.fullmatch(_SEPARATORS.sub("", kind))
            if found is not None:
                yield Finding(
                    exam=exam,
                    path=("configuration", _KINDS, index),
                    message=f"'{short(kind)}' looks like a SID, and is not one of a proctor type",
                    hint=_meant(found),
                )


def _meant(found: re.Match[str]) -> str:
    """Return what to write for a mistyped SID, whose prefix and digits were `found`."""
    meant = f"TS{found[2].lower()}"
    if (found[1] or "ts").lower() == "ts" and is_proctor_type_sid(meant):
        return f"did you mean '{meant}'?"
    return "Write `TS` and 32 digits 0 to 9 or letters a to f, as the service shows it."


RULES: Final = (
    Rule(
        code="proctor-type-sid",
        summary="a proctor type that looks like a SID and is not one",
        check=_malformed,
    ),
)
