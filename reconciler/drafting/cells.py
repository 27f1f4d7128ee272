"""Rows of cells with their places, whatever file they come from, and what is found about them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, TypeAlias

from msgspec import Struct, field

from reconciler.model.diagnostics import Diagnostic, Position, Severity, SheetPosition, Span
from reconciler.model.secrets import Unprintable

Value: TypeAlias = str | int | float | bool | date | datetime | time | timedelta

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_ROWS: Final = 100_000
MAX_COLUMNS: Final = 256
MAX_CELLS: Final = 1_000_000
MAX_CELL: Final = 32_767
"""Characters of a cell: as many as Excel allows."""

EPOCH: Final = date(1899, 12, 30)
"""Day 0 of Excel's serial dates, so that they are right from March 1900 on."""

_MOST_FINDINGS: Final = 1_000


class Unreadable(Exception):
    """A file of which no table can be read; `at` is where reading stopped."""

    def __init__(self, message: str, *, hint: str, at: Position) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.at = at


class Row(Unprintable, frozen=True):
    """One row: its values by column, counted from 1; empty cells are left out.

    It may hold an access code, so it is not printable. `sheet` is empty for a file that has no sheets.
    `places` are line and column of cells that are not in a grid, as in JSON.
    """

    file: str
    line: int
    values: Mapping[int, Value]
    sheet: str = ""
    places: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def at(self, column: int | None = None) -> Position:
        """Return the position of a cell, or of the row's first cell."""
        first = min(self.values, default=1) if column is None else column
        line, place = self.places.get(first, (self.line, first))
        if self.sheet:
            return SheetPosition(self.file, line, place, self.sheet)
        return Position(self.file, line, place)


class Sheet(Struct, frozen=True):
    """A table: its rows that are not empty. `epoch` is day 0 of serial dates. `name` is empty for a file."""

    rows: list[Row]
    name: str = ""
    epoch: date = EPOCH


class RowCounter:
    """Makes rows of cells, and counts them: a table of exams is not larger than the bounds of this module."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._rows = 0
        self._cells = 0

    def row(self, line: int, cells: Sequence[Value | None], sheet: str = "") -> Row | None:
        """Return the row of `cells`, None if all are empty. Raises Unreadable."""
        self.count(len(cells), line, sheet)
        values = dict[int, Value]()
        for column, cell in enumerate(cells, 1):
            value = cell.strip() if isinstance(cell, str) else cell
            if value is not None and value != "":
                values[column] = value
            if isinstance(value, str) and len(value) > MAX_CELL:
                raise Unreadable(
                    f"this cell has more than {MAX_CELL:,} characters",
                    hint="Shorten it; in CSV, a quotation mark that is not closed may be the cause.",
                    at=Row(self._file, line, values, sheet).at(column),
                )
        return Row(self._file, line, values, sheet) if values else None

    def count(self, width: int, line: int, sheet: str = "") -> None:
        """Count a row of `width` cells, empty ones included. Raises Unreadable."""
        self._rows += 1
        self._cells += width
        is_too_wide = width > MAX_COLUMNS
        if not is_too_wide and self._rows <= MAX_ROWS and self._cells <= MAX_CELLS:
            return
        bounds = f"{MAX_ROWS:,} rows or {MAX_CELLS:,} cells, empty ones included"
        raise Unreadable(
            f"the table has more than {f'{MAX_COLUMNS} columns' if is_too_wide else bounds}",
            hint="Delete what is empty below and behind the exams, or split the table.",
            at=Row(self._file, line, {}, sheet).at(),
        )


class Findings:
    """Collects diagnostics about tables: at most 1,000 of a severity, and how many more there are."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []
        self._counts = Counter[Severity]()

    def error(self, code: str, at: Position, message: str, hint: str) -> None:
        """Add an error at `at`."""
        self.take(_diagnostic(Severity.ERROR, code, at, message, hint))

    def warn(self, code: str, at: Position, message: str, hint: str) -> None:
        """Add a warning at `at`."""
        self.take(_diagnostic(Severity.WARNING, code, at, message, hint))

    def take(self, found: Diagnostic) -> None:
        """Add a diagnostic that was made elsewhere."""
        self._counts[found.severity] += 1
        if self._counts[found.severity] <= _MOST_FINDINGS:
            self._found.append(found)

    @property
    def collected(self) -> tuple[Diagnostic, ...]:
        """All diagnostics, sorted by place; the last counts those left out."""
        found = tuple(sorted(self._found, key=_place))
        left = sum(self._counts.values()) - len(found)
        if not left:
            return found
        too_many = Diagnostic(
            severity=Severity.WARNING,
            code="too-many",
            message=f"the table has {left:,} more findings than the {len(found):,} that are listed",
            hint="Mend these first; often one mistake makes many findings.",
        )
        return (*found, too_many)


def _place(found: Diagnostic) -> tuple[str, str, int, int]:
    if found.span is None:
        return "", "", 0, 0
    at = found.span.start
    return at.file, at.sheet if isinstance(at, SheetPosition) else "", at.line, at.column


def _diagnostic(severity: Severity, code: str, at: Position, message: str, hint: str) -> Diagnostic:
    span = Span(at, at.line, at.column)
    return Diagnostic(severity=severity, code=code, message=message, hint=hint, span=span)
