"""Reads the environments that an exam is for."""

from collections.abc import Sequence
from typing import Final

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.yaml.nodes import YamlMapping
from reconciler.model.words import listed, suggestion

ENVIRONMENTS: Final = "environments"


def environments_of(exam: YamlMapping, known: Sequence[str], diagnostics: FileDiagnostics) -> tuple[str, ...]:
    """Return the environments that the merged `exam` names; empty if it is for all.

    Report those that are not `known`: they count, so that such an exam is created in no environment.
    """
    written = exam.sequence(ENVIRONMENTS)
    for index, name in enumerate(written):
        if isinstance(name, str) and name not in known:
            advice = (
                "The workspace has none: define it under `environments` of reconciler.yaml, or remove it."
            )
            if known:
                advice = f"{suggestion(name, known, '')} There are: {listed(known)}.".lstrip()
            diagnostics.add(
                "unknown-environment",
                written.item_at(index),
                f"there is no environment {diagnostics.echo(name)}",
                advice,
                cause=name,
            )
    return tuple(name for name in written if isinstance(name, str))
