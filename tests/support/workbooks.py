"""Workbooks for tests, as Excel writes them, and as it never would."""

import io
import zipfile
from datetime import date, datetime, time

import openpyxl


def workbook(*sheets, epoch=None):
    """The bytes of a workbook with sheets of these names and rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    if epoch is not None:
        book.epoch = epoch
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return bytes_of(book)


def bytes_of(book):
    """A workbook as a file."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def finals_workbook():
    """A registrar's workbook: merged headers, dates, times, serial numbers, and a sheet of notes."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Finals 2032"
    for row in (
        ["Final exams, spring 2032"],
        ["Exam", None, "Window", None, "Time limit", "Access Code", "Exam SID"],
        ["Name", "Course", "Start", "End"],
        [],
        ["Final", "CS 101", datetime(2032, 5, 3, 9), datetime(2032, 5, 3, 12), time(2), 1234],  # noqa: DTZ001 - local
        ["Final", "MATH 120", 48342.375, 48342.5, 90.0, "s-Moon", f"EX{'2' * 32}"],
        ["Final", "BIO 200", date(2032, 5, 4), "May 4, 2032 1:30 PM", "2 h", None],
    ):
        sheet.append(row)
    for cells in ("A1:G1", "A2:B2", "C2:D2", "E2:E3"):
        sheet.merge_cells(cells)
    book.create_sheet("Notes").append(["Rooms will follow."])
    book.create_sheet("Old").append(["title", "course"])
    book["Old"].sheet_state = "hidden"
    return bytes_of(book)


def parts_of(data):
    """The parts of a workbook by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_part(data, name, part):
    """A workbook with `part` as the content of its part `name`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in (parts_of(data) | {name: part}).items():
            archive.writestr(each, content)
    return out.getvalue()
