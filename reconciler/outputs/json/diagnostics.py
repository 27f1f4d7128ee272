"""The JSON format of one diagnostic, in the diagnostics document and in plans."""

from msgspec import Struct

from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span
from reconciler.model.identities import Address


class WrittenDiagnostic(Struct, kw_only=True, rename="camel", omit_defaults=True):
    """One diagnostic as it is written; its place is null if it is about no file."""

    severity: Severity
    code: str
    message: str
    hint: str
    file: str | None
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    address: Address | None
    others: tuple[Address, ...] = ()


def written_diagnostic(found: Diagnostic) -> WrittenDiagnostic:
    """Return `found` in its format."""
    span = found.span
    return WrittenDiagnostic(
        severity=found.severity,
        code=found.code,
        message=found.message,
        hint=found.hint,
        file=None if span is None else span.start.file,
        line=None if span is None else span.start.line,
        column=None if span is None else span.start.column,
        end_line=None if span is None else span.end_line,
        end_column=None if span is None else span.end_column,
        address=found.address,
        others=tuple(sorted(found.others)),
    )


def read_diagnostic(written: WrittenDiagnostic) -> Diagnostic:
    """Return the diagnostic in `written`, without the excerpt of its file."""
    span = None
    if None not in {written.file, written.line, written.column, written.end_line, written.end_column}:
        start = Position(written.file or "", written.line or 0, written.column or 0)
        span = Span(start, written.end_line or 0, written.end_column or 0)
    return Diagnostic(
        severity=written.severity,
        code=written.code,
        message=written.message,
        hint=written.hint,
        span=span,
        address=written.address,
        others=frozenset(written.others),
    )
