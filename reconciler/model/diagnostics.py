"""Diagnostics: mistakes of a user and their places, as values that are collected and rendered once."""

import enum
from collections.abc import Iterable

from msgspec import Struct

from reconciler.model.identities import Address


class Position(Struct, frozen=True, order=True):
    """A point in a file; `file` is relative to the workspace.

    Lines and columns count from 1; columns count characters.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class SheetPosition(Position, frozen=True, order=True):
    """A cell of a workbook: `line` and `column` are those of the `sheet`."""

    sheet: str = ""

    def __str__(self) -> str:
        letters, rest = "", self.column
        while rest:
            rest, letter = divmod(rest - 1, 26)
            letters = f"{chr(ord('A') + letter)}{letters}"
        return f"{self.file}[{self.sheet}]!{letters}{self.line}"


class Span(Struct, frozen=True, order=True):
    """A text range in a file; the end is exclusive and may be on a later line."""

    start: Position
    end_line: int
    end_column: int

    @classmethod
    def of_file(cls, file: str) -> "Span":
        """Return the start of `file`, for a mistake of the file as a whole."""
        return cls(Position(file, 1, 1), 1, 1)


class Severity(enum.Enum):
    """The severity of a diagnostic: an error stops plan and apply, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Diagnostic(Struct, frozen=True, kw_only=True):
    """What is wrong (`message`), where (`span`) and what to do next (`hint`).

    `code` is a stable kebab-case name. `span` is None if the mistake is in no file. `excerpt` is the line of
    source that `span` starts on, with its secrets masked; None if it cannot be shown. `others` are the exams,
    besides that at `address`, that it is about: they have the same mistake by the same cause, or clash.
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
    """Return whether any of `diagnostics` is an error."""
    return any(found.severity is Severity.ERROR for found in diagnostics)
