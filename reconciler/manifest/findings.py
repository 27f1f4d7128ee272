"""Findings: diagnostics of one file, placed and made safe to show, each of them once."""

from dataclasses import dataclass, field, replace
from typing import Final, TypedDict, Unpack

from reconciler.manifest.source_text import SourceText
from reconciler.manifest.yaml_nodes import Stretch
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.identities import Address

MAX_FINDINGS: Final = 1_000
_MAX_GUARDED_FINDINGS: Final = 50
"""Lines of a file that cannot be parsed are guarded at a cost that grows with the file."""


class Details(TypedDict, total=False):
    """What a finding may have: `subject` tells findings of one code at one place apart."""

    severity: Severity
    address: Address | None
    subject: str


@dataclass(slots=True)
class Findings:
    """Collects what is wrong with one file, up to MAX_FINDINGS and then a word that there is more."""

    source: SourceText
    _found: dict[tuple[str, Stretch, str], Diagnostic] = field(default_factory=dict)

    def add(self, code: str, at: Stretch, message: str, hint: str, **details: Unpack[Details]) -> None:
        """Note a finding, unless it is known."""
        key = (code, at, details.get("subject", ""))
        if key in self._found or self.is_full:
            return
        if len(self._found) == MAX_FINDINGS - 1:
            key, code = ("too-many", at, ""), "too-many"
            message = f"there is more wrong than the {MAX_FINDINGS - 1} findings listed"
            hint = "Mend these first; often one mistake makes many findings."
        self._found[key] = Diagnostic(
            severity=details.get("severity", Severity.ERROR),
            code=code,
            message=message,
            hint=hint,
            span=self.source.span(at),
            address=details.get("address"),
        )

    @property
    def is_full(self) -> bool:
        """Whether no further finding is noted, so that none need be looked for."""
        return len(self._found) >= MAX_FINDINGS

    def echo(self, value: str) -> str:
        """`value` as a message may quote it."""
        return self.source.echo(value)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All of them, in the order in which they were found.

        The excerpts are cut only here, when all secrets of the file are known.
        """
        may_show = self.source.is_parsed or len(self._found) <= _MAX_GUARDED_FINDINGS
        return [
            replace(found, excerpt=self.source.excerpt(at.start) if may_show else None)
            for (_, at, _), found in self._found.items()
        ]
