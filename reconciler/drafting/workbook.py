"""Reads the tables of an Excel workbook (.xlsx) with openpyxl, cell by cell and within bounds."""

import io
import re
import warnings
import zipfile
from datetime import datetime
from typing import Any, Final

from reconciler.drafting.cells import RowCounter, Sheet, Unreadable, Value
from reconciler.model.diagnostics import Position
from reconciler.model.errors import PackageMissing
from reconciler.model.outside_text import tamed

_MAX_PARTS: Final = 1_000
_MAX_UNPACKED_BYTES: Final = 64 * 1024 * 1024
_HINT: Final = "Open it in Excel, and save the table as a new .xlsx or as CSV."
_OLD: Final = b"\xd0\xcf\x11\xe0"
_TIME: Final = re.compile(r"[hs]", re.IGNORECASE)
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
    _check_size(data, start)
    try:
        with warnings.catch_warnings(action="ignore"):  # about styles and other things that hold no cells
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            counter = RowCounter(name)
            visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            return [_sheet(sheet, book.epoch, counter) for sheet in visible]
    except Unreadable:
        raise
    except Exception as error:
        # openpyxl raises nearly anything for a damaged or hostile file.
        raise Unreadable(
            f"this workbook is damaged ({type(error).__name__})", hint=_HINT, at=start
        ) from error


def _check_size(data: bytes, at: Position) -> None:
    """Raise Unreadable for what is not a zip archive, or would unpack to more than a table holds.

    Reading a part stops at the size that the archive's directory says, so that the sum of these sizes
    bounds what is read.
    """
    if data.startswith(_OLD):
        raise Unreadable("this is an old or encrypted workbook, which cannot be read", hint=_HINT, at=at)
    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable("this workbook is damaged or incomplete", hint=_HINT, at=at) from error
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > _MAX_PARTS or unpacked > _MAX_UNPACKED_BYTES:
        raise Unreadable(
            f"this workbook unpacks to {unpacked // 1024**2:,} MiB in {len(parts):,} parts, too much",
            hint="Copy the rows of the exams, as values, into a new workbook.",
            at=at,
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
    """Return the value of `cell`: a date if its format shows no time."""
    value: Value | None = cell.value
    if isinstance(value, datetime) and not _TIME.search(_LITERAL.sub("", cell.number_format or "")):
        return value.date()
    return value
