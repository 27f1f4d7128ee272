"""Reads the cohorts of the workspace file."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.yaml.nodes import YamlMapping
from reconciler.model.cohorts import Cohorts, names_of
from reconciler.model.diagnostics import Diagnostic, Severity, Span
from reconciler.model.identities import is_course_sid
from reconciler.model.rules import short
from reconciler.model.words import suggestion

_MOST: Final = 1_000
_MOST_SUGGESTED: Final = 20
"""For so many unknown courses a similar name is looked for, which takes long if there are many names."""


def cohorts_of(root: YamlMapping, diagnostics: FileDiagnostics) -> Mapping[str, Mapping[str, Span]]:
    """Return the cohorts of a workspace file, by name: their courses, each with its place.

    Report too many of them: every exam is looked at in each cohort that sits it.
    """
    written = root.mapping("cohorts")
    if len(written) > _MOST:
        diagnostics.add(
            "too-large",
            root.key_at("cohorts"),
            f"there are more than {_MOST:,} cohorts",
            "Name the groups of students whose exams may clash.",
        )
        return {}
    return {
        name: {
            str(course): diagnostics.source.span(courses.item_at(number))
            for number, course in enumerate(courses)
        }
        for name in written
        if (courses := written.sequence(name))
    }


def unknown_courses(
    cohorts: Mapping[str, Mapping[str, Span]], known: Iterable[str], terms: Collection[str | None]
) -> Iterator[Diagnostic]:
    """Yield a warning for each course in `cohorts` that is none of the `known` short names."""
    names = {name for course in known for name in names_of(course, terms)}
    met = Cohorts(cohorts).written_for(names)
    unknown = {
        course: at
        for courses in cohorts.values()
        for course, at in courses.items()
        if course not in met and not is_course_sid(course)
    }
    for number, (course, at) in enumerate(unknown.items()):
        yield Diagnostic(
            severity=Severity.WARNING,
            code="unknown-alias",
            message=f"no course is called '{short(course)}'",
            hint=suggestion(
                course,
                names if number < _MOST_SUGGESTED else (),
                "Write a name from `courses` of a manifest or of the environment, or a glob over such names.",
            ),
            span=at,
        )
