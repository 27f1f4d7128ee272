"""`draft` and `check` as commands: streams, exit codes, access codes, and formats."""

import json
import os
import subprocess
import sys

import pytest
from drafted import filled
from exam_workspace import Workspace
from jsonschema import Draft202012Validator
from workbooks import finals_workbook

from reconciler import schemas

CODE = "Xq'7 moon"
TABLE = f"""Course,Exam Name,URL,Window Start,Window End,Duration,Access Code
CS 101,Midterm,https://lms.example.edu/1,10/13/2031 9:00 AM,10/14/2031 5:00 PM,90,{CODE}
CS 101,Final,https://lms.example.edu/2,12/14/2031 9:00 AM,12/15/2031 5:00 PM,120,
"""


@pytest.fixture
def workspace(tmp_path):
    """An empty workspace with a table of two exams."""
    made = Workspace(tmp_path)
    made.write(TABLE, "finals.csv")
    return made


def drafted(workspace, *options):
    """Draft the table into exams.yaml, its gaps filled, and return the draft."""
    text = workspace.run("draft", "--from", "finals.csv", *options)
    workspace.write(filled(text))
    return text


def test_a_draft_is_planned_once_its_gaps_are_filled(workspace):
    """The manifest is standard output, and standard error names what to fill in."""
    text = drafted(workspace)
    for gap in ("`installSid`", "`timezone`", "the SID of the course 'cs101'", "access codes (1)"):
        assert gap in workspace.printed
    assert "finals.csv:1:1: warning[to-fill-in]" in workspace.printed
    assert CODE not in workspace.printed
    workspace.run("init")
    assert "2 exams will be created" in workspace.run("plan")
    assert text == workspace.run("--chdir", ".", "draft", "--from", "finals.csv")


def test_a_table_with_a_mistake_is_not_drafted(workspace):
    """Standard output stays empty; all mistakes are named, and no file of access codes is written."""
    workspace.write(TABLE.replace("90,", "long,").replace("12/14/2031 9:00 AM", "soon"), "finals.csv")
    assert workspace.run("draft", "--from", "finals.csv", "--secrets-out", "codes.env", expect=1) == ""
    assert (
        "finals.csv:2:6: error[bad-cell]: column 'Duration': this cannot be `duration`" in workspace.printed
    )
    assert "finals.csv:3:4: error[bad-cell]" in workspace.printed
    assert not (workspace.root / "codes.env").exists()


def test_access_codes_go_to_a_new_file_for_a_shell(workspace):
    """Only its owner may read it, a shell reads it back, and it is never written over."""
    text = drafted(workspace, "--secrets-out", "codes.env")
    assert "fromEnv: EXAM_SECRET_CS101_MIDTERM}" in text
    assert "access codes" not in workspace.printed
    file = workspace.root / "codes.env"
    assert file.stat().st_mode & 0o777 == 0o600
    shell = ["sh", "-c", '. ./codes.env && printf %s "$EXAM_SECRET_CS101_MIDTERM"']
    assert (
        subprocess.run(shell, cwd=workspace.root, capture_output=True, check=True, text=True).stdout == CODE
    )
    before = file.read_bytes()
    printed = workspace.refused("draft", "--from", "finals.csv", "--secrets-out", "codes.env")
    assert "exists already" in printed
    assert "version: 1" not in printed
    assert file.read_bytes() == before
    (workspace.root / "link").symlink_to("elsewhere")
    assert "exists already" in workspace.refused("draft", "--from", "finals.csv", "--secrets-out", "link")
    assert not (workspace.root / "elsewhere").exists()


def test_a_draft_goes_to_a_new_file_or_nowhere(workspace):
    """All files that options name are written, or none; a manifest is readable for others."""
    both = ("draft", "--from", "finals.csv", "--out", "exams/finals.yaml", "--secrets-out", "codes.env")
    assert workspace.run(*both) == "Drafted 2 exams: exams/finals.yaml\n"
    manifest, codes = workspace.root / "exams/finals.yaml", workspace.root / "codes.env"
    assert manifest.read_text() == workspace.run("draft", "--from", "finals.csv")
    assert (manifest.stat().st_mode & 0o444, codes.stat().st_mode & 0o777) == (0o444, 0o600)
    manifest.write_text("mine")
    codes.unlink()
    assert "exams/finals.yaml exists already" in workspace.refused(*both)
    assert (manifest.read_text(), codes.exists()) == ("mine", False)
    manifest.unlink()
    codes.write_text("mine")
    assert "codes.env exists already" in workspace.refused(*both)
    assert (manifest.exists(), codes.read_text()) == (False, "mine")
    codes.unlink()
    assert "exists already" in workspace.refused(*both[:-1], "exams/finals.yaml")
    assert not manifest.exists()
    workspace.write(TABLE.replace("90,", "long,"), "finals.csv")
    assert "Nothing was drafted" in workspace.refused(*both)
    assert not manifest.exists()
    assert not codes.exists()


ENVIRONMENT = f"""installSid: AI{"1" * 32}, timezone: America/New_York, courses: {{cs101: CU{"1" * 32}}}"""


def test_what_every_environment_defines_is_no_gap(workspace):
    """One that lacks it is enough to have it marked; so does a course that none knows."""
    workspace.write(f"version: 1\nenvironments:\n  a: {{{ENVIRONMENT}}}\n", "reconciler.yaml")
    text = workspace.run("draft", "--from", "finals.csv")
    assert "TO FILL IN" not in text.partition("version: 1")[2]
    assert "to be filled in" not in workspace.printed
    workspace.write(text)
    workspace.run("validate")
    workspace.write(TABLE.replace("CS 101,Final", "CS 330,Final"), "finals.csv")
    text = workspace.run("draft", "--from", "finals.csv")
    assert "#   cs330: CU…\n" in text
    assert "cs101: CU" not in text
    assert "finals.csv:3:1: warning[to-fill-in]: the SID of the course 'cs330'" in workspace.printed
    with (workspace.root / "reconciler.yaml").open("a") as file:
        file.write("  b: {}\n")
    text = workspace.run("draft", "--from", "finals.csv")
    for gap in ("# installSid:", "# timezone:", "#   cs101: CU…\n"):
        assert gap in text


def test_dates_and_columns_are_told_by_options(workspace):
    """--dates and --map; a mistake in the map is at its place."""
    workspace.write("Kurs;Name;Anfang\ncs;A;3/4/2031 9:00\n", "finals.csv")
    workspace.write("Kurs: course\nAnfang: examOpenDate\n", "map.yaml")
    assert "error[ambiguous-date]" in workspace.refused("draft", "--from", "finals.csv", "--map", "map.yaml")
    told = workspace.run("draft", "--from", "finals.csv", "--map", "map.yaml", "--dates", "dmy")
    assert "examOpenDate: 2031-04-03T09:00" in told
    workspace.write("Kurs: curse\n", "map.yaml")
    printed = workspace.refused("draft", "--from", "finals.csv", "--map", "map.yaml")
    assert "map.yaml:1:7: error[not-a-column]" in printed
    assert "did you mean 'course'?" in printed


def test_a_table_may_come_from_standard_input(workspace):
    """As from `curl`; one that is not there is an error without a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "draft", "--from", "-"],
        input=TABLE.encode(),
        capture_output=True,
        check=True,
    )
    assert b"# standard input:2\n" in done.stdout
    assert "nowhere.csv" in workspace.refused("draft", "--from", "nowhere.csv")


def test_a_check_of_a_draft_finds_nothing(workspace):
    """It needs no state, and says so in both formats."""
    drafted(workspace)
    assert workspace.run("check", "--against", "finals.csv") == "2 exams: 2 the same.\n"
    found = json.loads(workspace.run("check", "--against", "finals.csv", "--format", "json"))
    Draft202012Validator(schemas.load("check")).validate(found)
    assert found["agrees"] is True
    assert [exam["matchedBy"] for exam in found["exams"]] == ["url", "url"]
    assert not (workspace.root / "exams.state.json").exists()


def test_a_check_says_what_differs_and_by_what_it_was_matched(workspace):
    """Exams on one side only, fields, and whether there is an access code, never which."""
    drafted(workspace)
    table = TABLE.replace("Midterm", "Midterm 1").replace("9:00 AM,10/14", "9:30 AM,10/14").replace(CODE, "")
    table = table.replace("CS 101,Final,https://lms.example.edu/2", "CS 101,Quiz,https://lms.example.edu/3")
    workspace.write(table, "finals.csv")
    told = workspace.run("check", "--against", "finals.csv", expect=1)
    for line in (
        "finals.csv:2:1: cs101/midterm differs (matched by url; declared at exams.yaml:",
        '    title: "Midterm 1" in the table, "Midterm" declared\n',
        "    configuration.examOpenDate: Mon 2031-10-13 09:30 EDT in the table, Mon 2031-10-13 09:00 EDT",
        "    configuration.password: no access code in the table, an access code declared\n",
        "finals.csv:3:1: Quiz (cs101/quiz) is not declared\n",
        "cs101/final is not in the table\n",
        "3 exams: 1 different, 1 only in the table, 1 only declared.\n",
    ):
        assert line in told
    found = json.loads(workspace.run("check", "--against", "finals.csv", "--format", "json", expect=1))
    Draft202012Validator(schemas.load("check")).validate(found)
    assert found["summary"] == {"same": 0, "different": 1, "onlyInTable": 1, "onlyDeclared": 1}
    assert found["exams"][0]["differences"][-1] == {
        "field": "configuration.password",
        "table": False,
        "declared": True,
    }


def test_a_check_against_an_unreadable_table_fails(workspace):
    """In JSON the document says so; a mistake in a manifest is told as by `plan`."""
    drafted(workspace)
    workspace.write("Room\n1\n", "finals.csv")
    found = json.loads(workspace.run("check", "--against", "finals.csv", "--format", "json", expect=1))
    Draft202012Validator(schemas.load("check")).validate(found)
    assert found["agrees"] is False
    assert [each["code"] for each in found["diagnostics"]] == ["table-unreadable"]
    assert "error[table-unreadable]" in workspace.refused("check", "--against", "finals.csv")
    workspace.write("version: 1\nexams: 1\n")
    assert "exams.yaml:2:8: error" in workspace.refused("check", "--against", "finals.csv")


def test_cells_of_workbooks_have_their_own_places(workspace):
    """In text and in JSON."""
    (workspace.root / "finals.xlsx").write_bytes(finals_workbook())
    workspace.write(filled(workspace.run("draft", "--from", "finals.xlsx")))
    assert "finals.xlsx[Finals 2032]!F5: warning[not-text]" in workspace.printed
    found = json.loads(workspace.run("check", "--against", "finals.xlsx", "--format", "json"))
    Draft202012Validator(schemas.load("check")).validate(found)
    assert found["exams"][0]["table"] == {
        "file": "finals.xlsx",
        "sheet": "Finals 2032",
        "line": 5,
        "column": 1,
    }
    assert {each["sheet"] for each in found["diagnostics"]} == {"Finals 2032", "Notes"}


def test_without_the_extra_a_workbook_says_what_to_install(workspace):
    """CSV needs no extra."""
    (workspace.root / "finals.xlsx").write_bytes(finals_workbook())
    (workspace.root / "sitecustomize.py").write_text("import sys\nsys.modules['openpyxl'] = None\n")
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "draft", "--from", "finals.xlsx"],
        cwd=workspace.root,
        env={**os.environ, "PYTHONPATH": str(workspace.root)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 1
    assert "a workbook needs the package openpyxl" in done.stderr
    assert "exam-reconciler[xlsx]" in done.stderr
