"""Rules, `--now` and `explain` on the command line."""

import json
import os
import pty

import pytest
import zygote
from exam_workspace import MANIFEST, Workspace, exam
from jsonschema import Draft202012Validator

OVER = "2031-11-01T00:00:00Z"
BEFORE = "2031-09-01T02:00:00+02:00"


@pytest.fixture
def workspace(tmp_path):
    """An empty directory with a state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare("a")
    return made


def codes(workspace, *arguments, expect=0):
    """The findings of a `validate`, in JSON."""
    document = json.loads(workspace.run("validate", "--format", "json", *arguments, expect=expect))
    return [(each["code"], each["severity"]) for each in document["diagnostics"]]


def test_now_chooses_the_moment(workspace):
    """The same manifests give the same findings whenever a pipeline is run again."""
    assert codes(workspace, "--now", BEFORE) == []
    assert codes(workspace, "--now", OVER) == [("window-over", "warning")]
    assert codes(workspace, "--now", "2031-10-12t00:00:00.5z") == [("window-soon", "warning")]


def test_strict_does_not_fail_by_waiting(workspace):
    """Time alone makes no error of a warning; with a moment that was chosen, it counts like any other."""
    workspace.write(MANIFEST + exam("a", examOpenDate="2024-01-01T09:00", examCloseDate="2024-01-02T09:00"))
    assert codes(workspace, "--strict") == [("window-over", "warning")]
    assert codes(workspace, "--strict", "--now", OVER, expect=1) == [("window-over", "error")]
    workspace.write(MANIFEST + exam("a", attempts=0))
    assert codes(workspace, "--strict", "--now", BEFORE, expect=1) == [("not-positive", "error")]


@pytest.mark.parametrize(
    "text",
    ["2031-10-12", "2031-10-12T09:00:00", "now", "", "2031-13-01T00:00:00Z", "0001-01-01T00:00:00+23:00"],
)
def test_a_moment_is_written_in_full(workspace, text):
    """A date without a time, or a time without an offset, would mean another moment elsewhere."""
    workspace.run("validate", "--now", text, expect=1)
    assert "is not a date-time like 2031-10-01T00:00:00Z" in workspace.printed


def test_apply_goes_by_the_clock(workspace):
    """No argument talks the guards of an apply into another moment."""
    workspace.run("apply", "--now", BEFORE, expect=1)
    assert "unknown option '--now'" in workspace.printed


def test_plan_minds_the_time_of_what_it_would_create(workspace):
    """Rules and guards judge by the given moment; an exam that was created long ago is left in peace."""
    workspace.run("plan", "--now", OVER)
    assert "warning[window-over]" in workspace.printed
    assert "the exam window has closed already: cs/a" in workspace.printed
    workspace.run("plan", "--now", BEFORE)
    assert "window" not in workspace.printed.replace("exam window", "")
    workspace.run("import", "cs/a", f"EX{1:032x}")
    workspace.run("plan", "--now", OVER)
    assert "window-over" not in workspace.printed


def test_plan_minds_the_time_of_each_exam_that_shares_a_date(workspace):
    """A date of the defaults is warned of as long as one of its exams is to be created."""
    dates = "configuration: {examOpenDate: 2031-10-12T09:00, examCloseDate: 2031-10-14T17:00,"
    exams = "".join(
        f"  cs/{name}: {{course: cs, title: T {name}, url: 'https://lms/{name}'}}\n" for name in "ab"
    )
    workspace.write(MANIFEST.replace("configuration: {", dates) + exams)
    workspace.run("import", "cs/a", f"EX{1:032x}")
    workspace.run("plan", "--now", OVER)
    assert workspace.printed.count("warning[window-over]") == 1
    assert "(in the exam 'cs/a' and 1 more)" in workspace.printed
    workspace.run("import", "cs/b", f"EX{2:032x}")
    workspace.run("plan", "--now", OVER)
    assert "window-over" not in workspace.printed


def test_an_apply_tells_its_warnings(workspace):
    """What rules find is on standard error before anything is asked or sent."""
    workspace.write(MANIFEST + exam("a", attempts=0))
    workspace.run("apply", expect=1)
    assert "warning[not-positive]" in workspace.printed
    assert "standard input is not a terminal" in workspace.printed


@pytest.mark.parametrize("name", ["same-title", "looks-renamed"])
def test_the_name_of_a_rule_that_was_replaced_stays_accepted(workspace, name):
    """In `rules:` it is a warning that says what to do, whatever the weight; other rules weigh as they do."""
    workspace.write(f"version: 1\nrules: {{{name}: error, not-positive: error}}\n", name="reconciler.yaml")
    assert codes(workspace) == [("retired-rule", "warning")]
    assert "`same-exam` has replaced it" in workspace.run("validate")
    assert "reconciler explain same-exam" in workspace.printed
    workspace.run("plan")
    workspace.write(MANIFEST + exam("a", attempts=0))
    assert codes(workspace, expect=1) == [("retired-rule", "warning"), ("not-positive", "error")]


def test_what_apply_would_refuse_cannot_be_weighed(workspace):
    """`rules: {same-exam: off}` is refused, with what settles it."""
    workspace.write("version: 1\nrules: {same-exam: off}\n", name="reconciler.yaml")
    assert "unknown-rule" in workspace.refused("validate")
    assert "apply would refuse what it finds; see `reconciler explain same-exam`" in workspace.printed


def test_a_rule_is_hinted_at_once(workspace):
    """However many findings there are, one line says where to read more."""
    workspace.write(MANIFEST + exam("a", attempts=0) + exam("b", attempts=0, examOpenDate="2031-10-14T18:00"))
    workspace.run("validate", expect=1)
    assert workspace.printed.count("reconciler explain ") == 1
    assert "reconciler explain not-positive" in workspace.printed
    workspace.write(MANIFEST + "  cs/a: {x: 1}\n")
    workspace.run("validate", expect=1)
    assert "What a rule means" not in workspace.printed


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("short-notice", "at least two weeks before its window opens"),
        ("same-exam", "people would take them for one exam"),
        ("same-title", "`same-exam` has replaced it"),
        ("looks-renamed", "people would take them for one exam"),
        ("distinct", "Exams that are two, however alike they look"),
        ("distinct.reason", "Why there are two"),
        ("accepted", "Exams that were changed in SmarterProctoring to what is declared"),
        ("accepted.digest", "If the declaration has another one, nothing is accepted."),
        ("configuration.duration", "How long a student has once started, in minutes."),
        ("2", "`plan --detailed-exitcode`: something differs"),
    ],
)
def test_explain_answers(workspace, topic, said):
    """A rule, a field and an exit code are explained on standard output."""
    assert said in workspace.run("explain", topic).replace("\n", " ")


def test_explain_lists_what_there_is(workspace):
    """Without a name, every name is printed."""
    printed = workspace.run("explain")
    assert all(f"- `{name}`" in printed for name in ("window-over", "configuration.duration", "143"))


def test_explain_suggests(workspace):
    """An unknown name is refused with the nearest ones."""
    assert workspace.run("explain", "durration", expect=1) == ""
    assert "Did you mean 'duration'" in workspace.printed
    workspace.run("explain", "qqqq", expect=1)
    assert "`reconciler explain` lists them all." in workspace.printed


def test_explain_has_formats_for_programs(workspace):
    """One explanation or all of them, in JSON as the schema says, or as Markdown."""
    schema = Draft202012Validator(json.loads(workspace.run("schema", "explanations")))
    one = json.loads(workspace.run("explain", "in-doubt", "--format", "json"))
    every = json.loads(workspace.run("explain", "--format", "json"))
    for document in (one, every):
        schema.validate(document)
    (told,) = one["explanations"]
    assert told in every["explanations"]
    assert told["markdown"] == workspace.run("explain", "in-doubt", "--format", "markdown")
    names = {each["name"] for each in every["explanations"]}
    assert {"in-doubt", "too-many-creates", "bad-date-time", "not-attempted", "3", "title"} <= names
    assert all(each["markdown"] for each in every["explanations"])


def test_explain_is_laid_out_on_a_terminal(workspace):
    """A person sees headings and lists, not their markup."""
    leader, follower = pty.openpty()
    process = zygote.start(
        *("explain", "no-password"),
        cwd=workspace.root,
        env=workspace.environment() | {"TERM": "xterm"},
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    printed = b""
    while chunk := read(leader):
        printed += chunk
    assert process.wait(timeout=60) == 0
    os.close(leader)
    assert b"no-password" in printed
    assert b"```" not in printed
    assert b"# no-password" not in printed


def read(descriptor):
    """What is there to read; nothing where the other side has closed."""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
