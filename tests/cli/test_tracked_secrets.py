"""Tracked passwords, end to end: what is kept, what is noticed, and that the key shows nowhere."""

import json
from pathlib import Path

import jsonschema
import pytest
from exam_workspace import MANIFEST, SECRET, Workspace, exam
from recording_server import RecordingServer

from reconciler import schemas
from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

KEY = "0123456789abcdef" * 2
OTHER_KEY = "fedcba9876543210" * 2


@pytest.fixture
def workspace(tmp_path):
    """A workspace in which cs/a was created with a key, and cs/b without."""
    made = Workspace(tmp_path)
    made.run("init")
    with running(Settings(port=0)) as sandbox:
        made.declare("b")
        made.apply(sandbox.url)
        made.declare("a", "b")
        made.variables["RECONCILER_STATE_KEY"] = KEY
        made.apply(sandbox.url)
    return made


def plan(workspace, **variables):
    """The plan's document with other variables; those that are None are not set."""
    changed = {key: value for key, value in (workspace.variables | variables).items() if value is not None}
    text = workspace.run("plan", "--format", "json", "--verbose", variables=changed)
    assert KEY not in workspace.printed
    document = json.loads(text)
    jsonschema.Draft202012Validator(schemas.load("plan")).validate(document)
    return document


def noted(document):
    """The addresses of each note, by its code."""
    return {note["code"]: note["addresses"] for note in document.get("notes", [])}


def test_only_the_exam_created_with_the_key_has_a_digest(workspace):
    """It is keyed, neither key nor value is in any file, and the state fits its schema."""
    assert list(workspace.state["exams"]["cs/a"]["secrets"]["digests"]) == ["configuration.password"]
    assert "secrets" not in workspace.state["exams"]["cs/b"]
    jsonschema.Draft202012Validator(schemas.load("state")).validate(workspace.state)
    for file in filter(Path.is_file, workspace.root.rglob("*")):
        text = file.read_text()
        assert KEY not in text
        assert SECRET not in text


def test_the_same_password_is_no_difference(workspace):
    """What cannot be said of the other exam is a note."""
    document = plan(workspace)
    assert document["summary"]["noop"] == 2
    assert noted(document) == {"secrets-not-tracked": ["cs/b"]}


def test_another_password_is_a_change_that_shows_no_value(workspace):
    """The exit code says so too; the fingerprint is that of a run without the key."""
    document = plan(workspace, EXAM_SECRET_CS="treasure")
    (change,) = (one for one in document["changes"] if one["action"] == "changed")
    reference = {"fromEnv": "EXAM_SECRET_CS"}
    path = "configuration.password"
    assert change["address"] == "cs/a"
    assert change["diff"] == [{"path": path, "before": reference, "after": reference, "valueDiffers": True}]
    assert document["fingerprint"] == plan(workspace, RECONCILER_STATE_KEY=None)["fingerprint"]
    variables = workspace.variables | {"EXAM_SECRET_CS": "treasure"}
    workspace.run("plan", "--detailed-exitcode", variables=variables, expect=2)
    assert "treasure" not in workspace.printed
    assert "another value (both hidden)" in workspace.printed


def test_plan_needs_neither_key_nor_password(workspace):
    """Without one of them it works the same, and says what it cannot say."""
    assert noted(plan(workspace, EXAM_SECRET_CS=None)) == {
        "secrets-not-checked": ["cs/a"],
        "secrets-not-tracked": ["cs/b"],
    }
    assert noted(plan(workspace, RECONCILER_STATE_KEY=None)) == {"secrets-not-tracked": ["cs/a", "cs/b"]}
    assert noted(plan(workspace, RECONCILER_STATE_KEY=OTHER_KEY, EXAM_SECRET_CS="x")) == {
        "secrets-not-tracked": ["cs/b"],
        "secrets-under-another-key": ["cs/a"],
    }


def test_a_short_key_is_refused_and_not_shown(workspace):
    """By plan and apply, before anything is sent."""
    for command in (("plan",), ("apply", "--auto-approve")):
        workspace.run(
            *command, variables=workspace.variables | {"RECONCILER_STATE_KEY": "zq9-short"}, expect=1
        )
        assert "RECONCILER_STATE_KEY is too short" in workspace.printed
        assert "zq9" not in workspace.printed


def test_a_saved_plan_keeps_notes_and_hidden_differences(workspace):
    """`show` prints what `plan` printed."""
    variables = workspace.variables | {"EXAM_SECRET_CS": "treasure"}
    printed = workspace.run("plan", "--out", "plan.json", variables=variables)
    assert workspace.run("show", "plan.json") == printed
    assert "treasure" not in (workspace.root / "plan.json").read_text()


def test_files_are_compared_below_the_directory(workspace):
    """`plan --secrets-dir` finds them; without it they are not checked."""
    folder = workspace.root / "hidden"
    folder.mkdir()
    (folder / "pw").write_text(f"{SECRET}\n")
    workspace.write(MANIFEST.replace("{fromEnv: EXAM_SECRET_CS}", "{fromFile: pw}") + exam("c"))
    with running(Settings(port=0)) as sandbox:
        workspace.rebind(sandbox.url)
        workspace.apply(sandbox.url, "--secrets-dir", "hidden")
    (folder / "pw").write_text("treasure")
    assert "secrets-not-checked" in workspace.run("plan", "--format", "json")
    assert '"valueDiffers": true' in workspace.run("plan", "--format", "json", "--secrets-dir", "hidden")


def test_a_file_as_windows_saves_it_is_sent_without_its_marks(workspace):
    """A byte order mark and a line end are none of the value; of a space, apply tells before it sends."""
    folder = workspace.root / "hidden"
    folder.mkdir()
    (folder / "pw").write_bytes(b"\xef\xbb\xbfmagnolia \r\n")
    workspace.write(MANIFEST.replace("{fromEnv: EXAM_SECRET_CS}", "{fromFile: pw}") + exam("c"))
    with RecordingServer() as server:
        workspace.rebind(server.url)
        workspace.apply(server.url, "--secrets-dir", "hidden")
        assert server.requests[0].body["configuration"]["password"] == "magnolia "
    assert "will be sent with the space at its beginning or end: cs/c: file pw" in workspace.printed
    assert "magnolia" not in workspace.printed
    (folder / "pw").write_bytes(b"magnolia\xe2\x80\x8b")
    workspace.write(MANIFEST.replace("{fromEnv: EXAM_SECRET_CS}", "{fromFile: pw}") + exam("c") + exam("d"))
    said = workspace.refused("apply", "--auto-approve", "--api-url", server.url, "--secrets-dir", "hidden")
    assert "file pw holds U+200B (zero width space), which nobody can see" in said


def test_blocks_left_in_place_are_noted_and_stop_nothing(workspace):
    """An import that was done before its exam moved, with the move: nothing to do, and no mistake."""
    sid = workspace.state["exams"]["cs/a"]["sid"]
    blocks = f"imports: [{{exam: cs/a, sid: {sid}}}]\nmoved: [{{from: cs/a, to: cs/new}}]\n"
    workspace.write(MANIFEST + exam("new") + exam("b") + blocks)
    workspace.run("validate")
    assert "points-nowhere" not in workspace.printed
    workspace.run("apply", "--auto-approve")
    document = plan(workspace)
    assert document["summary"]["noop"] + document["summary"]["changed"] == 2
    line = (MANIFEST + exam("new") + exam("b")).count("\n") + 1
    (done,) = (one for one in document["notes"] if one["source"])
    assert (done["code"], done["source"]["line"]) == ("done", line)
    assert done["message"] == f"2 blocks are done: exams.yaml:{line}:18, exams.yaml:{line + 1}:16"
    assert workspace.state["exams"]["cs/new"]["secrets"]["keyId"]
