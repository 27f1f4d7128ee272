"""Mending state, end to end: each change under the lock, counted, and with a backup beside the state."""

import json

import jsonschema
import pytest
from exam_workspace import Workspace

from reconciler import schemas
from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

SID = "EX" + "ab" * 16
OTHER_SID = "EX" + "cd" * 16


@pytest.fixture
def workspace(tmp_path):
    """A workspace whose state knows cs/a."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare("a", "b")
    made.run("import", "cs/a", SID)
    return made


def backup_of(workspace):
    """The document that was last replaced."""
    return json.loads((workspace.root / "exams.state.json.backup").read_text())


def test_import_keeps_the_state_before(workspace):
    """What was replaced stands beside the state, and the command says where."""
    assert backup_of(workspace)["serial"] == 0
    before = workspace.state
    workspace.run("import", "cs/b", OTHER_SID)
    assert backup_of(workspace) == before
    assert "exams.state.json.backup" in workspace.printed


def test_mv_gives_another_address(workspace):
    """The entry moves, the serial rises by one, and the state before is kept."""
    before = workspace.state
    workspace.run("state", "mv", "cs/a", "cs/z")
    assert workspace.state["exams"] == {"cs/z": before["exams"]["cs/a"]}
    assert workspace.state["serial"] == before["serial"] + 1
    assert backup_of(workspace) == before


def test_rm_forgets(workspace):
    """The entry goes, and the command says what follows while it is declared."""
    before = workspace.state
    workspace.run("state", "rm", "cs/a")
    assert (workspace.state["exams"], workspace.state["serial"]) == ({}, 2)
    assert "creates it again" in workspace.printed
    assert backup_of(workspace) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("mv", "cs/x", "cs/y"),
        ("mv", "cs/a", "cs/a"),
        ("mv", "cs/a", "../y"),
        ("rm", "cs/x"),
        ("rm", "no address"),
        ("push", "absent.json"),
        ("push", "exams.yaml"),
    ],
)
def test_a_refused_change_leaves_state_and_backup(workspace, arguments):
    """Exit 1, and both files byte for byte as before."""
    files = [workspace.root / "exams.state.json", workspace.root / "exams.state.json.backup"]
    before = [file.read_bytes() for file in files]
    workspace.run("state", *arguments, expect=1)
    assert [file.read_bytes() for file in files] == before


def test_pull_prints_what_the_file_holds(workspace):
    """Without a journal, the document is the file, byte for byte."""
    assert workspace.run("state", "pull") == (workspace.root / "exams.state.json").read_text()


def test_pull_includes_the_journal(workspace):
    """What a killed run left in the journal is in the document, and nothing is written."""
    with running(Settings(port=0)) as sandbox:
        sandbox.misbehave("latency:seconds=30")
        started = workspace.start("apply", "--auto-approve", "--api-url", sandbox.url)
        while not sandbox.requests:
            assert started.poll() is None
        started.kill()
        started.communicate()
    pulled = json.loads(workspace.run("state", "pull"))
    assert list(pulled["intents"]) == ["cs/b"]
    assert workspace.state["intents"] == {}
    jsonschema.Draft202012Validator(schemas.load("state")).validate(pulled)
    workspace.run("state", "mv", "cs/b", "cs/z", expect=1)
    workspace.run("state", "rm", "cs/b", expect=1)
    assert "resolve cs/b" in workspace.printed


def pushed(workspace, *more, expect=0, **changes):
    """Push the present state with `changes`; what was pushed."""
    document = workspace.state | changes
    workspace.write(json.dumps(document), "pushed.json")
    workspace.run("state", "push", "pushed.json", *more, expect=expect)
    return document


def test_push_makes_a_later_document_the_state(workspace):
    """It gets its own serial, and the state before is kept."""
    before = workspace.state
    document = pushed(workspace, "--forget", "1", serial=7, exams={})
    assert workspace.state == document
    assert backup_of(workspace) == before


def test_push_of_the_present_state_writes_nothing(workspace):
    """Pushing twice is as pushing once."""
    before = backup_of(workspace)
    pushed(workspace)
    assert "Nothing to do" in workspace.printed
    assert backup_of(workspace) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lineage": "0d4c2f7e-6a53-4d0c-9b6e-3a8f1c2b7d10", "serial": 9}, "lineage"),
        ({"serial": 0}, "is older than"),
        ({"exams": {}}, "differs from"),
        ({"serial": 9, "exams": {"cs/a": {}}}, "not a state"),
        ({"serial": 9, "formatVersion": 5}, "Upgrade"),
    ],
)
def test_push_refuses_what_does_not_follow(workspace, changes, said):
    """Another history, an older part of this one, another present, or nonsense: nothing is changed."""
    before = workspace.state
    pushed(workspace, expect=1, **changes)
    assert said in workspace.printed
    assert workspace.state == before
    workspace.run("state", "push", "pushed.json", "--force", expect=1)
