"""Diagnostics: a user's mistakes as values, collected everywhere and rendered once."""

import enum
from collections.abc import Iterable

from msgspec import Struct

from reconciler.model.identities import Address
from reconciler.model.positions import Span


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
