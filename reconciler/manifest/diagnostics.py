"""Collects the diagnostics of one file: each once, with its severity, and without secrets.

A manifest may extend base files. Offsets from FIRST_BASE_OFFSET on are in a base file (see `extends`);
a diagnostic at such an offset is added to the diagnostics of that file.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, Protocol, TypeAlias

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from reconciler.manifest.source import MAX_SIZE_BYTES, SourceText
from reconciler.manifest.yaml.nodes import TextRange
from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span
from reconciler.model.identities import Address

MAX_DIAGNOSTICS: Final = 1_000
FIRST_BASE_OFFSET: Final = 2 * MAX_SIZE_BYTES
"""Offsets from here on are in base files: no manifest is that long."""

_DiagnosticKey: TypeAlias = tuple[str, TextRange, str]
"""Identity of a diagnostic: code, text range, and subject, which tells several at one place apart."""

_IN_EXAM: Final = " (in the exam "
_AND_IN: Final = " (and in "
NON_STRING_KEY: Final = "non-string-key"
_MISNAMED: Final = frozenset({"unknown-field", "unknown-rule"})
_NOT_SHOWN: Final = (
    "this is wrong, and not shown: it is in a secret, behind one on its line, or in an unknown field"
)
_HOW_TO_SHOW: Final = "Write each field on a line of its own, and text with commas, colons or `#` in quotes."


class BaseFiles(Protocol):
    """All base files of a workspace: the files that manifests extend."""

    def owner_of(self, at: TextRange) -> "tuple[FileDiagnostics, TextRange]":
        """Return the diagnostics of the base file that holds `at`, and `at` relative to that file."""

    def hides(self, value: str) -> bool:
        """Return whether `value` is, or contains, a secret of a base file."""

    def without_secrets(self, text: str) -> str:
        """Return `text` with the secrets of the base files masked, except very short ones."""


class Suppression(Struct):
    """One code of an ignore comment. It suppresses diagnostics in `line`; `at` is the place of the code."""

    code: str
    at: TextRange
    line: int
    is_used: bool = False


class Severities(Struct):
    """Severities of one file's diagnostics: `overrides` and `suppressions` apply to `rules` only.

    An override of None turns a rule off. Suppressions are keyed by line and code.
    """

    rules: Collection[str] = ()
    overrides: Mapping[str, Severity | None] = field(default_factory=dict)
    suppressions: dict[tuple[int, str], Suppression] = field(default_factory=dict)

    def severity_of(self, code: str, severity: Severity, line: int) -> Severity | None:
        """Return the severity of a diagnostic in `line`; None if it is turned off or suppressed."""
        if code not in self.rules:
            return severity
        severity_here = self.overrides.get(code, severity)
        suppression = self.suppressions.get((line, code)) if severity_here is not None else None
        if suppression is None:
            return severity_here
        suppression.is_used = True
        return None


class FileDiagnostics(Struct):
    """The diagnostics of one file, at most MAX_DIAGNOSTICS; the last of so many counts those left out.

    Errors displace warnings. `exam` and `address` are the text range and the address of the exam that is
    being checked. A diagnostic about it at another place, such as its defaults, names the exams it affects.
    """

    source: SourceText
    severities: Severities = field(default_factory=Severities)
    base_files: BaseFiles | None = None
    exam: TextRange | None = None
    address: Address | None = None
    is_full: bool = False
    """Whether no further error can be kept, so that looking for one is pointless."""
    causes: "Causes" = field(default_factory=dict)
    """Files that extend the same base files share one."""
    is_partly_judged: bool = False
    """Whether rules cannot judge all that the file says: it, or one that it extends, has an error that is not
    from a rule, or it has an exam for other environments only."""
    _found: dict[_DiagnosticKey, Diagnostic] = field(default_factory=dict)
    _affected: dict[_DiagnosticKey, set[Address]] = field(default_factory=dict)
    _others: dict[_DiagnosticKey, set[Address]] = field(default_factory=dict)
    _warnings: list[_DiagnosticKey] = field(default_factory=list)
    _left_out: dict[_DiagnosticKey, None] = field(default_factory=dict)

    def add(  # noqa: PLR0913 - each is a part of the diagnostic
        self,
        code: str,
        at: TextRange,
        message: str,
        hint: str,
        *,
        severity: Severity = Severity.ERROR,
        address: Address | UnsetType | None = UNSET,
        subject: str = "",
        cause: str = "",
        others: Collection[Address] = (),
    ) -> None:
        """Add a diagnostic to the file that holds `at`, unless it is known, turned off or suppressed.

        `subject` tells several of one code at one place apart. `address` is by default that of the exam that
        is being checked. With a `cause`, only the first of several becomes a diagnostic, and the exams of
        the others are counted there. `others` are more exams that it is about.
        """
        address = self.address if address is UNSET else address
        is_outside_exam = self.exam is not None and not self.exam.start <= at.start < self.exam.end
        owner, at = self._owner_of(at)
        span = owner.source.span(at)
        found = Diagnostic(
            severity=severity,
            code=code,
            message=message,
            hint=hint,
            span=span,
            address=address,
            others=frozenset(others),
        )
        if owner is not self:
            self._remember_mistake(found)
        key = code, at, subject
        is_folded = address is not None and (code, cause) in self.causes
        if cause and address is not None:
            owner, key = self.causes.setdefault((code, cause), (owner, key))
        owner.add_here(key, found, span.start.line, address if is_outside_exam or is_folded else None)

    def add_here(self, key: _DiagnosticKey, found: Diagnostic, line: int, affected: Address | None) -> None:
        """Add a diagnostic about this file; `affected` is an exam elsewhere that has the problem too."""
        known = self._found.get(key)
        if found.others:
            self._others.setdefault(key, set()).update(found.others)
        if affected is not None and (known is None or known.address != affected):
            self._affected.setdefault(key, set()).add(affected)
        if known is not None:
            return
        severity = self.severities.severity_of(found.code, found.severity, line)
        if severity is None:
            return
        found = replace(found, severity=severity)
        self._remember_mistake(found)
        if len(self._found) >= MAX_DIAGNOSTICS - 1 and not self._has_room(severity):
            self._left_out[key] = None
            return
        if severity is Severity.WARNING:
            self._warnings.append(key)
        self._found[key] = found

    def is_suppressed(self, code: str, at: TextRange) -> bool:
        """Return whether the rule `code` is turned off or suppressed at `at`, in this file."""
        return (
            self.severities.severity_of(code, Severity.WARNING, self.source.position(at.start).line) is None
        )

    def _remember_mistake(self, found: Diagnostic) -> None:
        if found.severity is Severity.ERROR and found.code not in self.severities.rules:
            self.is_partly_judged = True

    def _has_room(self, severity: Severity) -> bool:
        """Return whether one more diagnostic can be kept; an error displaces the last warning."""
        if severity is Severity.WARNING:
            return False
        self.is_full = not self._warnings
        if self.is_full:
            return False
        displaced = self._warnings.pop()
        del self._found[displaced]
        self._left_out[displaced] = None
        return True

    def reports_key(self, at: TextRange) -> bool:
        """Return whether the key at `at` is reported already, because it is not text."""
        owner, at = self._owner_of(at)
        return (NON_STRING_KEY, at, "") in owner._found  # noqa: SLF001 - another of this class

    def withdraw(self, code: str, within: TextRange) -> None:
        """Remove the diagnostics of `code` in a text range: another one says what is wrong there."""
        for key in [
            key for key in self._found if key[0] == code and within.start <= key[1].start < within.end
        ]:
            del self._found[key]

    def echo(self, value: str) -> str:
        """Return `value` in quotes for a message, or "this value" if it holds a secret."""
        if self.base_files is not None and self.base_files.hides(value):
            return "this value"
        return self.source.echo(value)

    def without_secrets(self, text: str) -> str:
        """Return `text` with the secrets of this file and of all base files masked."""
        text = self.source.without_secrets(text)
        return text if self.base_files is None else self.base_files.without_secrets(text)

    def position(self, at: TextRange) -> Position:
        """Return the position of the start of `at`, which may be in a base file."""
        owner, at = self._owner_of(at)
        return owner.source.position(at.start)

    def _owner_of(self, at: TextRange) -> "tuple[FileDiagnostics, TextRange]":
        if self.base_files is None or at.start < FIRST_BASE_OFFSET:
            return self, at
        return self.base_files.owner_of(at)

    @property
    def collected(self) -> list[Diagnostic]:
        """All diagnostics, in the order in which they were added.

        Excerpts are added only here, because all secrets of the file must be known first.
        """
        found = []
        for key, each in self._told():
            told = _with_affected(self._shown(each, key[1]), self._affected.get(key, ()))
            others = told.others.union(self._others.get(key, ())) - {told.address}
            found.append((key, replace(told, others=others)))
        return [
            replace(each, excerpt=self._excerpt(at)) for (_, at, _), each in (*found, *self._those_left_out())
        ]

    def _told(self) -> Iterator[tuple[_DiagnosticKey, Diagnostic]]:
        """Yield what was found, except in the hidden value of a field whose key is told already."""
        misnamed = set[int]()
        for key, each in self._found.items():
            line = 0 if each.span is None else each.span.start.line
            if line in misnamed and self.source.is_hidden(key[1].start):
                continue
            if each.code in _MISNAMED:
                misnamed.add(line)
            yield key, each

    def _those_left_out(self) -> list[tuple[_DiagnosticKey, Diagnostic]]:
        """Return at most one diagnostic, which counts those left out."""
        if not self._left_out:
            return []
        key = next(iter(self._left_out))
        more = f"at least {len(self._left_out):,}" if self.is_full else f"{len(self._left_out):,}"
        too_many = Diagnostic(
            severity=Severity.ERROR if self.is_full else Severity.WARNING,
            code="too-many",
            message=f"this file has {more} more findings than the {len(self._found)} that are listed",
            hint="Mend these first; often one mistake makes many findings.",
            span=self.source.span(key[1]),
        )
        return [(key, too_many)]

    def _shown(self, found: Diagnostic, at: TextRange) -> Diagnostic:
        """Return `found`, or a neutral text if its own might quote a secret; a syntax error's cannot."""
        if found.code == "syntax" or not self.source.is_hidden(at.start):
            return found
        return replace(found, message=_NOT_SHOWN, hint=_HOW_TO_SHOW)

    def hide(self, at: TextRange) -> None:
        """Never show the text at `at`, because it may be a secret."""
        owner, at = self._owner_of(at)
        owner.source.unknown.append(at)

    def _excerpt(self, at: TextRange) -> str | None:
        """Return the line of `at`, unless it contains a secret of a base file."""
        shown = self.source.excerpt(at.start)
        is_secret = shown is not None and self.base_files is not None and self.base_files.hides(shown)
        return None if is_secret else shown


Causes: TypeAlias = dict[tuple[str, str], tuple[FileDiagnostics, _DiagnosticKey]]
"""By code and cause, the file and the identity of the first diagnostic."""


def identity_of(found: Diagnostic) -> tuple[str, Span | None, str]:
    """Return a key that is equal for diagnostics that differ only in the exams they affect."""
    return found.code, found.span, found.message.partition(_IN_EXAM)[0].partition(_AND_IN)[0]


def _with_affected(found: Diagnostic, affected: Collection[Address]) -> Diagnostic:
    """Return `found` with the affected exams named in its message."""
    if not affected:
        return found
    first = found.address or min(affected)
    others = frozenset(affected) - {first}
    if first not in affected:
        more = f"{len(others)} more {'exam' if len(others) == 1 else 'exams'}"
        return replace(found, message=f"{found.message}{_AND_IN}{more})", others=others)
    more = f" and {len(others)} more" if others else ""
    return replace(found, message=f"{found.message}{_IN_EXAM}'{first}'{more})", address=first, others=others)
