"""Plans as text from the command line, as a reviewer at a terminal and an operator in a log read them."""

import re
import subprocess
import sys

import pytest
from exam_workspace import MANIFEST, SECRET, Workspace, exam

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

DASH = "\N{EN DASH}"
TERMINAL = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
USERS = f"users: {{jdoe: US{'7' * 32}, asmith: US{'8' * 32}}}\n"
DRAFT = """  cs/draft:
    course: cs
    title: Draft of an exam
    url: https://lms.example.edu/draft
    status: draft
    isLimitedScope: true
    contactUser: jdoe
    configuration:
      examOpenDate: 2031-10-12T09:00
      examCloseDate: 2031-10-12T11:00
      duration: 90
      studentNotes: "Bring a pencil, and no phone."
      permittedCalculator: true
      apiExamId: quiz-7
"""
ASKED = (
    "import sys\nfrom reconciler.cli import process\n"
    "answers = iter(sys.argv.pop().split(','))\n"
    "class Terminal:\n    isatty = lambda self: True\n    readline = lambda self: next(answers) + '\\n'\n"
    "sys.stdin = Terminal()\nsys.exit(process())\n"
)
"""A command whose last argument holds the answers of a person at a terminal."""


@pytest.fixture
def workspace(tmp_path):
    """A workspace with an empty state."""
    made = Workspace(tmp_path)
    made.run("init")
    return made


@pytest.mark.parametrize("columns", [60, 80])
def test_apply_asks_under_a_plan_whose_times_are_whole(workspace, columns):
    """42 exams at a narrow terminal: each window is whole on a line, and the question names the place."""
    names = [f"quiz-{number:02}" for number in range(1, 43)]
    days = [f"2031-11-{1 + number % 28:02}" for number in range(42)]
    exams = [
        exam(name, examOpenDate=f"{day}T09:00", examCloseDate=f"{day}T17:30")
        for name, day in zip(names, days, strict=True)
    ]
    workspace.write(MANIFEST + "".join(exams))
    done = subprocess.run(
        [sys.executable, "-c", ASKED, "apply", "no"],
        cwd=workspace.root,
        env=workspace.environment() | TERMINAL | {"COLUMNS": str(columns)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Apply will create 42 exams in 1 course, from 1 Nov")
    assert max(len(line) for line in lines if not line.startswith("Fingerprint")) <= columns
    for day in days:
        assert re.search(rf"(?m)^ .*\w{{3}} {day} 09:00 {DASH} 17:30 E[DS]T  90 min", done.stdout)
    question = "Apply this plan at https://api.smarterproctoring.com?\nType 'yes' to continue: "
    assert question in done.stderr
    assert all(len(line) <= columns for line in question.splitlines())


@pytest.mark.parametrize(("answers", "code"), [("y,Yes ", 0), ("y,Y,ye", 1), ("y,n", 1)])
def test_only_yes_in_full_applies(workspace, answers, code):
    """Who answers 'y' is asked again, but not for ever; anything else is a no."""
    workspace.write(MANIFEST + exam("a"))
    with running(Settings(port=0)) as sandbox:
        done = subprocess.run(
            [sys.executable, "-c", ASKED, "apply", "--api-url", sandbox.url, answers],
            cwd=workspace.root,
            env=workspace.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == code, done.stderr
    assert done.stderr.count("Type 'yes' in full, or 'no': ") == answers.count(",")
    assert ("Nothing was sent" in done.stderr) is (code == 1)
    assert bool(workspace.state["exams"]) is (code == 0)


def test_every_value_is_shown_fresh_and_saved(workspace):
    """URL, notes, permitted items, contact, ids and scope, with the layer of what the exam itself lacks."""
    workspace.write(MANIFEST.replace("defaults:", f"{USERS}defaults:") + DRAFT)
    fresh = workspace.run("plan", "--out", "plan.json")
    assert "Apply will create 1 exam in 1 course, on 12 Oct 2031.\n" in fresh
    assert "  + cs/draft  Draft of an exam  draft, assigned students only\n" in fresh
    assert re.findall(r"(?m)^    (\w+) +(.*)$", fresh) == [
        ("declared", "exams.yaml:15:3"),
        ("course", f"cs (CU{'1234567890abcdef' * 2})"),
        ("exam", f"Sun 2031-10-12 09:00 {DASH} 11:00 EDT (13:00 {DASH} 15:00 UTC)"),
        ("duration", "90"),
        ("attempts", "1  (defaults)"),
        ("type", "Online  (defaults)"),
        ("status", "draft"),
        ("isLimitedScope", "true"),
        ("url", "https://lms.example.edu/draft"),
        ("password", "from EXAM_SECRET_CS  (defaults)"),
        ("apiExamId", "quiz-7"),
        ("permittedCalculator", "true"),
        ("studentNotes", "Bring a pencil, and no phone."),
        ("contactUserSid", f"jdoe (US{'7' * 32})"),
        ("enableAppointmentSuggestions", "true  (defaults)"),
        ("examDeliverySystemModule", "canvas  (defaults)"),
        ("installSid", "AI1234567890abcdef1234567890abcdef  (file)"),
        ("requireApproval", "false  (defaults)"),
        ("useProctorManager", "true  (defaults)"),
        ("timezone", "America/New_York  (file)"),
    ]
    workspace.write("not: a manifest")  # what is shown comes from the file alone
    assert workspace.run("show", "plan.json") == fresh
    assert SECRET not in fresh


def test_values_are_shown_with_their_places(workspace):
    """`--provenance` says of each value in which file and line it is, fresh and saved."""
    manifest = MANIFEST + DRAFT.replace("    contactUser: jdoe\n", "")
    workspace.write(manifest)
    fresh = workspace.run("plan", "--provenance", "--out", "plan.json")
    number = manifest.splitlines().index("      duration: 90") + 1
    assert f"    duration                      90  (exam, exams.yaml:{number})\n" in fresh
    assert "    type                          Online  (defaults, exams.yaml:7)\n" in fresh
    assert f"cs (CU{'1234567890abcdef' * 2})  (exam, exams.yaml:15; file, exams.yaml:5)\n" in fresh
    assert workspace.run("show", "plan.json", "--provenance") == fresh


def test_six_exams_are_a_list_and_verbose_shows_all(workspace):
    """Beyond five a line each; `--verbose` has every value of however many there are."""
    workspace.declare("a", "b", "c", "d", "e", "f")
    listed = workspace.run("plan")
    assert listed.count("https://lms.example.edu/") == 0
    assert listed.count(f"Sun 2031-10-12 09:00 {DASH} Tue 2031-10-14 17:00 EDT  90 min\n") == 6
    assert workspace.run("--verbose", "plan").count("https://lms.example.edu/") == 6
    assert workspace.run("plan", "--target", "cs/a").count("https://lms.example.edu/") == 1


def test_a_changed_contact_is_told_by_name(workspace):
    """Both users of a difference are named, in a saved plan too; its warnings are told again."""
    manifest = MANIFEST.replace("defaults:", f"{USERS}defaults:") + DRAFT
    workspace.write(manifest)
    workspace.run("import", "cs/draft", "EX" + "1" * 32)
    workspace.write(manifest.replace("contactUser: jdoe", "contactUser: asmith").replace("2031", "2001"))
    fresh = workspace.run("plan", "--out", "plan.json")
    told = f"    contactUserSid: jdoe (US{'7' * 32}) → asmith (US{'8' * 32})\n"
    assert told in fresh
    assert workspace.run("show", "plan.json") == fresh
    placed = workspace.run("show", "plan.json", "--provenance")
    assert f"      + asmith (US{'8' * 32})  (exam, exams.yaml:21; file, exams.yaml:6)\n" in placed
    assert "asmith" in workspace.run("show", "plan.json", "--format", "html")


def test_a_note_that_never_changes_is_not_on_every_plan(workspace):
    """Without a key passwords are not tracked, which only `--verbose` and JSON repeat."""
    workspace.declare("a")
    assert "not tracked" not in workspace.run("plan")
    assert "passwords are not tracked" in workspace.run("--verbose", "plan")
    assert "secrets-not-tracked" in workspace.run("plan", "--format", "json")
