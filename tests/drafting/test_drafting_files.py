"""Files of all kinds: encodings, separators, damaged ones, and those that are made to fill a memory."""

import io
import json
import random
import resource

import openpyxl
import pytest
from drafted import drafted, told
from hypothesis import given, settings
from hypothesis import strategies as st
from workbooks import bytes_of, finals_workbook, parts_of, with_part, workbook

from reconciler.drafting import cells

TABLE = "title;Straße;start;end\nPrüfung é;x;2031-10-12 09:00;2031-10-12 12:00\n"
WORKBOOK = finals_workbook()
PARTS = {
    name: part for name, part in parts_of(WORKBOOK).items() if name.startswith("xl/") and "theme" not in name
}
MOST_MIB = 60
"""More than a file that is refused takes, and less than what the bombs unpack to."""


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
)
def test_encodings_are_met(encoding):
    """Windows-1252 and Latin-1 with a warning, since they are only what remains."""
    data = TABLE.encode(encoding)
    if encoding.endswith("e"):
        data = "\ufeff".encode(encoding) + data
    text, findings = drafted(data)
    assert "title: Prüfung é\n" in text
    assert [place for place, _ in told(findings, "encoding")] == (
        ["table.csv:1:1"] if encoding in {"cp1252", "latin-1"} else []
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_met(separator, end):
    """The separator is the one that shows the names of columns, not the most frequent sign."""
    rows = [
        "Finals,;,;,;,;,;,;",
        separator.join(("title", "course", "attempts")),
        separator.join(('"A, b; c"', "cs", "2")),
    ]
    text, _ = drafted(end.join(rows).encode())
    assert "title: A, b; c\n" in text
    assert "attempts: 2\n" in text


def test_a_line_for_excel_names_the_separator():
    """And is no row; lines are still counted from the file's first."""
    text, _ = drafted(b"sep=;\ntitle;course\nA, b;cs\n")
    assert "title: A, b\n" in text
    assert "# table.csv:3\n" in text


def test_a_cell_may_hold_line_breaks():
    """The row's place is its first line."""
    text, _ = drafted(b'title,studentNotes\n"A\nb","x\ny"\nB,z\n')
    assert "title: A b\n" in text
    assert 'studentNotes: "x\\ny"\n' in text
    assert "# table.csv:5\n" in text


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'title,course\nA,b\n"C,d\nE,f\n', "table.csv:3:1"),
        (b'title,course\n"A"b,c\n', "table.csv:2:1"),
        (b"title,course\n" + b"A" * 40_000 + b",c\n", "table.csv:2:1"),
        (b"title,course\nA," + b"c" * 1_000_000, "table.csv:2:1"),
        (b"title,course\n" + b"a," * 100_000, "table.csv:2:1"),
        (b"title,course\nA,b\n" + b"\n" * 1_000_000, "table.csv:100001:1"),
        (b"title,course\nA\0,b\n", "table.csv:1:1"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "table.csv:1:1"),
        (b"\xff\xfea", "table.csv:1:1"),
        (b"title\xff,course\nA\0,b\n", "table.csv:1:1"),
        (b"[" * 100_000, "table.csv:1:2"),
        (b'[{"title": ' + b"[" * 100_000, "table.csv:1:12"),
        (b'[{"title" "A"}]', "table.csv:1:11"),
        (b'[{"title": "A"} {"title": "B"}]', "table.csv:1:17"),
        (b'{"title": "A"', "table.csv:1:1"),
        (b"[1, 2]", "table.csv:1:2"),
        (b'{"errors": [{"message": "no"}]}', "table.csv:1:1"),
        (b'[{"title": {"a": 1}}]', "table.csv:1:12"),
        (b'[{"title": "' + b"A" * 40_000 + b'"}]', "table.csv:1:12"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "table.csv:1:1"),
        (b"PK\x03\x04 no zip", "table.csv:1:1"),
        (finals_workbook()[:3000], "table.csv:1:1"),
        (with_part(finals_workbook(), "xl/workbook.xml", b"<no"), "table.csv:1:1"),
        (
            with_part(finals_workbook(), "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row"),
            "table.csv:1:1",
        ),
        (b"x" * (16 * 1024 * 1024 + 1), "table.csv:1:1"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[:2]!r}",
)
def test_what_is_no_table_of_exams_is_refused(data, place):
    """With one error that has a place and a remedy, within bounded memory."""
    text, findings = drafted(data)
    assert text is None
    assert [found[0].startswith(place) for found in told(findings, "table-unreadable")] == [True], findings
    assert findings[-1].hint


def test_the_quizzes_of_a_file_are_counted(monkeypatch):
    """As the rows of other tables are; the bound is lower here, for the sake of time."""
    monkeypatch.setattr(cells, "MAX_ROWS", 2)
    quizzes = b'[{"title": "A"},\n{"title": "B"}%s]'
    assert drafted(quizzes % b"")[0] is not None
    assert [place for place, _ in told(drafted(quizzes % b',\n{"title": "C"}')[1], "table-unreadable")] == [
        "table.csv:3:1"
    ]


def peak_kib():
    """The most memory that this process has used so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def sheet_xml(rows):
    """The XML of a sheet with these rows."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    claim = '<dimension ref="A1:XFD1048576"/>'
    return f'<worksheet xmlns="{space}">{claim}<sheetData>{rows}</sheetData></worksheet>'.encode()


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (lambda: sheet_xml("<row/>" * 100_001), "100,000 rows"),
        (lambda: sheet_xml('<row r="1048576"><c r="A1048576"><v>1</v></c></row>'), "100,000 rows"),
        (lambda: sheet_xml('<row r="1"><c r="XFD1"><v>1</v></c></row>'), "256 columns"),
        (lambda: sheet_xml(f"<row>{'<c><v>1</v></c>' * 20_000}</row>"), "256 columns"),
        (lambda: sheet_xml(f"<row>{'<c/>' * 250}</row>" * 4_001), "1,000,000 cells"),
        (
            lambda: sheet_xml(f'<row><c t="inlineStr"><is><t>{"A" * 10_000_000}</t></is></c></row>'),
            "32,767 characters",
        ),
        (lambda: sheet_xml(" " * (65 * 1024 * 1024)), "too large"),
        (lambda: sheet_xml("<x/>" * 1_500_000), "too large"),
        (lambda: sheet_xml(f"<x {'a=' * 1_500_000}/>"), "too large"),
        (lambda: sheet_xml("").decode().encode("cp037"), "damaged"),
        (lambda: b'<?xml version="1.0" encoding="cp037"?>' + sheet_xml(""), "encoding"),
    ],
    ids=[
        *("empty rows", "a far row", "a far column", "columns", "cells", "a long cell"),
        *("unpacked size", "elements", "attributes", "EBCDIC", "said to be EBCDIC"),
    ],
)
def test_a_workbook_that_fills_a_memory_is_refused(part, said):
    """Rows, columns, cells and the size of what is unpacked are bounded."""
    data = with_part(finals_workbook(), "xl/worksheets/sheet1.xml", part())
    before = peak_kib()
    text, findings = drafted(data)
    assert text is None
    assert [said in message for _, message in told(findings, "table-unreadable")] == [True]
    assert peak_kib() - before < MOST_MIB * 1024


def test_a_sheet_that_claims_to_be_large_is_read_as_it_is():
    """Excel keeps the range that was once used."""
    cell = '<c t="inlineStr"><is><t>%s</t></is></c>'
    rows = "".join(
        f"<row>{cell % one}{cell % other}</row>" for one, other in (("title", "attempts"), ("A", "2"))
    )
    text, _ = drafted(with_part(finals_workbook(), "xl/worksheets/sheet1.xml", sheet_xml(rows)))
    assert "attempts: 2\n" in text


def test_a_zip_bomb_that_lies_about_its_size_is_refused():
    """Reading stops at the size that the directory says, and the checksum is then wrong."""
    part = sheet_xml(f"<row><c><v>1</v></c></row>{' ' * 40_000_000}")
    honest = with_part(finals_workbook(), "xl/worksheets/sheet1.xml", part)
    lying = honest.replace(len(part).to_bytes(4, "little"), (300).to_bytes(4, "little"))
    del part
    assert lying != honest
    before = peak_kib()
    text, findings = drafted(lying)
    assert text is None
    assert len(told(findings, "table-unreadable")) == 1
    assert peak_kib() - before < MOST_MIB * 1024


def test_entities_of_xml_are_refused():
    """They can expand without bound, and read other files."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + sheet_xml(
        "<row><c><v>&b;</v></c></row>"
    )
    text, findings = drafted(with_part(finals_workbook(), "xl/worksheets/sheet1.xml", bomb))
    assert text is None
    assert len(told(findings, "table-unreadable")) == 1


def test_an_error_of_excel_is_no_text():
    """A formula that failed."""
    _, findings = drafted(workbook(("S", [["title", "course"], ["A", "#REF!"]])), "w.xlsx")
    assert [place for place, _ in told(findings, "bad-cell")] == ["w.xlsx[S]!B2"]


def test_a_formula_without_its_result_is_refused():
    """A program that computes nothing saved the workbook; an empty result is one too."""
    rows = [["title", "course", "start"], ["A", "cs", "=DATE(2031,12,10)+0.375"]]
    text, findings = drafted(workbook(("S", rows)), "w.xlsx")
    assert text is None
    assert told(findings, "table-unreadable") == [
        ("w.xlsx[S]!C2", "this cell has a formula, and its result is not in the file")
    ]
    cells = '<c t="inlineStr"><is><t>title</t></is></c><c t="inlineStr"><is><t>url</t></is></c>'
    formulas = '<c t="str"><f>"A"&amp;1</f><v>A1</v></c><c t="str"><f>""</f><v></v></c>'
    part = sheet_xml(f"<row>{cells}</row><row>{formulas}</row>")
    text, _ = drafted(with_part(finals_workbook(), "xl/worksheets/sheet1.xml", part))
    assert "title: A1\n" in text


def test_numbers_have_the_zeros_that_a_workbook_shows():
    """Section 001 is the number 1 with a format; a code that is a date or TRUE is not what was typed."""
    book = openpyxl.load_workbook(
        io.BytesIO(workbook(("S", [["title", "section", "access code"], ["A", 1, 42], ["B", 2, True]])))
    )
    for cell, shown in (("B2", "000"), ("C2", "0000"), ("B3", "000")):
        book["S"][cell].number_format = shown
    text, findings = drafted(bytes_of(book), "w.xlsx")
    assert text is None
    assert [place for place, _ in told(findings, "bad-cell")] == ["w.xlsx[S]!C3"]
    book["S"]["C3"].value = "x-Moon"
    text, findings = drafted(bytes_of(book), "w.xlsx")
    assert "a/001:" in text
    assert told(findings, "not-text") == []


def test_all_visible_sheets_are_read():
    """Each has columns of its own."""
    text, _ = drafted(
        workbook(("A", [["title", "course"], ["X", "cs"]]), ("B", [["class", "name"], ["cs", "Y"]]))
    )
    assert text.count("course: cs\n") == 1
    assert "[A] row 2" in text
    assert "[B] row 2" in text


def test_pages_of_quizzes_may_follow_each_other():
    """As `curl` writes the answers of several requests."""
    quiz = {"title": "A", "html_url": "https://c.example.edu/courses/1/quizzes/1", "time_limit": 5}
    pages = (
        json.dumps([quiz])
        + "\n"
        + json.dumps([quiz | {"title": "\ud83d\ude00 B \ud800"}, quiz | {"title": "C"}])
    )
    text, _ = drafted(pages.encode())
    assert text.count("    title: ") == 3
    assert 'title: "😀 B \N{REPLACEMENT CHARACTER}"\n' in text


@given(
    st.binary(max_size=400)
    | st.text(alphabet='title,course;"\n\t[]{}:0123/ AM\0é', max_size=200).map(str.encode)
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_draft_or_a_clear_error(data):
    """Never an exception, and no error without a remedy."""
    for head in (b"", b"title,course,start,password\n", b'[{"title": "A"},', b"PK\x03\x04"):
        text, findings = drafted(head + data)
        assert (text is None) == any(each.severity.value == "error" for each in findings)
        assert all(each.hint and each.span is not None for each in findings if each.code != "too-many")


@given(st.sampled_from([None, *PARTS]), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_a_damaged_workbook_is_a_draft_or_a_clear_error(part, chance: random.Random):
    """Whatever bytes of the file, or of the XML of one of its parts, are changed."""
    data = bytearray(WORKBOOK if part is None else PARTS[part])
    for _ in range(chance.randint(1, 20)):
        data[chance.randrange(len(data))] = chance.choice(b'<>"/ =019AEbdnrstv&;\0\xff')
    text, findings = drafted(bytes(data) if part is None else with_part(WORKBOOK, part, bytes(data)))
    assert (text is None) == any(each.severity.value == "error" for each in findings)
