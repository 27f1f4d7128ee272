"""Reads who is to be assigned to an exam of limited scope."""

from typing import Final

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.yaml.nodes import YamlMapping

ASSIGNEES: Final = "assignees"


def assignees_of(exam: YamlMapping) -> tuple[str, ...]:
    """Return the assignees that the merged `exam` names."""
    return tuple(name for name in exam.sequence(ASSIGNEES) if isinstance(name, str))


def report_assignees(exam: YamlMapping, diagnostics: FileDiagnostics) -> bool:
    """Report assignees of an exam that all students can take; return whether there are none."""
    if not exam.sequence(ASSIGNEES) or exam.get("isLimitedScope") is True:
        return True
    diagnostics.add(
        "not-limited",
        exam.key_at(ASSIGNEES),
        "the exam names assignees, and every student of the course can take it",
        "Add `isLimitedScope: true`, or remove the assignees.",
    )
    return False
