"""Rules about exams of one course that may be one exam, declared twice."""

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Final

from reconciler.manifest.rules.lookalikes import latinised
from reconciler.model.payloads import canonical_bytes
from reconciler.model.rules import Basis, Context, Exam, Finding, Path, Rule

_TITLE: Final[Path] = ("title",)
_TITLE_FIELDS: Final = frozenset({"title", "description"})
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
_NO_ASCII_LETTERS: Final = bytes(code for code in range(128) if not chr(code).isalnum())


def _same_title(exams: Sequence[Exam], context: Context) -> Iterator[Finding]:
    for exam, other, more in _alike(_new(exams, context), _folded):
        yield Finding(
            exam=exam,
            path=_TITLE,
            message=f"'{other.address}', of the same course, has this title too{more}",
            hint="Give each exam of a course its own title, or add one that exists to `imports`.",
        )


def _near_identical(exams: Sequence[Exam], context: Context) -> Iterator[Finding]:
    known = _new(exams, context)
    reported = set[Exam]()
    for exam, other, more in _alike([exam for exam, _, _ in _alike(known, _sketch)], _content):
        if _folded(exam) != _folded(other):
            reported.add(exam)
            yield Finding(
                exam=exam,
                message=f"this exam and '{other.address}'{more} differ in nothing but their titles",
                hint="If they are one exam, remove one of them; otherwise mend what was only copied.",
            )
    for exam, other, more in _alike(known, _letters):
        if exam not in reported and _folded(exam) != _folded(other):
            yield Finding(
                exam=exam,
                path=_TITLE,
                message=f"this title and that of '{other.address}'{more}, of the same course, differ in "
                "punctuation and spaces only",
                hint="If they are one exam, remove one of them; otherwise tell them apart by their titles.",
            )


def _new(exams: Sequence[Exam], context: Context) -> Sequence[Exam]:
    """Those of `exams` that are not known to exist."""
    imported = context.imported
    return [exam for exam in exams if exam.address not in imported] if imported else exams


def _alike(exams: Sequence[Exam], key: Callable[[Exam], Hashable]) -> Iterator[tuple[Exam, Exam, str]]:
    """Each exam that shares install, course and `key` with others: itself, one other, and how many more."""
    keys = [(exam.install_sid, exam.course_sid, key(exam)) for exam in exams]
    if len(set(keys)) == len(keys):  # as it is nearly always
        return
    groups: dict[Hashable, list[Exam]] = {}
    for exam, shared in zip(exams, keys, strict=True):
        groups.setdefault(shared, []).append(exam)
    for group in groups.values():
        if len(group) > 1:
            more = "" if len(group) == 2 else f" (and {len(group) - 2} more)"  # noqa: PLR2004 - a pair
            yield from ((exam, group[0] if exam is not group[0] else group[1], more) for exam in group)


def _folded(exam: Exam) -> str:
    """The title without case and spacing; the guard that refuses a plan compares titles in the same way."""
    return " ".join(exam.title.casefold().split())


def _letters(exam: Exam) -> str:
    """The title as its letters and digits only; a title without any stays itself."""
    title = exam.title
    if title.isascii():  # as a regular expression would have it, in a fifth of the time
        letters = title.casefold().encode().translate(None, _NO_ASCII_LETTERS).decode()
    else:
        letters = _NOT_A_LETTER.sub("", latinised(title).casefold())
    return letters or title


def _sketch(exam: Exam) -> Hashable:
    """What exams of equal content share, cheaply told."""
    return str(exam.payload.get("url")), exam.date("examOpenDate")


def _content(exam: Exam) -> bytes:
    """All of the payload but for what it is called."""
    return canonical_bytes({key: value for key, value in exam.payload.items() if key not in _TITLE_FIELDS})


RULES: Final = (
    Rule(
        code="same-title",
        basis=Basis.WORKSPACE,
        summary="two exams of one course with the same title",
        check=_same_title,
    ),
    Rule(
        code="near-identical",
        basis=Basis.WORKSPACE,
        summary="two exams of one course that differ in little more than their address",
        check=_near_identical,
    ),
)
