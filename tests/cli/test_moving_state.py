"""A state that changes its place, end to end: killed on the way, it goes on, and no old place is used."""

import json
import shutil

import pytest
from exam_workspace import Workspace

from reconciler import fault_points
from reconciler.sandbox.running import running

SID = "EX" + "ab" * 16
MIGRATE = ("init", "--migrate-from", "file:exams.state.json", "--state", "file:state/exams.json")
NEW = ("--state", "file:state/exams.json")


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder whose state knows cs/a, to be copied."""
    made = Workspace(tmp_path_factory.mktemp("begun"))
    made.run("init")
    made.declare("a", "b")
    made.run("import", "cs/a", SID)
    return made.root


@pytest.fixture
def workspace(begun, tmp_path):
    """A workspace whose state knows cs/a."""
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path)


def test_a_state_moves(workspace):
    """What uses the old place is told where it went; apply goes on in the new one."""
    printed = workspace.run(*MIGRATE)
    assert "file:state/exams.json now (serial 2, 1 exam, 0 in doubt)" in printed
    with running() as sandbox:
        apply = ("apply", "--auto-approve", "--api-url", sandbox.url)
        for command in (("plan",), ("state", "rm", "cs/a"), apply):
            workspace.run(*command, expect=1)
            assert "file:exams.state.json was moved to file:state/exams.json" in workspace.printed
        assert sandbox.requests == 0
        assert workspace.apply(sandbox.url, *NEW)["summary"]["created"] == 1
        assert len(sandbox.created) == 1
    assert "file:state/exams.json now" in workspace.run(*MIGRATE)


@pytest.mark.parametrize("fault", ["snapshot-swapped=kill@2", "snapshot-write=torn@4"])
def test_a_kill_on_the_way(workspace, fault):
    """In one place at the most it can be used; the same command ends it."""
    workspace.run(*MIGRATE, expect=-9, variables=workspace.variables | {fault_points.VARIABLE: fault})
    workspace.run("plan", *NEW, expect=1)
    assert "init --migrate-from file:exams.state.json" in " ".join(workspace.printed.split())
    workspace.run(*MIGRATE)
    moved = json.loads((workspace.root / "state" / "exams.json").read_text())
    assert (moved["exams"]["cs/a"]["sid"], moved["serial"]) == (SID, 2)


def test_a_state_is_encrypted_on_its_way(workspace):
    """The key's absence is told first; back again it stays encrypted."""
    workspace.run(*MIGRATE, "--encrypt", expect=1)
    assert not (workspace.root / "state" / "exams.json").exists()
    workspace.variables["RECONCILER_STATE_KEY"] = "k" * 32
    workspace.run(*MIGRATE, "--encrypt")
    assert b'"cs/a' not in (workspace.root / "state" / "exams.json").read_bytes()
    workspace.run("init", "--migrate-from", "file:state/exams.json")
    assert b'"cs/a' not in (workspace.root / "exams.state.json").read_bytes()
    assert SID in workspace.run("state", "list")
