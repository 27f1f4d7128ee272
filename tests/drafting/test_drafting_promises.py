"""What holds for every table: a draft reads back as its table, is stable, and a check of it finds nothing."""

import csv
import io
import string
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from drafted import drafted, filled, told
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.drafting.cells import Findings
from reconciler.drafting.columns import NO_COLUMNS
from reconciler.drafting.comparing import compare
from reconciler.drafting.table_file import read_table
from reconciler.manifest.loader import load
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Severity
from reconciler.model.payloads import configuration_of

SIGNS = (
    string.punctuation
    + string.ascii_letters
    + string.digits
    + " \n\té日😀\u2028\u202e\ufeff\xa0\N{ZERO WIDTH JOINER}"
)
TEXTS = st.text(alphabet=SIGNS, max_size=30)
"""Texts that a manifest may hold: control characters are refused before."""
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "course": st.sampled_from(
                ["CS 101", "cs-101", "MATH 120", "C++ 1", "C 1", "日本", "", "no", "#1: x"]
            ),
            "title": TEXTS | st.sampled_from(["Final", "final ", "Final, Section 001"]),
            "section": st.sampled_from(["", "001", "002", "a: #b"]),
            "url": st.sampled_from(["https://lms.example.edu/1", "https://lms.example.edu/2?a=b#c", ""]),
            "start": st.sampled_from(
                ["2031-10-12 09:00", "13/10/2031 9:00 AM", "2031-10-12T13:00Z", "TBA", ""]
            ),
            "end": st.sampled_from(["2031-10-14 17:00", "14/10/2031 5:00 PM", "2031-10-14", ""]),
            "duration": st.sampled_from(["90", "1:30", "2 h", ""]),
            "delivery": st.sampled_from(["online", "paper", "in person", ""]),
            "description": TEXTS,
            "access code": st.sampled_from(["", "", "Xq'7 $\"\\z", "ünï#: cöde"]),
        }
    ),
    max_size=8,
)


def table_of(rows):
    """Rows as CSV."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(
        out,
        [
            "course",
            "title",
            "section",
            "url",
            "start",
            "end",
            "duration",
            "delivery",
            "description",
            "access code",
        ],
    )
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def loaded_from(text):
    """What a manifest declares."""
    with TemporaryDirectory() as root:
        (Path(root) / "exams.yaml").write_text(text, encoding="utf-8", newline="")
        return load((), root=Path(root), environment=Environment())


@given(ROWS)
@settings(max_examples=150, deadline=None)
def test_a_draft_reads_back_as_its_table_and_a_check_finds_nothing(rows):
    """Whatever texts the cells hold; exams that a rule takes for one are an error of the table already."""
    data = table_of(rows)
    text, findings = drafted(data)
    if text is None:
        assert {each.code for each in findings if each.severity is Severity.ERROR} <= {
            "duplicate-row",
            "table-unreadable",
        }
        return
    assert drafted(data)[0] == text
    loaded = loaded_from(filled(text))
    assert [each for each in loaded.diagnostics if each.severity is Severity.ERROR] == []
    read = Findings()
    table = read_table(data, "table.csv", read, columns=NO_COLUMNS, order=None)
    by_address = {exam.address: exam for exam in loaded.declared.exams}
    assert by_address.keys() == {exam.address for exam in table.exams}
    for exam in table.exams:
        payload = by_address[exam.address].payload
        assert payload.get("description") == exam.row.values.get(("description",))
        assert not exam.title or payload["title"] == exam.title
        assert ("password" in configuration_of(payload)) is (exam.row.code is not None)
    compared = compare(table.exams, loaded.declared, read)
    assert compared.agrees, [exam for exam in compared.exams if exam.differences or exam.address is None]
    assert not told(read.collected, "no-timezone")


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_an_access_code_is_never_drafted(rows, chance):
    """Neither in the text nor in a message, wherever it stands."""
    code = f"s3cret-{chance.randrange(10**9)}"
    for row in rows:
        row["access code"] = code
        row[chance.choice(["description", "title", "url", "section", "course", "start"])] = code
    text, findings = drafted(table_of(rows))
    assert text is None
    assert code not in repr(findings)


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("title,proctorNotes,access code\nA,the code is moon-7.,moon-7\n", "table.csv:2:2"),
        ("title,proctorTypes,access code\nA,x; moon-7,moon-7\n", "table.csv:2:2"),
        ("title,section,access code\nA,1,moon-7\nB,moon-7,\n", "table.csv:3:2"),
    ],
)
def test_a_text_with_an_access_code_is_an_error_at_its_cell(table, place):
    """Of the same row within a text, of another row as the whole text."""
    text, findings = drafted(table.encode())
    assert text is None
    assert [where for where, _ in told(findings, "code-in-text")] == [place]


def test_a_short_access_code_may_stand_in_texts():
    """`1` is in nearly every title; and the texts of other rows may hold a code as a word."""
    assert drafted(b"title,access code\nQuiz 1,1\nmoon-7 landing,\nA,moon-7\n")[0] is not None


@pytest.mark.parametrize("code", ["a\nb", "a\tb", "a\x07b"])
def test_an_access_code_that_no_student_can_type_is_an_error(code):
    """A line of a shell must hold it."""
    _, findings = drafted(f'title,access code\nA,"{code}"\n'.encode())
    assert [place for place, _ in told(findings, "bad-cell")] == ["table.csv:2:2"]


def test_values_that_most_exams_share_are_defaults():
    """A field that one exam lacks is none; neither is a date that only most share."""
    rows = "A,90,1,2031-10-12 09:00\nB,90,1,2031-10-12 09:00\nC,60,,2031-10-13 09:00\n"
    text, _ = drafted(f"title,duration,attempts,start\n{rows}".encode())
    defaults = text.partition("defaults:")[2].partition("exams:")[0]
    assert "    duration: 90\n" in defaults
    assert "attempts" not in defaults
    assert "examOpenDate" not in defaults
    assert text.count("duration: ") == 2


def test_sids_and_zones_of_the_table_are_no_gaps():
    """One zone is that of the file, several are those of the exams; a course may have a SID and no name."""
    install, known = f"AI{'a' * 32}", f"CU{'b' * 32}"
    head = "title,installSid,course,courseSid,timezone,start\n"
    one = f"A,{install},cs,{known},Europe/Berlin,2031-10-12 09:00\n"
    text, findings = drafted((head + one + f"B,{install},bio,,Europe/Berlin,2031-10-12 09:00\n").encode())
    assert f"installSid: {install}\ntimezone: Europe/Berlin\ncourses:\n  cs: {known}\n#   bio: CU" in text
    gaps = [message for _, message in told(findings, "to-fill-in")]
    assert gaps[0].startswith("`url`")
    assert gaps[1:] == ["the SID of the course 'bio' is to be filled in"]
    text, _ = drafted((head + one + f"B,{install},,{known},Asia/Tokyo,2031-10-12 09:00\n").encode())
    assert text.count("timezone: ") == 2
    assert f"    courseSid: {known}\n" in text
    assert {exam.timezone for exam in loaded_from(filled(text)).declared.exams} == {
        "Europe/Berlin",
        "Asia/Tokyo",
    }


def test_an_exam_on_paper_needs_no_url():
    """A URL of N/A says that it is on paper, and a type of Written that there is no URL."""
    text, findings = drafted(b"title,course,url,type\nA,cs,n/a,\nB,cs,,written\n")
    assert text.count("Written") == 1
    assert text.count("url: N/A") == 2
    assert not [message for _, message in told(findings, "to-fill-in") if "url" in message]


def test_durations_may_be_in_hours_and_counts_unlimited():
    """A column says its unit; what is unlimited is left out."""
    text, _ = drafted(b"title,Duration (hours),attempts\nA,1.5,unlimited\nB,TBA,\n")
    assert "    duration: 90\n" in text
    assert "attempts" not in text


def test_very_many_findings_are_counted():
    """A thousand of a severity are listed, and the last one says how many more there are."""
    rows = "".join(f"Exam {number},soon\n" for number in range(1_200))
    _, findings = drafted(f"title,start\n{rows}".encode())
    assert len(told(findings, "bad-cell")) == 1_000
    assert findings[-1].code == "too-many"
    assert "200 more" in findings[-1].message


def test_a_single_exam_has_no_defaults():
    """There is nobody to share with."""
    text, _ = drafted(b"title,duration\nA,90\n")
    assert "defaults" not in text
    assert "    useProctorManager: true  # assumed\n" in text


def test_names_stay_apart_and_within_their_bounds():
    """Courses that are spelt alike are one; addresses and variables are unique."""
    rows = "".join(
        f"{'x' * 200} {sign},{course},p-{sign}{course}\n" for sign in "?!." for course in ("CS 1", "cs-1")
    )
    _, findings = drafted(f"title,course,access code\n{rows}".encode())
    assert len(told(findings, "duplicate-row")) == 3
    rows = "".join(
        f"{'x' * 200} {sign},{course},p-{sign}{course}\n" for sign in "?!." for course in ("C 1", "C++ 1")
    )
    text, _ = drafted(f"title,course,access code\n{rows}".encode())
    addresses = [line.strip().split(":")[0] for line in text.splitlines() if "# table.csv:" in line]
    assert len(set(addresses)) == 6
    assert max(map(len, addresses)) <= 128
    assert text.count("fromEnv: ") == len(set(text.split("fromEnv: "))) - 1 == 6
