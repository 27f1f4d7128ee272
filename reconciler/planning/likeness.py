"""Likeness: exams that may be one exam under two addresses."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, TypeAlias

from reconciler.model.declarations import Declaration
from reconciler.model.identities import Address, CourseSid, Digest, InstallSid
from reconciler.model.plan import Action, Change

Sameness: TypeAlias = tuple[InstallSid, CourseSid, Digest]

_LEFT_BEHIND: Final = frozenset({Action.ORPHANED, Action.MOVE, Action.IN_DOUBT})


def sharing_a_title(
    exams: Iterable[Declaration], creates: Collection[Address], *, imported: Collection[Address]
) -> list[tuple[Address, ...]]:
    """Groups of exams of one course with one title, of which some are in `creates`; each sorted.

    Case and white space make no difference. An exam in `imported` is known to exist on purpose.
    """
    if not creates:
        return []
    groups: dict[tuple[InstallSid, CourseSid, str], list[Address]] = {}
    for exam in exams:
        title = exam.payload.get("title")
        if isinstance(title, str) and exam.address not in imported:
            key = (exam.install_sid, exam.course_sid, " ".join(title.casefold().split()))
            groups.setdefault(key, []).append(exam.address)
    planned = frozenset(creates)
    return sorted(
        tuple(sorted(group)) for group in groups.values() if len(group) > 1 and not planned.isdisjoint(group)
    )


def renames(lines: Iterable[Change], creates: Sequence[Change]) -> list[tuple[Address, Address]]:
    """Pairs of an address that is no longer declared and one of `creates` that equals it.

    Each create is in one pair at most; old addresses are shared out in order, the last of them to all that
    are left.
    """
    left_behind: dict[Sameness, list[Address]] = {}
    for line in lines if creates else ():
        if line.after is None and line.action in _LEFT_BEHIND:
            left_behind.setdefault(_sameness(line), []).append(line.address)
    unclaimed = {sameness: iter(addresses) for sameness, addresses in left_behind.items()}
    return [
        (next(unclaimed[sameness], left_behind[sameness][-1]), line.address)
        for line in creates
        if (sameness := _sameness(line)) in left_behind
    ]


def _sameness(line: Change) -> Sameness:
    """What makes two exams one."""
    return (line.install_sid, line.course_sid, line.digest)
