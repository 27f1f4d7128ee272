"""Diagnostics: a user's mistakes and their places, as values; collected everywhere and rendered once."""

import enum
from collections.abc import Iterable

from msgspec import Struct

from reconciler.model.identities import Address


class Position(Struct, frozen=True, order=True):
    """A point in a file, which is named as the user would type it, relative to the workspace.

    Lines and columns count from 1; columns count characters.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Span(Struct, frozen=True, order=True):
    """A stretch of a file; the end is exclusive and may stand on a later line."""

    start: Position
    end_line: int
    end_column: int


class Severity(enum.Enum):
    """How much a diagnostic weighs: an error stops plan and apply, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One finding: what is wrong (`message`), where (`span`) and what to do next (`hint`).

    `code` is a stable kebab-case name. `span` is None only where no file can be named. `excerpt` is the
    line of source that `span` starts on, with every secret on it masked already; None where there is none.
    `others` are further exams, besides that at `address`, that have the value from the same place.
    """

    severity: Severity
    code: str
    message: str
    hint: str
    span: Span | None = None
    address: Address | None = None
    excerpt: str | None = None
    others: frozenset[Address] = frozenset()


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of `diagnostics` is an error."""
    return any(found.severity is Severity.ERROR for found in diagnostics)
