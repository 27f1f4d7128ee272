"""Rules about exams of one course that may be one exam, declared twice."""

import re
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from reconciler.model.diagnostics import Severity
from reconciler.model.lookalikes import latinised
from reconciler.model.payloads import canonical_bytes
from reconciler.model.rules import Basis, Context, Exam, Finding, Path, Rule
from reconciler.model.sameness import folded, sharing_a_title
from reconciler.rules.pairs import alike, distinct_block, new_exams, pairs_of_two_exams

_TITLE: Final[Path] = ("title",)
_TITLE_FIELDS: Final = frozenset({"title", "description"})
_NOT_A_LETTER: Final = re.compile(r"[\W_]+")
_NO_ASCII_LETTERS: Final = bytes(code for code in range(128) if not chr(code).isalnum())


def _same_exam(exams: Sequence[Exam], context: Context) -> Iterator[Finding]:
    pairs = sharing_a_title(exams, imported=context.imported, distinctions=context.distinctions)
    for exam, other in pairs:
        yield Finding(
            exam=exam,
            path=_TITLE,
            message=f"'{other.address}', of the same course, has this title too",
            hint="Give each exam of a course its own title, or remove one. If two are meant, add "
            f"{distinct_block(exam, other)}; if one exists, `imports`.",
        )


def _near_identical(exams: Sequence[Exam], context: Context) -> Iterator[Finding]:
    known = new_exams(exams, context)
    reported = set[Exam]()
    sketched = [exam for group in alike(known, _sketch) for exam in group]
    for exam, other in pairs_of_two_exams(alike(sketched, _content), context):
        if folded(exam.title) != folded(other.title):
            reported.add(exam)
            yield Finding(
                exam=exam,
                message=f"this exam and '{other.address}' differ in nothing but their titles",
                hint="If they are one exam, remove one of them; otherwise mend what was only copied.",
            )
    for exam, other in pairs_of_two_exams(alike(known, _letters), context):
        if exam not in reported and folded(exam.title) != folded(other.title):
            yield Finding(
                exam=exam,
                path=_TITLE,
                message=f"this title and that of '{other.address}', of the same course, differ in "
                "punctuation and spaces only",
                hint="If they are one exam, remove one of them; otherwise tell them apart by their titles.",
            )


def _course(exam: Exam) -> tuple[str, str]:
    return exam.install_sid, exam.course_sid


def _letters(exam: Exam) -> Hashable:
    """Return the course with the letters and digits of the title, or the title itself if it has none."""
    title = exam.title
    if title.isascii():  # as a regular expression would have it, in a fifth of the time
        letters = title.casefold().encode().translate(None, _NO_ASCII_LETTERS).decode()
    else:
        letters = _NOT_A_LETTER.sub("", latinised(title).casefold())
    return *_course(exam), letters or title


def _sketch(exam: Exam) -> Hashable:
    """Return a cheap key that is equal for exams of one course and of equal content."""
    return *_course(exam), str(exam.payload.get("url")), exam.date("examOpenDate")


def _content(exam: Exam) -> Hashable:
    """Return the course and the payload without title and description, as bytes."""
    content = {key: value for key, value in exam.payload.items() if key not in _TITLE_FIELDS}
    return *_course(exam), canonical_bytes(content)


RULES: Final = (
    Rule(
        code="same-exam",
        severity=Severity.ERROR,
        basis=Basis.WORKSPACE,
        summary="two exams of one course with the same title",
        check=_same_exam,
    ),
    Rule(
        code="near-identical",
        basis=Basis.WORKSPACE,
        summary="two exams of one course that differ in little more than their address",
        check=_near_identical,
    ),
)
