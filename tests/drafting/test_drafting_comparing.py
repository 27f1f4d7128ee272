"""Exams of a table are matched with declarations by the surest key, and compared field by field."""

import pytest
from drafted import told
from exam_workspace import MANIFEST

from reconciler.drafting.cells import Findings
from reconciler.drafting.columns import NO_COLUMNS
from reconciler.drafting.comparing import compare
from reconciler.drafting.table_file import read_table
from reconciler.manifest.loader import load
from reconciler.model.destination import Environment

SID = f"EX{'1' * 32}"
EXAMS = f"""
  2031fa/cs/final:
    course: cs
    title: Final
    url: https://lms.example.edu/1
    configuration: {{examOpenDate: 2031-10-12T09:00, examCloseDate: 2031-10-14T17:00, duration: 90}}
  cs/quiz:
    course: cs
    title: Quiz  1
    url: N/A
    configuration: {{duration: 15.0}}
  cs/old:
    course: cs
    title: Old
    url: N/A
imports: [{{exam: cs/old, sid: {SID}}}]
"""


@pytest.fixture
def compared(tmp_path):
    """A function that compares a table with the exams above, or with other text of the manifest."""

    def run(table, manifest=MANIFEST + EXAMS):
        (tmp_path / "exams.yaml").write_text(manifest)
        declared = load((), root=tmp_path, environment=Environment()).declared
        assert declared.exams
        findings = Findings()
        exams = read_table(table.encode(), "t.csv", findings, columns=NO_COLUMNS, order=None).exams
        return compare(exams, declared, findings), findings.collected

    return run


def pairs(comparison):
    """Address and key of each exam of the table that is declared."""
    return [(exam.address, exam.matched_by) for exam in comparison.exams if exam.matched_by]


@pytest.mark.parametrize(
    ("table", "pair"),
    [
        (f"title,sid\nAnother,{SID}\n", ("cs/old", "sid")),
        ("title,address\nAnother,cs/quiz\n", ("cs/quiz", "address")),
        ("title,url\nAnother,https://lms.example.edu/1\n", ("2031fa/cs/final", "url")),
        (f"title,courseSid\nFINAL,CU{'1234567890abcdef' * 2}\n", ("2031fa/cs/final", "course and title")),
        ("title,course\nquiz 1,C-S\n", ("cs/quiz", "course and title")),
        ("title,course\nQuiz!,CS\n", ("cs/quiz", "address")),
        ("title,course\nFinal?,CS\n", ("2031fa/cs/final", "address in a term")),
        ("title,attempts\nold,1\n", ("cs/old", "title")),
    ],
)
def test_an_exam_is_matched_by_the_surest_key(compared, table, pair):
    """And the comparison says which it was."""
    assert pairs(compared(table)[0]) == [pair]


@pytest.mark.parametrize(
    "table", ["title,course\nFinal,bio\n", "title,url\nX,N/A\n", "course,attempts\nbio,1\n"]
)
def test_exams_of_other_courses_or_without_a_key_are_not_matched(compared, table):
    """Nobody would take them for one exam."""
    assert pairs(compared(table)[0]) == []


def test_a_key_that_two_exams_share_matches_nothing(compared):
    """An extra-time twin has the URL of the other exam; course and title then decide."""
    url = "https://lms.example.edu/1"
    table = f"title,course,url\nFinal,cs,{url}\nFinal (extra time),cs,{url}\n"
    assert pairs(compared(table)[0]) == [("2031fa/cs/final", "course and title")]


def test_equal_values_are_equal_however_they_are_written(compared):
    """Times in the zone of the declaration, numbers, case and blanks of a title by which it was matched."""
    table = (
        "title,course,start,end,duration\n"
        "Final,cs,2031-10-12T13:00Z,Oct 14 2031 5:00 PM,1:30\nQuiz  1,cs,,,15 min\nOld,cs,,,\n"
    )
    comparison, findings = compared(table)
    assert [exam.differences for exam in comparison.exams if exam.address != "cs/quiz"] == [(), ()]
    assert not findings


def test_fields_that_disagree_are_named_with_both_values(compared):
    """A title, a time, a number; not what the table leaves open."""
    names = "title,url,start,duration,attempts,access code\n"
    table = names + "Finals,https://lms.example.edu/1,2031-10-12 10:00,,2,\n"
    comparison, _ = compared(table)
    assert [(each.field, each.table, each.declared) for each in comparison.exams[0].differences] == [
        ("title", "Finals", "Final"),
        ("configuration.attempts", 2, 1),
        ("configuration.examOpenDate", "2031-10-12T14:00:00.000Z", "2031-10-12T13:00:00.000Z"),
        ("configuration.password", False, True),
    ]


def test_local_times_without_a_zone_cannot_be_compared(compared):
    """That is an error at the cell; a column for the zone helps."""
    manifest = (MANIFEST + EXAMS).replace("timezone: America/New_York\n", "").replace("T09:00,", "T13:00Z,")
    manifest = manifest.replace("T17:00,", "T21:00Z,")
    _, findings = compared("title,course,start\nFinal,cs,2031-10-12 09:00\n", manifest)
    assert [place for place, _ in told(findings, "no-timezone")] == ["t.csv:2:3"]
    zoned = "title,course,start,time zone\nFinal,cs,2031-10-12 09:00,America/New_York\n"
    comparison, findings = compared(zoned, manifest)
    assert not findings
    assert comparison.exams[0].differences == ()


def test_a_time_that_a_clock_change_skips_is_an_error_at_its_cell(compared):
    """As in a manifest."""
    _, findings = compared("title,course,start\nFinal,cs,2031-03-09 02:30\n")
    assert [place for place, _ in told(findings, "local-time-skipped")] == ["t.csv:2:3"]
