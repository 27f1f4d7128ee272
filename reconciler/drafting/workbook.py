"""Reads the tables of an Excel workbook (.xlsx) with openpyxl, cell by cell and within bounds."""

import io
import re
import warnings
import zipfile
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any, Final

from reconciler.drafting.cells import Row, RowCounter, Sheet, Unreadable, Value
from reconciler.model.diagnostics import Position
from reconciler.model.errors import PackageMissing
from reconciler.model.outside_text import tamed

_MAX_PARTS: Final = 1_000
_MAX_UNPACKED_BYTES: Final = 64 * 1024 * 1024
_MAX_XML: Final = 1_500_000
"""Elements, as opening and closing tags, and attributes: enough for 20,000 exams."""
_OTHER_ENCODING: Final = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-(?:8|16))", re.IGNORECASE)
_NO_RESULT: Final = re.compile(
    rb"<c\b(?![^<>]*\bt=\"str\")[^<>]*>\s*<f\b[^<>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)
"""A formula whose result is missing: a program that computes nothing has saved the workbook."""
_DECLARATION_BYTES: Final = 1_024
_HINT: Final = "Open it in Excel, and save the table as a new .xlsx or as CSV."
_OLD: Final = b"\xd0\xcf\x11\xe0"
_TIME: Final = re.compile(r"[hs]", re.IGNORECASE)
_ZEROS: Final = re.compile("0{2,}")
"""A number format that shows zeros in front, as in the section 001."""
_LITERAL: Final = re.compile(r"\"[^\"]*\"|\\.|\[[^\]hms]*\]", re.IGNORECASE)
"""Parts of a number format that do not stand for a part of a date."""


def is_workbook(data: bytes) -> bool:
    """Return whether `data` begins as a workbook does, also an old or encrypted one."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06", _OLD))


def read_workbook(data: bytes, name: str) -> list[Sheet]:
    """Return the visible sheets of a workbook, the file `name`. Raises Unreadable and PackageMissing."""
    try:
        import openpyxl  # type: ignore[import-untyped] # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise PackageMissing("a workbook", error, extra="xlsx") from error
    start = Position(name, 1, 1)
    if data.startswith(_OLD):
        raise Unreadable("this is an old or encrypted workbook, which cannot be read", hint=_HINT, at=start)
    try:
        lacks_results = _check_parts(data, start)
        with warnings.catch_warnings(action="ignore"):  # about styles and other things that hold no cells
            load = partial(openpyxl.load_workbook, read_only=True, keep_links=False)
            book = load(io.BytesIO(data), data_only=True)
            counter = RowCounter(name)
            sheets = [_sheet(sheet, book.epoch, counter) for sheet in _visible(book)]
            if lacks_results:
                _refuse_formulas(_visible(load(io.BytesIO(data))), sheets, name)
            return sheets
    except Unreadable:
        raise
    except Exception as error:
        # openpyxl and zipfile raise nearly anything for a damaged or hostile file.
        message = f"this workbook is damaged or incomplete ({type(error).__name__})"
        raise Unreadable(message, hint=_HINT, at=start) from error


def _check_parts(data: bytes, at: Position) -> bool:
    """Raise Unreadable for an archive that unpacks to more, or to more XML, than a table of exams needs.

    Return whether a formula may have no result.

    Reading a part stops at the size that the archive's directory says, so that the sum of these sizes bounds
    what is read. openpyxl makes objects of hundreds of bytes of each element and attribute, so they are
    counted before; in UTF-8 and UTF-16, no other sign begins an element.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        elements = attributes = 0
        lacks_results = False
        for part in parts if len(parts) <= _MAX_PARTS and unpacked <= _MAX_UNPACKED_BYTES else ():
            content = archive.read(part)
            if _OTHER_ENCODING.search(content[:_DECLARATION_BYTES]):
                raise Unreadable("this workbook is in an encoding that Excel does not use", hint=_HINT, at=at)
            elements += content.count(b"<")
            attributes += content.count(b"=")
            lacks_results |= _NO_RESULT.search(content) is not None
    if len(parts) > _MAX_PARTS or unpacked > _MAX_UNPACKED_BYTES or max(elements, attributes) > _MAX_XML:
        raise Unreadable(
            f"this workbook is too large for a table of exams: {unpacked // 1024**2:,} MiB unpacked",
            hint="Copy the rows of the exams, as values, into a new workbook, or save them as CSV.",
            at=at,
        )
    return lacks_results


def _visible(book: Any) -> list[Any]:
    return [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]


def _refuse_formulas(written: Iterable[Any], sheets: Iterable[Sheet], name: str) -> None:
    """Raise Unreadable for the first formula, in a sheet as `written`, for which `sheets` have no value."""
    for formulas, sheet in zip(written, sheets, strict=True):
        values = {row.line: row.values for row in sheet.rows}
        formulas.reset_dimensions()
        for line, cells in enumerate(formulas.iter_rows(), 1):
            known = values.get(line, {})
            for column, cell in enumerate(cells, 1):
                if cell.data_type == "f" and column not in known:
                    raise Unreadable(
                        "this cell has a formula, and its result is not in the file",
                        hint="Open the workbook in Excel or LibreOffice, and save it there.",
                        at=Row(name, line, {}, sheet.name).at(column),
                    )


def _sheet(sheet: Any, epoch: datetime, counter: RowCounter) -> Sheet:
    """Return the rows of `sheet` that are not empty. Raises Unreadable."""
    title = tamed(sheet.title)
    sheet.reset_dimensions()  # a file may claim any
    rows = (
        counter.row(line, [_value(cell) for cell in cells], title)
        for line, cells in enumerate(sheet.iter_rows(), 1)
    )
    return Sheet([row for row in rows if row is not None], title, epoch.date())


def _value(cell: Any) -> Value | None:
    """Return the value of `cell`: a date if its format shows no time, and text if it shows zeros in front."""
    value: Value | None = cell.value
    shown_as = cell.number_format or ""
    if isinstance(value, datetime) and not _TIME.search(_LITERAL.sub("", shown_as)):
        return value.date()
    if type(value) is int and _ZEROS.fullmatch(shown_as):
        return f"{value:0{len(shown_as)}}"
    return value
