"""From one term to the next on the command line: nothing that is marked is applied, and nothing twice."""

import itertools
import re

import pytest
from exam_workspace import Workspace
from rolled import CU, DEFAULTS, HEAD, NEW, OLD, put, workspace

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

ROLLOVER = ("rollover", "--from", "2031fa", "--to", "2032sp", "exams/2031fa")
TEXT = f"""{HEAD}courses:
  cs101: {CU} # the lecture
{DEFAULTS}exams:
  cs101/midterm:
    course: cs101
    title: Midterm {{section}}
    url: https://lms.example.edu/1
    configuration: {{password: {{fromEnv: EXAM_SECRET_CS}}, examOpenDate: 2031-10-06T09:00, duration: 9}}
    sections: {{"001": {{}}, "002": {{}}}}
  cs101/final:
    courseSid: {CU}
    title: Final
    url: https://lms.example.edu/2
    configuration: {{password: {{fromFile: final.txt}}, apiExamId: f1}}
imports: [{{exam: cs101/final, sid: EX1234567890abcdef1234567890abcdef}}]
"""
FILLED = {
    "fromEnv: EXAM_SECRET_TODO": "fromEnv: EXAM_SECRET_CS",
    "fromFile: TODO": "fromFile: final.txt",
    "url: TODO": "url: https://lms.example.edu/{}",
    "apiExamId: TODO": "apiExamId: f{}",
    "courseSid: TODO": f"courseSid: {CU.replace('1', 'f')}",
    "2032sp-cs101: TODO": f"2032sp-cs101: {CU.replace('1', 'e')}",
}
"""What a person writes in place of each mark."""


@pytest.fixture
def rolled_over(tmp_path):
    """A workspace whose fall is declared, and whose spring was made from it."""
    made = Workspace(tmp_path)
    put(tmp_path, OLD, TEXT)
    put(tmp_path, "secrets/final.txt", "correct horse")
    workspace(tmp_path, more='manifests: ["exams/**/*.yaml"]\n')
    made.run(*ROLLOVER)
    made.written = made.printed
    return made


def fill_in(opened, marks=FILLED):
    """Fill in `marks` in the new file, with a number of its own in each place."""
    text, numbers = (opened.root / NEW).read_text(), itertools.count(100)
    for mark in marks:
        text = re.sub(re.escape(mark), lambda _, mark=mark: FILLED[mark].format(next(numbers)), text)
    put(opened.root, NEW, text)


def test_each_mark_is_listed_with_its_place(rolled_over):
    """As file and line, in the order of the file."""
    lines = (rolled_over.root / NEW).read_text().splitlines()
    listed = re.findall(rf"^{NEW}:(\d+):(\d+): fill in", rolled_over.written, re.MULTILINE)
    marked = [number for number, line in enumerate(lines, 1) for _ in re.findall("TODO", line)]
    assert [int(number) for number, _ in listed] == marked
    assert all("TODO" in lines[int(line) - 1][int(column) - 1 :] for line, column in listed)


@pytest.mark.parametrize("mark", FILLED)
def test_whoever_forgets_one_mark_cannot_apply(rolled_over, mark):
    """Validate and apply name it, at its place; no setting and no comment turns that off."""
    put(
        rolled_over.root,
        "reconciler.yaml",
        (rolled_over.root / "reconciler.yaml").read_text() + "rules: {placeholder: off}\n",
    )
    fill_in(rolled_over, [each for each in FILLED if each != mark])
    text = (rolled_over.root / NEW).read_text()
    silenced = re.sub(rf"(?m)^(.*{mark}.*)$", r"\1 # reconciler: ignore[placeholder] later", text)
    put(rolled_over.root, NEW, silenced)
    lines = {number for number, line in enumerate(text.splitlines(), 1) if mark in line}
    printed = rolled_over.refused("validate")
    assert {int(line) for line in re.findall(rf"^{NEW}:(\d+):\d+: error", printed, re.MULTILINE)} == lines
    rolled_over.run("init")
    assert f"{NEW}:{min(lines)}:" in rolled_over.refused(
        "apply", "--auto-approve", "--api-url", "http://127.0.0.1:9"
    )


def test_a_year_is_created_once(rolled_over):
    """The spring's exams are new, in other courses, the fall's are as they were, and the plan ends empty."""
    secrets = ("--secrets-dir", "secrets")
    with running(Settings(port=0)) as server:
        rolled_over.run("init")
        put(rolled_over.root, OLD, TEXT.replace("imports:", "# imports:"))
        report = rolled_over.apply(server.url, *secrets, OLD)
        assert report["summary"]["created"] == 3
        fill_in(rolled_over)
        report = rolled_over.apply(server.url, *secrets)
        assert sorted(each["address"] for each in report["exams"]) == [
            "2032sp/cs101/final",
            "2032sp/cs101/midterm/001",
            "2032sp/cs101/midterm/002",
        ]
        assert report["summary"]["created"] == 3
        rolled_over.run("plan", "--detailed-exitcode", "--api-url", server.url)
    spring = rolled_over.state["exams"]["2032sp/cs101/midterm/001"]
    assert spring["courseSid"] == CU.replace("1", "e")
    assert spring["payload"]["configuration"]["examOpenDate"] == "2032-02-23T14:00:00.000Z"


def test_a_second_rollover_refuses_and_changes_nothing(rolled_over):
    """What a person filled in is never lost."""
    fill_in(rolled_over)
    before = (rolled_over.root / NEW).read_bytes()
    assert f"{NEW} exists already" in rolled_over.refused(*ROLLOVER)
    assert (rolled_over.root / NEW).read_bytes() == before


def test_what_stops_it_is_told_with_its_place(tmp_path):
    """A mistake in a manifest, an unknown term, and a path that is none; state is never touched."""
    made = Workspace(tmp_path)
    workspace(tmp_path, TEXT.replace("title: Final", "titles: Final"))
    assert re.search(rf"^{OLD}:22:5: error\[unknown-field\]", made.refused(*ROLLOVER), re.MULTILINE)
    assert "did you mean '2031fa'?" in made.refused("rollover", "--from", "2031f", "--to", "2032sp", "exams")
    assert "nowhere cannot be read" in made.refused(*ROLLOVER[:-1], "nowhere")
    assert "the following arguments are required: PATH" in made.refused(*ROLLOVER[:-1])
    assert not list(tmp_path.glob("exams.state.json*"))


def test_a_course_of_another_term_is_never_suggested(rolled_over):
    """Whoever followed that would create the spring's exam in the fall's course."""
    text = (rolled_over.root / NEW).read_text()
    put(rolled_over.root, NEW, text.replace("  2032sp-cs101: TODO", f"  cs101: {CU}\n  2031fa-cs101: {CU}"))
    printed = rolled_over.refused("validate")
    assert "no course is called '2032sp-cs101'" in printed
    assert "did you mean" not in printed
