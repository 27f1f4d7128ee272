"""Findings: diagnostics of one file, placed, weighed and made safe to show, each of them once."""

from dataclasses import dataclass, field, replace
from typing import Final, TypedDict, Unpack

from reconciler.manifest.source_text import SourceText
from reconciler.manifest.weighing import Weighing
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


_Key = tuple[str, Stretch, str]


@dataclass(slots=True)
class Findings:
    """Collects what is wrong with one file, up to MAX_FINDINGS, the last of which counts those left out.

    An error is never left out in favour of a warning.
    """

    source: SourceText
    weighing: Weighing = field(default_factory=Weighing)
    has_mistakes: bool = False
    """Whether something other than a rule found an error."""
    _found: dict[_Key, Diagnostic] = field(default_factory=dict)
    _warnings: list[_Key] = field(default_factory=list)
    _left_out: list[_Key] = field(default_factory=list)
    _is_full: bool = False

    def add(self, code: str, at: Stretch, message: str, hint: str, **details: Unpack[Details]) -> None:
        """Note a finding, unless it is known, turned off or ignored."""
        key = (code, at, details.get("subject", ""))
        if key in self._found:
            return
        span = self.source.span(at)
        severity = self.weighing.weigh(code, details.get("severity", Severity.ERROR), span.start.line)
        if severity is None:
            return
        if code not in self.weighing.rules and severity is Severity.ERROR:
            self.has_mistakes = True
        if len(self._found) >= MAX_FINDINGS - 1 and not self._has_room(severity):
            self._left_out.append(key)
            return
        if severity is Severity.WARNING:
            self._warnings.append(key)
        self._found[key] = Diagnostic(
            severity=severity,
            code=code,
            message=message,
            hint=hint,
            span=span,
            address=details.get("address"),
        )

    def _has_room(self, severity: Severity) -> bool:
        """Whether one more finding is taken: an error, in the place of the last warning."""
        if severity is Severity.WARNING:
            return False
        self._is_full = not self._warnings
        if self._is_full:
            return False
        displaced = self._warnings.pop()
        del self._found[displaced]
        self._left_out.append(displaced)
        return True

    @property
    def is_full(self) -> bool:
        """Whether no further error is noted, so that none need be looked for."""
        return self._is_full

    def echo(self, value: str) -> str:
        """`value` as a message may quote it."""
        return self.source.echo(value)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All of them, in the order in which they were found.

        The excerpts are cut only here, when all secrets of the file are known.
        """
        may_show = self.source.is_parsed or len(self._found) <= _MAX_GUARDED_FINDINGS
        found = [*self._found.items(), *self._those_left_out()]
        return [
            replace(each, excerpt=self.source.excerpt(at.start) if may_show else None)
            for (_, at, _), each in found
        ]

    def _those_left_out(self) -> list[tuple[_Key, Diagnostic]]:
        """One finding that counts what is not listed; nothing where everything is."""
        if not self._left_out:
            return []
        key = self._left_out[0]
        more = f"at least {len(self._left_out):,}" if self._is_full else f"{len(self._left_out):,}"
        too_many = Diagnostic(
            severity=Severity.ERROR if self._is_full else Severity.WARNING,
            code="too-many",
            message=f"this file has {more} more findings than the {len(self._found)} that are listed",
            hint="Mend these first; often one mistake makes many findings.",
            span=self.source.span(key[1]),
        )
        return [(key, too_many)]
