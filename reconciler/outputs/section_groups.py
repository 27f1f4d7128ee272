"""The sections of one exam as a group, what its members share, and groups by term."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Protocol, TypeAlias, TypeVar

from msgspec import Struct

from reconciler.model.plan import Action, Change
from reconciler.outputs.exam_facts import payload_of, title_of
from reconciler.outputs.text.console import count_of

_GroupKey: TypeAlias = tuple[Action, str | None, str, bool]
_T = TypeVar("_T")
_Column = TypeVar("_Column")


class _OfTerm(Protocol):
    @property
    def term(self) -> str | None: ...


_TermT = TypeVar("_TermT", bound=_OfTerm)


class ExamGroup(Struct, frozen=True):
    """Sections of one exam that have one action, in order; or one exam alone."""

    members: Sequence[Change]

    @property
    def first(self) -> Change:
        """The first of its members."""
        return self.members[0]

    @property
    def term(self) -> str | None:
        """The term of its declarations."""
        return self.first.term

    @property
    def address(self) -> str:
        """The address of the exam; that of the only member if it is alone."""
        return self.first.address if len(self.members) == 1 else self.first.exam_address

    @property
    def course_name(self) -> str:
        """The course, or the first of several and the number of the others."""
        first, *others = dict.fromkeys(change.course_name for change in self.members)
        return f"{first} and {count_of(len(others), 'more course')}" if others else first

    @property
    def title(self) -> str:
        """The title that all members share; an empty text if there is none."""
        titles = {title_of(payload_of(change)) for change in self.members}
        return titles.pop() if len(titles) == 1 else ""

    @property
    def label(self) -> str:
        """The title, or the address if there is none that all members share, and which sections these are."""
        name = self.title or self.address
        if len(self.members) > 1:
            return f"{name} ({len(self.members):,} sections)"
        return name if self.first.section is None else f"{name} (section {self.first.section})"


def group_key(change: Change) -> _GroupKey:
    """Return what the sections of one exam that have one action have in common."""
    return change.action, change.term, change.exam_address, change.section is None


def groups_of(changes: Iterable[Change]) -> list[ExamGroup]:
    """Return `changes`, which are ordered for readers, as groups."""
    return [ExamGroup(list(members)) for _, members in groupby(changes, key=group_key)]


def size_of(groups: Iterable[ExamGroup]) -> int:
    """Return the number of exams of `groups`, each section being one."""
    return sum(len(group.members) for group in groups)


def by_term(items: Iterable[_TermT]) -> list[tuple[str, list[_TermT]]]:
    """Return `items`, which are ordered by term, behind the headings of their terms; one term has none."""
    terms = [(term, list(held)) for term, held in groupby(items, key=lambda item: item.term)]
    if len(terms) == 1:
        return [("", terms[0][1])]
    return [("Other exams" if term is None else f"Term {term}", held) for term, held in terms]


def common(rows: Sequence[Mapping[_Column, _T]]) -> dict[_Column, _T]:
    """Return the cells of `rows`, which have the same columns, that are equal in all of them."""
    first, *others = rows
    return {column: cell for column, cell in first.items() if all(row[column] == cell for row in others)}


def split(tellings: Sequence[Sequence[_T]]) -> tuple[list[_T], list[list[_T]]]:
    """Return what each of `tellings` holds, in the order of the first, and of each one what else it holds."""
    first, *others = tellings
    common = set(first).intersection(*others)
    shared = [one for one in first if one in common]
    return shared, [[one for one in telling if one not in common] for telling in tellings]
