"""An encrypted state, end to end: it works like any other for who has the key, and for nobody else."""

import json
import shutil
from pathlib import Path

import pytest
from exam_workspace import Workspace

from reconciler import fault_points
from reconciler.sandbox.running import running

KEY, NEW_KEY = "a-long-key-of-the-registrars-office", "another-long-key-after-the-rotation"
VARIABLE, OLD_VARIABLE = "RECONCILER_STATE_KEY", "RECONCILER_STATE_KEY_OLD"


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder with two exams and an encrypted, empty state, to be copied."""
    made = Workspace(tmp_path_factory.mktemp("begun"))
    made.variables[VARIABLE] = KEY
    made.run("init", "--encrypt")
    made.declare("a", "b")
    return made.root


@pytest.fixture
def workspace(begun, tmp_path):
    """A workspace with two exams and an encrypted, empty state."""
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    made = Workspace(tmp_path)
    made.variables[VARIABLE] = KEY
    return made


@pytest.fixture
def sandbox():
    """A server that keeps what it created."""
    with running() as opened:
        yield opened


def raw(workspace, name="exams.state.json"):
    """The bytes that stand on the disk."""
    return (workspace.root / name).read_bytes()


def without_key(workspace):
    """The usual variables, but no key."""
    return {key: value for key, value in workspace.variables.items() if key != VARIABLE}


def keys(workspace, present, previous=None):
    """From now on the commands have these keys."""
    workspace.variables[VARIABLE] = present
    workspace.variables[OLD_VARIABLE] = previous or ""


def test_a_whole_run_leaves_nothing_in_the_clear(workspace, sandbox):
    """Killed in between, folded by the next, planned with the key; no file holds an address or a SID."""
    variables = workspace.variables | {fault_points.VARIABLE: "fold-due=kill"}
    apply = ("apply", "--auto-approve", "--api-url", sandbox.url)
    workspace.run(*apply, expect=-9, variables=variables)
    log = raw(workspace, "exams.state.json.journal")
    workspace.run("plan", "--detailed-exitcode")
    assert workspace.apply(sandbox.url)["summary"]["created"] == 0
    workspace.run("state", "mv", "cs/a", "cs/z")
    for data in (raw(workspace), raw(workspace, "exams.state.json.backup"), log):
        assert b'"cs/' not in data  # without its quote it may be there by chance
        assert sandbox.created[0]["sid"].encode() not in data
        assert KEY.encode() not in data
    pulled = json.loads(workspace.run("state", "pull"))
    assert pulled["exams"].keys() == {"cs/z", "cs/b"}
    assert KEY not in workspace.printed
    assert len(sandbox.created) == 2


def test_without_the_key_every_command_stops(workspace, sandbox):
    """They say which variable is missing; nothing is sent or changed, and `init` does not start anew."""
    before = raw(workspace)
    apply = ("apply", "--auto-approve", "--api-url", sandbox.url)
    for command in (("plan",), ("state", "list"), ("state", "pull"), ("init",), ("init", "--encrypt"), apply):
        workspace.run(*command, expect=1, variables=without_key(workspace))
        assert f"{VARIABLE} is" in " ".join(workspace.printed.split())
    keys(workspace, NEW_KEY)
    workspace.run(*apply, expect=1)
    assert f"not with what is in {VARIABLE}" in " ".join(workspace.printed.split())
    assert NEW_KEY not in workspace.printed
    assert (raw(workspace), sandbox.requests) == (before, 0)


def test_what_checks_manifests_needs_no_key(workspace):
    """A fork can be validated."""
    workspace.run("validate", variables=without_key(workspace))


def test_an_older_reconciler_takes_it_for_too_new(workspace):
    """Neither for a state nor for none: those that know no encryption read formats up to 2."""
    assert json.loads(raw(workspace))["formatVersion"] == 3


def test_what_a_killed_run_of_an_earlier_version_encrypted_is_read(tmp_path):
    """Its journal is folded into the state at the first change, and its files go."""
    shutil.copytree(Path(__file__).with_name("encrypted_earlier"), tmp_path, dirs_exist_ok=True)
    workspace = Workspace(tmp_path)
    workspace.variables[VARIABLE] = KEY
    workspace.declare("a")
    workspace.run("plan", "--detailed-exitcode")
    workspace.run("state", "mv", "cs/a", "cs/z")
    pulled = json.loads(workspace.run("state", "pull"))
    assert pulled["exams"]["cs/z"]["sid"] == "EX94b67ab9a531e44644355f3820074ea0"
    assert b"lineage" not in raw(workspace)
    left = {path.name for path in tmp_path.glob("exams.state.json*")}
    assert left == {"exams.state.json", "exams.state.json.backup"}


def test_what_is_restored_is_encrypted_again(workspace, sandbox):
    """From the backup or a plain copy, with what the log of a killed run holds."""
    workspace.run("state", "encrypt")  # makes a backup
    path, copy = workspace.root / "exams.state.json", workspace.root / "copy.json"
    for target, given in (("cs/a", ()), ("cs/b", ("copy.json",))):
        copy.write_text(workspace.run("state", "pull"))
        struck = workspace.variables | {fault_points.VARIABLE: "fold-due=kill"}
        apply = ("apply", "--auto-approve", "--api-url", sandbox.url, "--target", target)
        workspace.run(*apply, expect=-9, variables=struck)
        path.write_text('{"ciphertext": ""}') if given else path.unlink()
        assert "state restore" in workspace.refused("plan")
        workspace.run("state", "restore", *given, *([] if given else ["--allow-older-state"]))
        assert b'"lineage"' not in path.read_bytes()
    assert workspace.apply(sandbox.url)["summary"]["created"] == 0


def test_the_key_alone_encrypts_nothing(tmp_path, sandbox):
    """A team that only tracks passwords keeps a state that a fork can read."""
    workspace = Workspace(tmp_path)
    workspace.variables[VARIABLE] = KEY
    workspace.run("init")
    workspace.declare("a")
    workspace.apply(sandbox.url)
    assert "secrets" in workspace.state["exams"]["cs/a"]
    workspace.run("plan", variables=without_key(workspace))


def test_keys_are_changed(workspace):
    """The old key reads until the state is encrypted with the new one; then it is of no use."""
    workspace.run("import", "cs/a", "EX" + "a" * 32)
    keys(workspace, NEW_KEY, KEY)
    workspace.run("plan")
    old_salt = json.loads(raw(workspace))["salt"]
    assert "Encrypted with the current key" in workspace.run("state", "encrypt")
    keys(workspace, NEW_KEY)
    assert json.loads(raw(workspace))["salt"] != old_salt
    assert "cs/a" in workspace.run("state", "list")
    assert "cs/a" in workspace.run("state", "pull", "--file", "exams.state.json.backup")
    keys(workspace, KEY)
    workspace.run("plan", expect=1)


def test_a_plain_state_is_encrypted_and_decrypted(workspace, sandbox):
    """With all that is in it; the backup follows, so that no plain copy is left beside it."""
    workspace.apply(sandbox.url)
    before = json.loads(workspace.run("state", "pull"))
    workspace.run("state", "decrypt")
    assert workspace.state == before | {"serial": before["serial"] + 1}
    workspace.run("state", "decrypt", expect=1)
    assert "is not encrypted" in workspace.printed
    workspace.run("state", "list", variables=without_key(workspace))
    workspace.run("state", "encrypt", expect=1, variables=without_key(workspace))
    assert workspace.state["serial"] == before["serial"] + 1
    workspace.run("state", "encrypt")
    for name in ("exams.state.json", "exams.state.json.backup"):
        assert b'"cs/a' not in raw(workspace, name)


def test_a_copy_is_pushed_plain_or_encrypted(workspace):
    """`push` takes either, and what it writes is encrypted."""
    workspace.run("import", "cs/a", "EX" + "a" * 32)
    later = json.loads(workspace.run("state", "pull"))
    later["serial"] += 1
    del later["exams"]["cs/a"]
    (workspace.root / "later.json").write_text(json.dumps(later))
    workspace.run("state", "push", "later.json", "--forget", "1")
    assert "cs/a" not in workspace.run("state", "list")
    assert b"lineage" not in raw(workspace)
    (workspace.root / "encrypted.json").write_bytes(raw(workspace))
    assert "the state is this document already" in workspace.run("state", "push", "encrypted.json")
    workspace.run("state", "push", "encrypted.json", expect=1, variables=without_key(workspace))


@pytest.mark.parametrize("command", ["encrypt", "decrypt"])
@pytest.mark.parametrize("step", ["snapshot-swap", "snapshot-swapped"])
def test_a_turn_that_is_cut_off_is_whole(workspace, sandbox, command, step):
    """The state is in the old form or the new one, with what a run that was killed before had recorded."""
    if command == "encrypt":
        workspace.run("state", "decrypt")
    variables = workspace.variables | {fault_points.VARIABLE: "fold-due=kill"}
    workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, expect=-9, variables=variables)
    struck = workspace.variables | {fault_points.VARIABLE: f"{step}=kill@2"}  # the first is a proof
    workspace.run("state", command, expect=-9, variables=struck)
    assert workspace.run("plan", "--detailed-exitcode")
    assert (b'"lineage"' in raw(workspace)) is ((command == "decrypt") is (step == "snapshot-swapped"))
    if step == "snapshot-swap":
        workspace.run("state", command)
    assert (b'"cs/a"' in raw(workspace)) is (command == "decrypt")
    assert workspace.apply(sandbox.url)["summary"]["created"] == 0
