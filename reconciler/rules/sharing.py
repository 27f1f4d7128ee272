"""Rules about values that two exams should not share, and about addresses that name another course."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from reconciler.model.cohorts import names_of
from reconciler.model.identities import is_course_sid
from reconciler.model.payloads import Json, Payload
from reconciler.model.rules import Basis, Context, Exam, Finding, Path, Rule
from reconciler.model.sameness import api_exam_id_of, folded, quiz_of
from reconciler.rules.pairs import alike, distinct_block, new_exams, pairs_in, pairs_of_two_exams

_PASSWORD: Final[Path] = ("configuration", "password")
_SHOWN: Final = 2
"""Of exams that share one value, so many are told about; the others are counted."""
_TITLES: Final[Mapping[str, Json]] = {"title": None, "description": None}


def _sharing(  # noqa: PLR0913 - the exams, and in what a rule of this kind differs from another
    exams: Sequence[Exam],
    context: Context,
    *,
    value: Callable[[Payload], str | None],
    path: Path,
    what: str,
    pairs_of: Callable[[Iterable[Sequence[Exam]], Context], Iterator[tuple[Exam, Exam]]] = pairs_in,
) -> Iterator[Finding]:
    """Yield findings for two exams of each group of one install that shares a `value`."""

    def key(exam: Exam) -> Hashable:
        shared = value(exam.payload)
        return None if shared is None else (exam.install_sid, shared)

    for group in alike(new_exams(exams, context), key):
        pairs = [pair for pair in pairs_of([group], context) if not _is_one_exam(*pair)]
        for exam, other in pairs[:_SHOWN]:
            yield Finding(
                exam=exam,
                path=path,
                message=f"{what} is that of '{other.address}' too{_and_more(pairs)}",
                hint=f"Mend it if it was only copied. {_if_meant(exam, other)}",
            )


def _shared_password(exams: Sequence[Exam], context: Context) -> Iterator[Finding]:
    for group in alike(new_exams(exams, context), _secret):
        # Exams that share a quiz share its password too: one exam stands for each quiz.
        of_quizzes = {quiz: exam for exam in reversed(group) if (quiz := quiz_of(exam.payload))}
        pairs = list(pairs_of_two_exams([list(of_quizzes.values())], context))
        for exam, other in pairs[:_SHOWN]:
            yield Finding(
                exam=exam,
                path=_PASSWORD,
                message=f"the password is that of '{other.address}' too, which has another URL"
                f"{_and_more(pairs)}",
                hint=f"Name the secret of this exam's quiz. {_if_meant(exam, other)}",
                copied_from=other,
            )


def _secret(exam: Exam) -> Hashable:
    """Return the variable or file of the password of `exam`; None if it has neither."""
    password = exam.configuration.get("password")
    if not isinstance(password, dict) or "inline" in password:
        return None
    return exam.install_sid, *password.items()


def _is_one_exam(exam: Exam, other: Exam) -> bool:
    """Return whether `same-exam` or `near-identical` reports the two."""
    return exam.course_sid == other.course_sid and (
        folded(exam.title) == folded(other.title)
        or {**exam.payload, **_TITLES} == {**other.payload, **_TITLES}
    )


def _and_more(pairs: Sequence[tuple[Exam, Exam]]) -> str:
    more = len(pairs) - _SHOWN
    return f" (as have {more} more exams)" if more > 1 else " (as has 1 more exam)" if more == 1 else ""


def _if_meant(exam: Exam, other: Exam) -> str:
    return f"If it is meant, as for extra time in the same quiz, add {distinct_block(exam, other)}."


def _other_course(exams: Sequence[Exam], context: Context) -> Iterator[Finding]:
    courses: dict[str, set[str]] = {}
    for sid, alias in context.names.items():
        if is_course_sid(sid):
            courses.setdefault(alias, set()).add(sid)
    for exam in exams:
        named = [step for step in exam.address.split("/") if step in courses]
        if named and not any(exam.course_sid in courses[step] or _is_of(exam, step) for step in named):
            field = "courseSid" if exam.course is None else "course"
            yield Finding(
                exam=exam,
                path=(field,),
                others=((),),
                message=f"the address '{exam.address}' names the course '{named[0]}', and {field} is "
                f"'{exam.course or exam.course_sid}'",
                hint=f"Mend the one that was only copied: the address, or {field}.",
            )


def _is_of(exam: Exam, alias: str) -> bool:
    """Return whether the course of `exam` is `alias`, in its term (`2032sp-cs101`), or a section of it."""
    names = names_of(exam.course or "", {exam.term})
    return any(name.startswith(alias) and not name[len(alias) :][:1].isalnum() for name in names)


RULES: Final = (
    Rule(
        code="shared-url",
        basis=Basis.WORKSPACE,
        summary="two exams with one URL",
        check=partial(
            _sharing,
            value=quiz_of,
            path=("url",),
            what="the URL",
            pairs_of=pairs_of_two_exams,
        ),
    ),
    Rule(
        code="shared-api-exam-id",
        basis=Basis.WORKSPACE,
        summary="two exams with one `apiExamId`",
        check=partial(
            _sharing,
            value=api_exam_id_of,
            path=("configuration", "apiExamId"),
            what="the apiExamId",
        ),
    ),
    Rule(
        code="shared-password",
        basis=Basis.WORKSPACE,
        summary="exams of different quizzes with one password",
        check=_shared_password,
    ),
    Rule(
        code="course-in-address",
        basis=Basis.WORKSPACE,
        summary="an address that names another course than that of the exam",
        check=_other_course,
    ),
)
