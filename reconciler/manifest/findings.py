"""Findings: diagnostics of one file, placed and made safe to show, each of them once.

A manifest's values may come from files that it extends. Their marks lie beyond those of any manifest (see
`bases`), and what is found there is noted with the file that it is about.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias, TypedDict, Unpack

from reconciler.manifest.source_text import MAX_SIZE_BYTES, SourceText
from reconciler.manifest.yaml_nodes import Stretch
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.identities import Address
from reconciler.model.positions import Position, Span

MAX_FINDINGS: Final = 1_000
FOREIGN: Final = 2 * MAX_SIZE_BYTES
"""The first mark that no text of its own can have."""

_MAX_GUARDED_FINDINGS: Final = 50
"""Lines of a file that cannot be parsed are guarded at a cost that grows with the file."""


_Key: TypeAlias = tuple[str, Stretch, str]
"""What makes a finding the same as another: its code, its place, and what tells it apart there."""

_IN_EXAM: Final = " (in the exam "


class Details(TypedDict, total=False):
    """What a finding may have: `subject` tells findings of one code at one place apart."""

    severity: Severity
    address: Address | None
    subject: str


class Elsewhere(Protocol):
    """The files that marks from FOREIGN on belong to."""

    def home_of(self, at: Stretch) -> "tuple[Findings, Stretch]":
        """The findings of the file that `at` is in, and `at` as that file counts."""

    def hides(self, value: str) -> bool:
        """Whether `value` is, or repeats, a secret of any of these files."""


@dataclass(slots=True)
class Findings:
    """Collects what is wrong with one file, up to MAX_FINDINGS and then a word that there is more.

    `exam` is where the exam stands that is being looked at. A finding about it that is placed elsewhere, in
    defaults or a profile, says which exams it hits.
    """

    source: SourceText
    elsewhere: Elsewhere | None = None
    exam: Stretch | None = None
    _found: dict[_Key, Diagnostic] = field(default_factory=dict)
    _hits: dict[_Key, set[Address]] = field(default_factory=dict)

    def add(self, code: str, at: Stretch, message: str, hint: str, **details: Unpack[Details]) -> None:
        """Note a finding, unless it is known."""
        address = details.get("address")
        is_apart = self.exam is not None and not self.exam.start <= at.start < self.exam.end
        home, at = self._home_of(at)
        hit = address if is_apart else None
        home.note((code, at, details.get("subject", "")), message, hint, hit=hit, **details)

    def note(
        self, key: _Key, message: str, hint: str, *, hit: Address | None, **details: Unpack[Details]
    ) -> None:
        """Note a finding about this very file; `hit` is an exam that stands elsewhere and has it too."""
        if hit is not None:
            self._hits.setdefault(key, set()).add(hit)
        code, at, _ = key
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
        if self.elsewhere is not None and self.elsewhere.hides(value):
            return "this value"
        return self.source.echo(value)

    def position(self, at: Stretch) -> Position:
        """Where `at` begins, in whichever file that is."""
        home, at = self._home_of(at)
        return home.source.position(at.start)

    def _home_of(self, at: Stretch) -> "tuple[Findings, Stretch]":
        if self.elsewhere is None or at.start < FOREIGN:
            return self, at
        return self.elsewhere.home_of(at)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All of them, in the order in which they were found.

        The excerpts are cut only here, when all secrets of the file are known.
        """
        may_show = self.source.is_parsed or len(self._found) <= _MAX_GUARDED_FINDINGS
        return [
            _completed(found, self._hits.get(key, ()), self._excerpt(key[1]) if may_show else None)
            for key, found in self._found.items()
        ]

    def _excerpt(self, at: Stretch) -> str | None:
        """The line of `at`, unless it repeats a secret of a file that this one extends."""
        shown = self.source.excerpt(at.start)
        is_secret = shown is not None and self.elsewhere is not None and self.elsewhere.hides(shown)
        return None if is_secret else shown


def identity_of(found: Diagnostic) -> tuple[str, Span | None, str]:
    """What two findings share that say the same, whichever exams they hit."""
    return found.code, found.span, found.message.partition(_IN_EXAM)[0]


def _completed(found: Diagnostic, hits: Collection[Address], excerpt: str | None) -> Diagnostic:
    """`found` with its line of source, and in words the exams that it hits without standing in them."""
    if not hits:
        return replace(found, excerpt=excerpt)
    first = found.address or min(hits)
    others = len(hits) - (first in hits)
    more = f" and {others} more" if others else ""
    return replace(
        found, message=f"{found.message}{_IN_EXAM}'{first}'{more})", address=first, excerpt=excerpt
    )
