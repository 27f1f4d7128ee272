"""Findings: the diagnostics of one file, with places and severities, free of secrets, each noted once.

A manifest's values may come from files that it extends. Their offsets lie beyond those of any manifest (see
`bases`), and what is found there is noted with the file that it is about.
"""

from collections.abc import Collection, Mapping
from typing import Final, Protocol, TypeAlias, TypedDict, Unpack

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.manifest.source import MAX_SIZE_BYTES, SourceText
from reconciler.manifest.yaml.nodes import TextRange
from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span
from reconciler.model.identities import Address

MAX_DIAGNOSTICS: Final = 1_000
FIRST_BASE_OFFSET: Final = 2 * MAX_SIZE_BYTES
"""The first mark that no text of its own can have."""

_MAX_GUARDED_DIAGNOSTICS: Final = 50
"""More diagnostics of a file that cannot be parsed have no excerpt: what it may show takes long to tell."""


_DiagnosticKey: TypeAlias = tuple[str, TextRange, str]
"""Identity of a finding: its code, its place, and a subject where one place has several."""

_IN_EXAM: Final = " (in the exam "
_NOT_SHOWN: Final = (
    "this is wrong, and not shown: it stands in a secret, behind one on its line, or in an unknown field"
)
_HOW_TO_SHOW: Final = "Write each field on a line of its own, and text with commas, colons or `#` in quotes."


class DiagnosticDetails(TypedDict, total=False):
    """What a finding may have: `subject` tells diagnostics of one code at one place apart."""

    severity: Severity
    address: Address | None
    subject: str


class BaseFiles(Protocol):
    """The files that offsets from FIRST_BASE_OFFSET on belong to."""

    def owner_of(self, at: TextRange) -> "tuple[FileDiagnostics, TextRange]":
        """The diagnostics of the file that `at` is in, and `at` as that file counts."""

    def hides(self, value: str) -> bool:
        """Whether `value` is, or repeats, a secret of any of these files."""

    def without_secrets(self, text: str) -> str:
        """`text` with every secret of these files masked that can be told from ordinary words."""


class Suppression(Struct):
    """One code of an ignore comment at `at`, which is about `line`; used once it silenced something."""

    code: str
    at: TextRange
    line: int
    is_used: bool = False


class Severities(Struct):
    """Severities of the diagnostics of one file. Only those of rules can be changed or ignored."""

    rules: Collection[str] = ()
    overrides: Mapping[str, Severity | None] = field(default_factory=dict)
    suppressions: dict[tuple[int, str], Suppression] = field(default_factory=dict)

    def severity_of(self, code: str, severity: Severity, line: int) -> Severity | None:
        """Return the weight of a finding in `line`, given its default `severity`; None: it is not shown."""
        if code not in self.rules:
            return severity
        severity_here = self.overrides.get(code, severity)
        suppression = self.suppressions.get((line, code)) if severity_here is not None else None
        if suppression is None:
            return severity_here
        suppression.is_used = True
        return None


class FileDiagnostics(Struct):
    """Collects what is wrong with one file, up to MAX_DIAGNOSTICS, the last of which counts those left out.

    An error is never left out in favour of a warning. `exam` is where the exam stands that is being looked
    at, and `address` its address. A finding about it that is placed elsewhere, in defaults or a profile, says
    which exams it hits.
    """

    source: SourceText
    severities: Severities = field(default_factory=Severities)
    base_files: BaseFiles | None = None
    exam: TextRange | None = None
    address: Address | None = None
    has_mistakes: bool = False
    """Whether an error that no rule found is in this file, or in one that it extends."""
    _found: dict[_DiagnosticKey, Diagnostic] = field(default_factory=dict)
    _hits: dict[_DiagnosticKey, set[Address]] = field(default_factory=dict)
    _warnings: list[_DiagnosticKey] = field(default_factory=list)
    _left_out: dict[_DiagnosticKey, None] = field(default_factory=dict)
    _is_full: bool = False

    def add(
        self, code: str, at: TextRange, message: str, hint: str, **details: Unpack[DiagnosticDetails]
    ) -> None:
        """Note a finding where it belongs, unless it is known, turned off or ignored there."""
        details.setdefault("address", self.address)
        is_apart = self.exam is not None and not self.exam.start <= at.start < self.exam.end
        owner, at = self._owner_of(at)
        if owner is not self:
            self._remember_mistake(code, details.get("severity", Severity.ERROR))
        hit = details.get("address") if is_apart else None
        owner.note((code, at, details.get("subject", "")), message, hint, hit=hit, **details)

    def note(
        self,
        key: _DiagnosticKey,
        message: str,
        hint: str,
        *,
        hit: Address | None,
        **details: Unpack[DiagnosticDetails],
    ) -> None:
        """Note a finding about this very file; `hit` is an exam that stands elsewhere and has it too."""
        if hit is not None:
            self._hits.setdefault(key, set()).add(hit)
        if key in self._found:
            return
        code, at, _ = key
        span = self.source.span(at)
        severity = self.severities.severity_of(code, details.get("severity", Severity.ERROR), span.start.line)
        if severity is None:
            return
        self._remember_mistake(code, severity)
        if len(self._found) >= MAX_DIAGNOSTICS - 1 and not self._has_room(severity):
            self._left_out[key] = None
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

    def _remember_mistake(self, code: str, severity: Severity) -> None:
        if severity is Severity.ERROR and code not in self.severities.rules:
            self.has_mistakes = True

    def _has_room(self, severity: Severity) -> bool:
        """Return whether one more finding is taken; an error takes the place of the last warning."""
        if severity is Severity.WARNING:
            return False
        self._is_full = not self._warnings
        if self._is_full:
            return False
        displaced = self._warnings.pop()
        del self._found[displaced]
        self._left_out[displaced] = None
        return True

    @property
    def is_full(self) -> bool:
        """Whether there is no room for a further error, so that nobody need look for one."""
        return self._is_full

    def echo(self, value: str) -> str:
        """Return `value` as a message may quote it."""
        if self.base_files is not None and self.base_files.hides(value):
            return "this value"
        return self.source.echo(value)

    def without_secrets(self, text: str) -> str:
        """Return `text` with the secrets of this file, and of all that are extended, masked."""
        text = self.source.without_secrets(text)
        return text if self.base_files is None else self.base_files.without_secrets(text)

    def position(self, at: TextRange) -> Position:
        """Return where `at` begins, in whichever file that is."""
        owner, at = self._owner_of(at)
        return owner.source.position(at.start)

    def _owner_of(self, at: TextRange) -> "tuple[FileDiagnostics, TextRange]":
        if self.base_files is None or at.start < FIRST_BASE_OFFSET:
            return self, at
        return self.base_files.owner_of(at)

    @property
    def collected(self) -> list[Diagnostic]:
        """All of them, in the order in which they were found.

        The excerpts are cut only here, when all secrets of the file are known.
        """
        may_show = self.source.is_parsed or len(self._found) <= _MAX_GUARDED_DIAGNOSTICS
        found = [
            (key, _completed(self._shown(each, key[1]), self._hits.get(key, ())))
            for key, each in self._found.items()
        ]
        return [
            replace(each, excerpt=self._excerpt(at)) if may_show else each
            for (_, at, _), each in (*found, *self._those_left_out())
        ]

    def _those_left_out(self) -> list[tuple[_DiagnosticKey, Diagnostic]]:
        """Return one finding that counts those that are not listed, if there are any."""
        if not self._left_out:
            return []
        key = next(iter(self._left_out))
        more = f"at least {len(self._left_out):,}" if self._is_full else f"{len(self._left_out):,}"
        too_many = Diagnostic(
            severity=Severity.ERROR if self._is_full else Severity.WARNING,
            code="too-many",
            message=f"this file has {more} more findings than the {len(self._found)} that are listed",
            hint="Mend these first; often one mistake makes many findings.",
            span=self.source.span(key[1]),
        )
        return [(key, too_many)]

    def _shown(self, found: Diagnostic, at: TextRange) -> Diagnostic:
        """Return `found`, without its text where that may quote what stands in or behind a secret."""
        if not self.source.is_hidden(at.start):
            return found
        return replace(found, message=_NOT_SHOWN, hint=_HOW_TO_SHOW)

    def hide(self, at: TextRange) -> None:
        """Never show what stands at `at`, in whichever file that is: it may be a secret."""
        owner, at = self._owner_of(at)
        owner.source.unknown.append(at)

    def _excerpt(self, at: TextRange) -> str | None:
        """Return the line of `at`, unless it repeats a secret of a file that this one extends."""
        shown = self.source.excerpt(at.start)
        is_secret = shown is not None and self.base_files is not None and self.base_files.hides(shown)
        return None if is_secret else shown


def identity_of(found: Diagnostic) -> tuple[str, Span | None, str]:
    """Return what two diagnostics that say the same have in common, whichever exams they hit."""
    return found.code, found.span, found.message.partition(_IN_EXAM)[0]


def _completed(found: Diagnostic, hits: Collection[Address]) -> Diagnostic:
    """Return `found` with the exams in its message that it hits without standing in them."""
    if not hits:
        return found
    first = found.address or min(hits)
    others = frozenset(hits) - {first}
    more = f" and {len(others)} more" if others else ""
    return replace(found, message=f"{found.message}{_IN_EXAM}'{first}'{more})", address=first, others=others)
