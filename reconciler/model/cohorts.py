"""Cohorts: groups of students who take the same courses, and so sit the same exams."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final

from msgspec import Struct, field

from reconciler.model.globs import is_glob

MOST_A_DAY: Final = 3
"""How many exams a student may have to sit on one day, if the workspace says nothing."""
_LONGEST: Final = 128
"""Most characters of the part of a name that is looked up piece by piece."""


def names_of(course: str, terms: Container[str | None]) -> Iterator[str]:
    """Yield `course`, and the rest of it after the name of one of `terms`: `2032sp-cs210` is `cs210` too."""
    yield course
    for at, character in enumerate(course[:_LONGEST]):
        if character == "-" and course[:at] in terms:
            yield course[at + 1 :]


class Cohorts(Struct, frozen=True, dict=True):
    """The cohorts of a workspace.

    `courses` are by cohort its courses as written: short names, globs over them, or SIDs. `most_a_day` is how
    many exams a student may have to sit on one day.
    """

    courses: Mapping[str, Collection[str]] = field(default_factory=dict)
    most_a_day: int = MOST_A_DAY

    def written_for(self, names: Iterable[str]) -> set[str]:
        """Return what cohorts write for the course that has these `names`."""
        return {written for name in names for written in self._matching(name)}

    def taking(self, names: Iterable[str]) -> dict[str, str]:
        """Return the cohorts that take the course with these `names`, and which of their courses it is.

        If several of a cohort's courses match, it is the first of them.
        """
        places = [place for written in self.written_for(names) for place in self._places[written]]
        found: dict[str, str] = {}
        for _, cohort, written in sorted(places):
            found.setdefault(cohort, written)
        return found

    def _matching(self, name: str) -> Iterator[str]:
        if name in self._places:
            yield name
        for length in range(min(len(name), _LONGEST) + 1) if self._globs else ():
            yield from (glob for glob in self._globs.get(name[:length], ()) if fnmatchcase(name, glob))

    @cached_property
    def _places(self) -> Mapping[str, list[tuple[int, str, str]]]:
        """By what is written, where it is: its number in the cohort, the cohort, and itself."""
        places: dict[str, list[tuple[int, str, str]]] = {}
        for cohort, courses in self.courses.items():
            for number, written in enumerate(courses):
                places.setdefault(written, []).append((number, cohort, written))
        return places

    @cached_property
    def _globs(self) -> Mapping[str, list[str]]:
        """The globs, by their literal beginning: so few are tried for each name."""
        globs: dict[str, list[str]] = {}
        for written in self._places:
            if is_glob(written):
                beginning = written.partition("*")[0].partition("?")[0]
                globs.setdefault(beginning, []).append(written)
        return globs
