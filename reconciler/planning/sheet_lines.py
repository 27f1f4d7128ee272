"""The lines of a sheet that settles exams in doubt, read from the CSV that spreadsheets write."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span
from reconciler.model.errors import ResolutionRefused
from reconciler.model.words import listed

_COLUMNS: Final = ("address", "attempt", "sid")
_SEPARATORS: Final = ",;\t"
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LONGEST_CELL: Final = 200  # longer than any address, attempt or SID
_FORM: Final = f"A sheet is CSV in UTF-8, and its first line names the columns {listed(_COLUMNS)}."
_QUOTES: Final = (
    "Put a cell that holds a separator or a line break between quotation marks, and double those inside."
)


class SheetLine(Struct, frozen=True):
    """What one exam's cells hold; `number` is that of the exam's first line in the file."""

    number: int
    address: str
    attempt: str
    sid: str


class Mistake(Struct, frozen=True):
    """What is wrong at a line of a sheet, and what to do."""

    line: int
    message: str
    hint: str


def refusal(name: str, mistakes: Sequence[Mistake]) -> ResolutionRefused:
    """Return the error that refuses the sheet `name` as a whole."""
    diagnostics = [
        Diagnostic(
            severity=Severity.ERROR,
            code="resolution-sheet",
            message=mistake.message,
            hint=mistake.hint.removeprefix("Nothing was changed. "),
            span=Span(Position(name, mistake.line, 1), mistake.line, 1),
        )
        for mistake in sorted(mistakes, key=lambda each: each.line)
    ]
    return ResolutionRefused(
        f"the sheet {name} is refused as a whole",
        hint="Nothing was changed. Correct what is listed, and run the command again. A new sheet: "
        "`reconciler state list --in-doubt --format csv`",
        diagnostics=diagnostics,
    )


def read_sheet(sheet: bytes, name: str) -> Iterator[SheetLine | Mistake]:
    """Yield the lines of `sheet` that are not empty. Raises ResolutionRefused if it cannot be read at all.

    Columns may be in any order and separated by commas, semicolons or tabs; unknown ones are ignored.
    """
    rows = _rows(_text(sheet, name), name)
    first, head = next(rows, (1, []))
    names = [cell.casefold() for cell in head]
    if wrong := [column for column in _COLUMNS if names.count(column) != 1]:
        raise refusal(
            name, [Mistake(first, f"the first line does not name the column {listed(wrong)} once", _FORM)]
        )
    places = [names.index(column) for column in _COLUMNS]
    for number, cells in rows:
        if any(cells[len(head) :]):
            yield Mistake(number, "the line has more cells than the first line", _QUOTES)
        else:
            padded = [*cells, *[""] * len(head)]
            yield SheetLine(number, *(padded[place] for place in places))


def _text(sheet: bytes, name: str) -> str:
    """Return `sheet` as text. Raises ResolutionRefused."""
    end, problem, text = 0, "", ""
    try:
        text = sheet.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        end, problem = error.start, "the text is not UTF-8"
    if "\0" in text:
        end, problem = sheet.index(b"\0"), "the text holds a NUL character"
    if problem:
        raise refusal(name, [Mistake(sheet.count(b"\n", 0, end) + 1, problem, _FORM)])
    return text


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield first line and cells of each row that is not empty. Raises ResolutionRefused."""
    lines = _LINE.findall(text)
    head = next((line for line in lines if line.strip()), "")
    rows = csv.reader(lines, delimiter=max(_SEPARATORS, key=head.count), strict=True)
    number = 1
    try:
        for row in rows:
            # Some spreadsheets write `'` in front of a text that could be something else.
            cells = [cell.strip().removeprefix("'")[:_LONGEST_CELL] for cell in row]
            if any(cells):
                yield number, cells
            number = rows.line_num + 1
    except csv.Error as error:
        raise refusal(name, [Mistake(number, f"the line cannot be read as CSV: {error}", _QUOTES)]) from error
