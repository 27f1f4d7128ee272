"""Pairs of exams that have something in common, for rules that compare exams."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from reconciler.model.identities import as_yaml
from reconciler.model.rules import Context, Exam
from reconciler.model.terms import manifest_for


def new_exams(exams: Sequence[Exam], context: Context) -> Sequence[Exam]:
    """Return those of `exams` that are not known to exist."""
    imported = context.imported
    return [exam for exam in exams if exam.address not in imported] if imported else exams


def alike(exams: Iterable[Exam], key: Callable[[Exam], Hashable]) -> Iterator[list[Exam]]:
    """Yield groups of at least two exams with the same `key`; an exam whose key is None is in no group."""
    groups: dict[Hashable, list[Exam]] = {}
    for exam in exams:
        shared = key(exam)
        if shared is not None:
            groups.setdefault(shared, []).append(exam)
    yield from (group for group in groups.values() if len(group) > 1)


def distinct_block(exam: Exam, other: Exam) -> str:
    """Return the block that tells two exams apart, and its manifest, in words.

    It is the same for both exams, because a pair may be written only once.
    """
    one, two = sorted((exam.address, other.address))
    block = f"`distinct: [{{exam: {as_yaml(one)}, from: {as_yaml(two)}}}]`"
    return f"{block} to {manifest_for(exam.term)}"


def pairs_in(groups: Iterable[Sequence[Exam]], context: Context) -> Iterator[tuple[Exam, Exam]]:
    """Yield each exam with the first other of its group that is not `distinct` from it."""
    for group in groups:
        by_address = {exam.address: exam for exam in group}
        for one, other in context.distinctions.not_told_apart(tuple(by_address)):
            yield by_address[one], by_address[other]


def pairs_of_two_exams(groups: Iterable[Sequence[Exam]], context: Context) -> Iterator[tuple[Exam, Exam]]:
    """Yield the pairs of `pairs_in` but those of sections of one exam in one course, which are alike."""
    for one, other in pairs_in(groups, context):
        if (one.exam_address, one.course_sid) != (other.exam_address, other.course_sid):
            yield one, other
