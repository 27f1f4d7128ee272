"""Reads a table from CSV as registrars' systems and spreadsheets write it: any separator, most encodings."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from reconciler.drafting.cells import Findings, RowCounter, Sheet, Unreadable
from reconciler.model.diagnostics import Position

_SEPARATORS: Final = ",;\t|"
_SAID: Final = re.compile(rf"sep=([{_SEPARATORS}])\r?\n")
"""A first line that names the separator, for Excel."""
_LOOKED_AT: Final = 30
"""Lines at the beginning that decide which separator a file uses."""
_LOOKED_AT_CHARS: Final = 64 * 1024
"""Longest beginning, so that one huge line takes no time."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_QUOTES: Final = (
    "Put a cell that holds a separator or a line break between quotation marks, and double those inside."
)


def read_csv(
    data: bytes, name: str, findings: Findings, known: Callable[[Iterable[str]], int]
) -> list[Sheet]:
    """Return the table in `data`, the file `name`. Raises Unreadable.

    `known` counts how many of the given texts name a column: the separator is the one that shows most names.
    """
    text = decoded(data, name, findings)
    counter = RowCounter(name)
    rows = (counter.row(line, cells) for line, cells in _rows(text, name, known))
    return [Sheet([row for row in rows if row is not None])]


def decoded(data: bytes, name: str, findings: Findings) -> str:
    """Return `data` as text: UTF-8, UTF-16, or else Windows-1252 with a warning. Raises Unreadable."""
    encoding = next((each for bom, each in _BOMS if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or b"\0" in data:
            raise _not_text(name) from None
        before = data[: error.start].decode("utf-8")
        at = Position(name, before.count("\n") + 1, 1)
        findings.warn(
            "encoding",
            at,
            "the file is not UTF-8 from this line on, and was read as Windows-1252",
            "Look at letters with accents in the draft, or save the file as UTF-8 (in Excel: CSV UTF-8).",
        )
        text = data.decode("cp1252", "replace")
    if "\0" in text:
        raise _not_text(name)
    return text


def _not_text(name: str) -> Unreadable:
    return Unreadable(
        "this is neither text nor a workbook", hint="Save the table as CSV or .xlsx.", at=Position(name, 1, 1)
    )


def _separator(text: str, known: Callable[[Iterable[str]], int]) -> str:
    """Return the separator with which the first lines of `text` name most columns."""
    head = "".join(islice(io.StringIO(text[:_LOOKED_AT_CHARS], newline=""), _LOOKED_AT))

    def names(separator: str) -> int:
        try:
            return max(map(known, csv.reader(io.StringIO(head, newline=""), delimiter=separator)), default=0)
        except csv.Error:
            return 0

    return max(_SEPARATORS, key=lambda separator: (names(separator), head.count(separator)))


def _rows(text: str, name: str, known: Callable[[Iterable[str]], int]) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each row. Raises Unreadable."""
    lines, above = io.StringIO(text, newline=""), 0
    if said := _SAID.match(text):
        lines.readline()
        above = 1
    separator = said[1] if said else _separator(text, known)
    reader, line = csv.reader(lines, delimiter=separator, strict=True), above + 1
    try:
        for cells in reader:
            yield line, cells
            line = above + reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(
            f"the row that begins here cannot be read as CSV: {error}",
            hint=_QUOTES,
            at=Position(name, line, 1),
        ) from None
