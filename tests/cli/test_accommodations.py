"""Versions of an exam with extra time, and whom to assign to them."""

import json

import jsonschema
import pytest
from exam_workspace import MANIFEST, Workspace

from reconciler import schemas
from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

HEAD = MANIFEST.replace("courses: {cs:", "courses: {cs101:")
STANDARD = """\
  cs101/midterm:
    course: cs101
    title: Midterm Exam
    url: https://lms.example.edu/quiz/1
    configuration:
      examOpenDate: 2031-10-13T09:00
      examCloseDate: 2031-10-13T17:00
      duration: 90
      password: {fromEnv: EXAM_SECRET_CS101_MIDTERM}
"""
EXAMS = f"""\
{STANDARD}\
    sections:
      standard: {{}}
      time-150:
        title: Midterm Exam B
        isLimitedScope: true
        assignees: [list 7 of the disability office]
        configuration: {{duration: 135}}
      time-200:
        title: Midterm Exam C
        isLimitedScope: true
        assignees: [list 8 of the disability office]
        configuration: {{duration: 180}}
"""
MOVED = "moved: [{from: cs101/midterm, to: cs101/midterm/standard}]\n"
EXISTING = f"EX{'9' * 32}"


@pytest.fixture
def workspace(tmp_path):
    """A workspace that declares three versions of an exam."""
    workspace = Workspace(tmp_path)
    workspace.variables["EXAM_SECRET_CS101_MIDTERM"] = "another secret"
    workspace.write(HEAD + EXAMS)
    workspace.run("init")
    return workspace


def checked(report):
    """A report that fits its schema."""
    jsonschema.Draft202012Validator(schemas.load("report")).validate(report)
    return report


def test_versions_are_created_and_listed(workspace):
    """Three exams differ as declared, assignees are not sent, and the list has what is to be done."""
    assert "3 exams, no problems found" in workspace.run("validate")
    with running(Settings(port=0)) as sandbox:
        workspace.run(
            "apply", "--auto-approve", "--api-url", sandbox.url, "--out", "r.json", "--summary", "r.md"
        )
        sent = {one["body"]["title"]: one["body"] for one in sandbox.created}
    text = workspace.printed
    assert [one["configuration"]["duration"] for _, one in sorted(sent.items())] == [90, 135, 180]
    assert "disability" not in json.dumps([*sent.values(), workspace.state])
    report = checked(json.loads((workspace.root / "r.json").read_text()))
    sids = {address: entry["sid"] for address, entry in workspace.state["exams"].items()}
    assert report["assignments"] == [
        {
            "address": f"cs101/midterm/{name}",
            "sid": sids[f"cs101/midterm/{name}"],
            "title": title,
            "assignees": [f"list {number} of the disability office"],
        }
        for name, title, number in (("time-150", "Midterm Exam B", 7), ("time-200", "Midterm Exam C", 8))
    ]
    assert (
        "Only students who are assigned to these exams can take them. Assign them in SmarterProctoring:\n"
        f"  {sids['cs101/midterm/time-150']}  cs101/midterm/time-150  Midterm Exam B\n"
        "    list 7 of the disability office\n"
    ) in text
    markdown = (workspace.root / "r.md").read_text()
    assert "| To assign | Course | Who | SID |" in markdown
    assert "list 7 of the disability office" in markdown
    assert markdown.count(sids["cs101/midterm/standard"]) == 1


def test_nothing_is_listed_twice(workspace):
    """The list is of this run: a second apply has nothing to assign, and changed assignees change nothing."""
    with running(Settings(port=0)) as sandbox:
        assert len(checked(workspace.apply(sandbox.url))["assignments"]) == 2
        workspace.write(HEAD + EXAMS.replace("list 7", "list 17"))
        assert "assignments" not in checked(workspace.apply(sandbox.url))
    assert "up to date" in workspace.run("plan")


def test_assignees_may_hold_placeholders(workspace):
    """As any text of an exam with sections, also where the exam says them for all."""
    shared = EXAMS.replace("        assignees: [list 7 of the disability office]\n", "", 1)
    shared = shared.replace("    sections:", '    assignees: ["{course}, {section}"]\n    sections:')
    workspace.write(HEAD + shared.replace("standard: {}", "standard: {assignees: []}"))
    with running(Settings(port=0)) as sandbox:
        report = checked(workspace.apply(sandbox.url))
    assert [one["assignees"] for one in report["assignments"]] == [
        ["cs101, time-150"],
        ["list 8 of the disability office"],
    ]


def test_adopted_exams_are_listed_too(workspace):
    """An adopted exam may still lack its students; one in doubt is not listed."""
    block = f"imports: [{{exam: cs101/midterm/time-150, sid: {EXISTING}}}]\n"
    workspace.write(HEAD + EXAMS + block)
    with running(Settings(port=0)) as sandbox:
        sandbox.misbehave("drop-after")
        report = checked(workspace.apply(sandbox.url, expect=3))
    assert [one["sid"] for one in report["assignments"]] == [EXISTING]


def test_the_exam_of_before_becomes_the_standard_one(workspace):
    """With a `moved` block, only the longer versions are created; without it, the plan is refused."""
    workspace.write(HEAD + STANDARD)
    with running(Settings(port=0)) as sandbox:
        workspace.apply(sandbox.url)
        workspace.write(HEAD + EXAMS)
        assert "refused: same-exam" in workspace.run("plan")
        workspace.write(HEAD + EXAMS + MOVED)
        summary = checked(workspace.apply(sandbox.url))["summary"]
        assert (summary["moved"], summary["created"], len(sandbox.created)) == (1, 2, 3)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("isLimitedScope: true", "isLimitedScope: false", "exams.yaml:28:9: error[not-limited]"),
        ("[list 7 of", "list 7 of", "exams.yaml:28:20: error["),
        ("[list 7 of the disability office]", "[7]", "exams.yaml:28:21: error[wrong-type]"),
        ("[list 7 of the disability office]", "['']", "exams.yaml:28:21: error[wrong-value]"),
        ("assignees:", "assignee:", "exams.yaml:28:9: error[unknown-field]"),
    ],
)
def test_mistakes_have_places(workspace, old, new, said):
    """A longer exam that all could take, and what is no list of texts."""
    workspace.write(HEAD + EXAMS.replace(old, new, 1))
    assert said in workspace.refused("validate")


def test_hostile_assignees_stay_text(workspace):
    """What a manifest says of assignees is shown as text, and too long ones are cut."""
    hostile = ["| a @admin", "<script>x</script>", "\u202e", "x" * 5_000]
    names = json.dumps(hostile)
    workspace.write(HEAD + EXAMS.replace("[list 7 of the disability office]", names))
    with running(Settings(port=0)) as sandbox:
        workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, "--summary", "r.md")
    assert "\u202e" not in workspace.printed
    assert "x" * 600 not in workspace.printed
    markdown = (workspace.root / "r.md").read_text()
    assert "\u202e" not in markdown
    assert "<script>" not in markdown
    assert "@admin" not in markdown
    assert "x" * 300 not in markdown
