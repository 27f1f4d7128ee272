"""Columns by their names: synonyms, headers of several rows, the file of --map, and what is not read."""

import re
from pathlib import Path

import pytest
from drafted import drafted, told

from reconciler.drafting.cells import Findings
from reconciler.drafting.column_map import MAX_MAP_BYTES, read_column_map
from reconciler.drafting.fields import SYNONYMS, fields, folded_name
from reconciler.drafting.table_dates import ORDERS


def mapped(text):
    """The columns of a file of --map, and what is wrong with it."""
    findings = Findings()
    return read_column_map(text, "map.yaml", findings), findings.collected


def test_no_synonym_stands_for_two_fields():
    """Nor for a field with that name."""
    words = [folded_name(word) for name, listed in SYNONYMS.items() for word in (name, *listed.split(", "))]
    assert sorted(words) == sorted(set(words))
    others = {folded_name(name) for name in fields() if name not in SYNONYMS}
    assert not others & set(words)


def test_the_documentation_lists_the_names_of_columns():
    """As they are, and in this order."""
    text = (Path(__file__).parents[2] / "docs" / "draft.md").read_text(encoding="utf-8")
    table = text.partition("| field | columns")[2].partition("| `address`")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)) == SYNONYMS


@pytest.mark.parametrize(
    "head",
    [
        "Exam Name,Exam Section,Window Start,Window End,Duration,Delivery Method",
        "EXAM NAME,exam_section,window-start,Window  End,duration (minutes),deliverymethod",
        "title,section,examOpenDate,examCloseDate,duration,type",
        "quiz title,Section,unlock_at,lock_at,time_limit,format",
    ],
)
def test_columns_are_known_by_many_names(head):
    """Case, blanks and punctuation do not count."""
    text, findings = drafted(f"{head}\nFinal,001,2031-10-12 09:00,2031-10-12 12:00,90,online\n".encode())
    assert not told(findings, "not-read")
    for line in (
        "final/001:",
        "examOpenDate: 2031-10-12T09:00",
        "examCloseDate: 2031-10-12T12:00",
        "duration: 90",
    ):
        assert line in text
    assert "type: Online\n" in text


def test_fields_of_the_api_are_columns_by_their_own_names():
    """Texts, numbers, booleans and lists."""
    text, findings = drafted(
        b"title,permittedNotes,attempts,proctorTypes,status,contactUserSid\nA,yes,2,a; b,ACTIVE,x\n"
    )
    assert not told(findings, "not-read")
    for line in ("permittedNotes: true", "attempts: 2", 'proctorTypes: ["a", "b"]', "status: active"):
        assert f"{line}\n" in text


def test_unknown_columns_are_named_once():
    """At the row of the names, and never what they hold."""
    _, findings = drafted(b"title,course,Room,Seats\nA,b,secret,1\nB,b,secret,1\n")
    assert told(findings, "not-read") == [("table.csv:1:1", "these columns are not read: 'Room', 'Seats'")]


def test_two_columns_for_one_field_are_an_error_that_names_both():
    """The remedy is a line of --map."""
    text, findings = drafted(b"title,course,Exam Name\nA,b,c\n")
    assert text is None
    assert told(findings, "two-columns") == [
        ("table.csv:1:3", "the columns 'title' and 'Exam Name' both hold `title`")
    ]
    columns, wrong = mapped(b"Exam Name: ignore\n")
    assert not wrong
    assert drafted(b"title,course,Exam Name\nA,b,c\n", columns=columns)[0] is not None


def test_a_map_says_what_other_columns_hold():
    """It wins over what a name means otherwise."""
    columns, wrong = mapped("Prüfung: title\nAnfang: examOpenDate\nName: ignore\n".encode())
    assert not wrong
    text, findings = drafted(
        "Prüfung;Anfang;Name\nKlausur;2031-10-12 09:00;X\n".encode("cp1252"), columns=columns
    )
    assert "title: Klausur\n" in text
    assert "examOpenDate: 2031-10-12T09:00\n" in text
    assert [code for code in {each.code for each in findings} if code in {"not-read", "two-columns"}] == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"a: heading\n", "map.yaml:1:4"),
        (b"a: 1\n", "map.yaml:1:4"),
        (b"a: [title]\n", "map.yaml:1:4"),
        (b"- title\n", "map.yaml:1:1"),
        (b"", "map.yaml:1:1"),
        (b"a: &x title\nb: *x\na: title\n", "map.yaml:3:1"),
        (b"a: " + b"[" * 10_000, "map.yaml:1:"),
        (b"#" * (MAX_MAP_BYTES + 1), "map.yaml:1:1"),
    ],
)
def test_mistakes_in_a_map_have_a_place_and_a_remedy(text, place):
    """It is bounded and checked as every YAML file is."""
    _, wrong = mapped(text)
    assert [str(each.span.start).startswith(place) for each in wrong] == [True]
    assert wrong[0].hint


def test_titles_and_groups_may_stand_above_the_names():
    """A group is a part of the name where that makes a known one."""
    names = b"Finals,,,,\nExam,,Booking,,Duration\nName,Course,Start,End,\n"
    table = names + b"A,cs,2031-10-01 09:00,2031-10-02 09:00,90\n"
    text, findings = drafted(table)
    assert not told(findings, "not-read")
    assert "scheduleOpenDate: 2031-10-01T09:00\n" in text
    assert "duration: 90\n" in text


def test_repeated_names_and_empty_rows_are_skipped():
    """As a print-out of several pages has them; a row with a single cell is named."""
    text, findings = drafted(
        b"title,course,attempts\nA,cs,1\n,,\n\ntitle,course,attempts\nMathematics,,\nB,cs,1\n"
    )
    assert text.count("  # table.csv:") == 2
    assert told(findings, "not-read") == [
        ("table.csv:6:1", "this row is not read, because it has a single cell")
    ]


@pytest.mark.parametrize(
    "table", [b"", b"\n\n", b"Room,Seats\nA,1\n", b"title,course\n", b"title,course\n,\n"]
)
def test_a_table_without_exams_is_an_error(table):
    """With what to do next."""
    text, findings = drafted(table)
    assert text is None
    assert [each.code for each in findings] == ["table-unreadable"]
    assert findings[0].hint


@pytest.mark.parametrize(
    ("head", "cell"),
    [
        ("duration", "long"),
        ("attempts", "-1"),
        ("permittedNotes", "perhaps"),
        ("status", "open"),
        ("sid", "EX1"),
        ("courseSid", "CU1"),
        ("installSid", "AI1"),
        ("address", "a//b"),
        ("timezone", "Mars"),
        ("studentNotes", "a\x07b"),
        ("section", "a\x07b"),
        ("description", "#REF!"),
    ],
)
def test_a_cell_that_its_field_cannot_take_is_an_error_at_its_place(head, cell):
    """What it holds is not shown."""
    text, findings = drafted(f"title,{head}\nA,{cell}\n".encode())
    assert text is None
    assert [place for place, _ in told(findings, "bad-cell")] == ["table.csv:2:2"]
    assert findings[0].hint
    assert cell not in findings[0].message


def test_a_row_with_too_many_cells_is_an_error():
    """Its cells would be taken for other fields."""
    _, findings = drafted(b"title,attempts\nFinal, part A,1\n")
    assert told(findings, "bad-cell") == [("table.csv:2:3", "this row has more cells than there are columns")]
    assert told(findings, "table-unreadable") == []  # one message for one mistake


@pytest.mark.parametrize(
    ("table", "place"),
    [
        (b"title,course\nA,cs 1\na ,CS-1\n", "table.csv:3:1"),
        (b"title,course,section\nA,cs,1\nB,cs,1\nA,cs,1\n", "table.csv:4:1"),
        (b"title,address\nA,x/y\nB,x/y\n", "table.csv:3:2"),
        (b"title,sid\nA,EX%s\nB,EX%s\n" % (b"1" * 32, b"1" * 32), "table.csv:3:2"),
    ],
)
def test_two_rows_of_one_exam_are_an_error(table, place):
    """The second is named, and where the first is."""
    _, findings = drafted(table)
    assert [where for where, _ in told(findings, "duplicate-row")] == [place]
    assert "names the exam of table.csv:2:" in told(findings, "duplicate-row")[0][1]
    (found,) = (each for each in findings if each.code == "duplicate-row")
    assert "its own title, section, SID or `address`" in found.hint


def test_contradictions_between_rows_are_errors():
    """A course with two SIDs, and a second install."""
    sids = (b"1" * 32, b"2" * 32)
    _, findings = drafted(b"title,course,courseSid\nA,cs,CU%s\nB,cs,CU%s\n" % sids)
    assert [place for place, _ in told(findings, "bad-cell")] == ["table.csv:3:3"]
    _, findings = drafted(b"title,installSid\nA,AI%s\nB,AI%s\n" % sids)
    assert [place for place, _ in told(findings, "bad-cell")] == ["table.csv:3:2"]


def test_the_orders_are_those_of_the_option():
    """As the help lists them."""
    assert ORDERS == ("mdy", "dmy", "ymd")
