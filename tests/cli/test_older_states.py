"""Older states: noticed, refused, pushed over and restored, so that no exam is created again."""

import json

import pytest
from exam_workspace import Workspace
from git_repositories import bare, git

from reconciler import fault_points
from reconciler.sandbox.running import running

SIDS = {name: f"EX{number:032x}" for number, name in enumerate(("a", "b", "c"), start=1)}
OLD = "old.json"


@pytest.fixture
def workspace(tmp_path):
    """A workspace with three exams, of which cs/a is in state; `old.json` is a copy of that state."""
    made = Workspace(tmp_path)
    made.declare(*SIDS)
    made.run("init")
    made.run("import", "cs/a", SIDS["a"])
    keep(made)
    return made


@pytest.fixture
def sandbox():
    """A server that keeps what it created."""
    with running() as opened:
        yield opened


def keep(workspace, name=OLD):
    """Keep a copy of the state."""
    (workspace.root / name).write_text(workspace.run("state", "pull"))


def go_back(workspace):
    """Put the copy in the state's place, as a checkout or a backup of the disk does."""
    (workspace.root / "exams.state.json").write_bytes((workspace.root / OLD).read_bytes())


def said(workspace):
    """What the last command printed, on one line."""
    return " ".join(workspace.printed.split())


def exams(workspace):
    """The SIDs in state, by address."""
    return {address: one["sid"] for address, one in workspace.state["exams"].items()}


def apply_to(sandbox):
    """The arguments of an apply."""
    return ("apply", "--auto-approve", "--api-url", sandbox.url)


def test_a_state_that_went_back_is_noted_and_refused(workspace, sandbox):
    """An apply would create cs/b again. Plan notes it; every change is refused, until somebody insists."""
    workspace.run("import", "cs/b", SIDS["b"])
    go_back(workspace)
    workspace.run("plan")
    assert "has serial 1, but this machine has seen serial 2" in said(workspace)
    for command in (apply_to(sandbox), ("import", "cs/c", SIDS["c"]), ("state", "push", OLD)):
        assert "--allow-older-state" in workspace.refused(*command)
        assert sandbox.requests == 0
    assert exams(workspace) == {"cs/a": SIDS["a"]}
    workspace.run("import", "cs/c", SIDS["c"], "--allow-older-state")
    workspace.run("state", "mv", "cs/c", "cs/d")
    workspace.run("plan")
    assert "this machine has seen" not in workspace.printed


def test_an_apply_raises_the_mark_too(workspace, sandbox):
    """What it committed last is what this machine has seen."""
    workspace.run(*apply_to(sandbox))
    go_back(workspace)
    assert "seen serial 2" in workspace.refused(*apply_to(sandbox))
    assert len(sandbox.created) == 2


def test_a_move_raises_the_mark_too(workspace):
    """A copy from before the move, put in the new place, is noticed."""
    new = ("--state", "file:new.json")
    workspace.run("init", "--migrate-from", "file:exams.state.json", *new)
    (workspace.root / "new.json").write_bytes((workspace.root / OLD).read_bytes())
    assert "seen serial 2" in workspace.refused("import", "cs/b", SIDS["b"], *new)


@pytest.mark.parametrize("place", [".reconciler", ".reconciler/seen.json"])
def test_a_link_in_its_place_is_refused(workspace, sandbox, place):
    """A pull request could point it at another file of the runner."""
    target = workspace.root / "target"
    for name in (".reconciler/seen.json", ".reconciler/.gitignore"):
        (workspace.root / name).unlink(missing_ok=True)
    if place == ".reconciler":
        (workspace.root / place).rmdir()
        target.mkdir()
    else:
        target.write_text("precious")
    (workspace.root / place).symlink_to(target)
    workspace.run("plan")
    assert f"{place} is a link" in workspace.printed
    for command in (apply_to(sandbox), ("import", "cs/b", SIDS["b"])):
        assert f"{place} is a link" in workspace.refused(*command)
    assert sandbox.requests == 0
    assert target.is_dir() or target.read_text() == "precious"


def test_a_push_that_forgets_exams_needs_their_number(workspace):
    """While they are declared, the next apply would create them again."""
    workspace.run("import", "cs/b", SIDS["b"])
    pushed = json.loads((workspace.root / OLD).read_text()) | {"serial": 9}
    (workspace.root / OLD).write_text(json.dumps(pushed))
    assert "forgets 1 created exam: cs/b" in workspace.refused("state", "push", OLD)
    assert "--forget 1" in workspace.printed
    workspace.refused("state", "push", OLD, "--forget", "2")
    assert exams(workspace).keys() == {"cs/a", "cs/b"}
    workspace.run("state", "push", OLD, "--forget", "1")
    assert exams(workspace).keys() == {"cs/a"}


def test_the_backup_is_restored_with_what_happened_since(workspace):
    """Without an argument; the replaced state is the backup then, so that this can be undone."""
    workspace.run("state", "rm", "cs/a")
    assert "cs/a" not in exams(workspace)
    assert "2 in state" not in workspace.run("state", "restore")
    assert exams(workspace) == {"cs/a": SIDS["a"]}
    assert workspace.state["serial"] == 3
    workspace.run("import", "cs/b", SIDS["b"])
    workspace.run("state", "mv", "cs/a", "cs/a2")
    workspace.run("state", "restore", OLD)
    assert exams(workspace) == {"cs/a": SIDS["a"], "cs/b": SIDS["b"]}
    workspace.run("state", "restore", OLD, "--forget", "1")
    assert exams(workspace) == {"cs/a": SIDS["a"]}
    assert "exams.state.json.backup" in workspace.printed


def test_a_state_that_went_back_is_restored_above_what_was_seen(workspace, sandbox):
    """Then no machine takes it for an older one."""
    workspace.run("import", "cs/b", SIDS["b"])
    keep(workspace, "later.json")
    go_back(workspace)
    workspace.run("state", "restore", "later.json")
    assert workspace.state["serial"] == 3
    workspace.run(*apply_to(sandbox))
    assert [exam["body"]["title"] for exam in sandbox.created] == ["Exam c"]


def test_a_state_of_another_lineage_is_not_restored(workspace):
    """It is another environment's."""
    workspace.run("init", "--state", "file:other.json")
    assert "lineage" in workspace.refused("state", "restore", OLD, "--state", "file:other.json")


def test_what_is_no_copy_is_refused(workspace):
    """Neither a file nor a version; a file that is no state; no backup yet."""
    assert "has no version 'nothing' in its history" in workspace.refused("state", "restore", "nothing")
    (workspace.root / "broken.json").write_text("{}")
    assert "broken.json is not a state" in workspace.refused("state", "restore", "broken.json")
    workspace.run("init", "--state", "file:other.json")
    assert "has no backup" in workspace.refused("state", "restore", "--state", "file:other.json")


@pytest.mark.parametrize("damage", ["gone", "broken"])
def test_a_state_that_is_gone_is_restored_with_its_log(workspace, sandbox, damage):
    """A run was killed, and its state is lost: what it created is in the log, and is not created again."""
    killed = workspace.variables | {fault_points.VARIABLE: "answered=kill@2"}
    workspace.run(*apply_to(sandbox), "--parallelism", "1", expect=-9, variables=killed)
    path = workspace.root / "exams.state.json"
    path.unlink() if damage == "gone" else path.write_text("{}")
    assert "state restore" in workspace.refused("plan")
    assert "state restore" in workspace.refused("init")
    assert "Traceback" not in workspace.refused(*apply_to(sandbox))
    workspace.run("state", "restore", OLD)
    assert exams(workspace) == {"cs/a": SIDS["a"], "cs/b": sandbox.created[0]["sid"]}
    assert workspace.state["intents"].keys() == {"cs/c"}
    workspace.run(*apply_to(sandbox), expect=3)
    assert len(sandbox.created) == 2


@pytest.mark.parametrize(
    "fault",
    [
        "log-write=torn",
        "log-swapped=kill",
        "snapshot-write=torn",
        "snapshot-swap=kill",
        "snapshot-swapped=kill",
        "log-clear=kill",
        "log-cleared=kill",
        "snapshot-flush=enospc",
    ],
)
@pytest.mark.parametrize("damage", ["gone", "replaced"])
def test_a_restore_that_is_cut_off_is_restored_again(workspace, sandbox, fault, damage):
    """Wherever it stops: the log is not given up before a state holds what was in it."""
    killed = workspace.variables | {fault_points.VARIABLE: "answered=kill@2"}
    workspace.run(*apply_to(sandbox), "--parallelism", "1", expect=-9, variables=killed)
    path = workspace.root / "exams.state.json"
    path.unlink() if damage == "gone" else path.write_text(path.read_text().replace("cs/a", "cs/a3"))
    cut = workspace.variables | {fault_points.VARIABLE: fault}
    expect = 1 if "enospc" in fault else -9
    workspace.run("state", "restore", OLD, variables=cut, expect=expect)
    workspace.run("state", "restore", OLD)
    assert exams(workspace) == {"cs/a": SIDS["a"], "cs/b": sandbox.created[0]["sid"]}
    assert workspace.state["intents"].keys() == {"cs/c"}
    workspace.run(*apply_to(sandbox), expect=3)
    assert len(sandbox.created) == 2


@pytest.mark.parametrize("damage", ["gone", "broken"])
def test_an_encrypted_state_that_is_gone_is_restored_encrypted(workspace, sandbox, damage):
    """From an encrypted copy or a plain one, with what its encrypted log holds."""
    path = workspace.root / "exams.state.json"
    workspace.variables["RECONCILER_STATE_KEY"] = "k" * 40
    workspace.run("state", "encrypt")
    copies = {"encrypted.json": path.read_bytes(), OLD: (workspace.root / OLD).read_bytes()}
    killed = workspace.variables | {fault_points.VARIABLE: "answered=kill@2"}
    workspace.run(*apply_to(sandbox), "--parallelism", "1", expect=-9, variables=killed)
    log = (workspace.root / "exams.state.json.journal").read_bytes()
    for name, copy in copies.items():
        path.unlink(missing_ok=True) if damage == "gone" else path.write_bytes(
            path.read_bytes()[:-40] + b"}\n"
        )
        (workspace.root / "exams.state.json.journal").write_bytes(log)
        (workspace.root / name).write_bytes(copy)
        workspace.run("state", "restore", name, "--allow-older-state")
        assert b"cs/a" not in path.read_bytes()
        pulled = json.loads(workspace.run("state", "pull"))
        assert pulled["exams"].keys() == {"cs/a", "cs/b"}
        assert pulled["intents"].keys() == {"cs/c"}


def test_init_is_refused_beside_a_backup(workspace):
    """Another exam would be created for each that exists: the message has the command that restores."""
    workspace.run("state", "mv", "cs/a", "cs/a2")
    (workspace.root / "exams.state.json").unlink()
    (workspace.root / ".reconciler" / "seen.json").unlink()
    assert "`reconciler state restore`" in workspace.refused("init")
    assert_restoring_is_next(workspace)
    workspace.run("state", "restore", "--allow-older-state")
    assert exams(workspace) == {"cs/a": SIDS["a"]}


def assert_restoring_is_next(workspace):
    """The greeting never proposes an empty state where there was another one."""
    said = workspace.run()
    assert "The state is missing: file:exams.state.json does not exist, but " in said
    assert "Next: `reconciler state restore`" in said
    assert "init" not in said


def test_init_is_refused_where_this_machine_knows_a_state(workspace):
    """Also if nothing of it is left; a state elsewhere may be made."""
    for path in (workspace.root / "exams.state.json").parent.glob("exams.state.json*"):
        path.unlink()
    assert "does not exist, but this machine has seen serial 1 of it" in workspace.refused("init")
    assert_restoring_is_next(workspace)
    workspace.run("init", "--state", "file:other.json")
    workspace.run("state", "restore", OLD)
    assert exams(workspace) == {"cs/a": SIDS["a"]}


def test_a_copy_that_lacks_what_was_created_since_is_not_restored_unasked(workspace, sandbox):
    """The log of the state that is gone tells that there was a later one, as this machine does."""
    workspace.run(*apply_to(sandbox), "--target", "cs/b")
    killed = workspace.variables | {fault_points.VARIABLE: "answered=kill"}
    workspace.run(*apply_to(sandbox), expect=-9, variables=killed)
    path, log = workspace.root / "exams.state.json", workspace.root / "exams.state.json.journal"
    later = path.read_bytes()
    seen = workspace.root / ".reconciler" / "seen.json"
    seen.unlink()
    path.unlink()
    assert "had serial 3, but" in workspace.refused("state", "restore", OLD)
    assert "--allow-older-state" in workspace.printed
    assert log.exists()
    (workspace.root / "later.json").write_bytes(later)
    workspace.run("state", "restore", "later.json")
    assert exams(workspace).keys() == {"cs/a", "cs/b"}
    path.write_bytes((workspace.root / OLD).read_bytes())
    assert "only serial 1 is known: 2 changes are missing" in workspace.refused("state", "restore", OLD)
    workspace.run("state", "restore", OLD, "--allow-older-state")
    assert exams(workspace).keys() == {"cs/a"}
    assert len(sandbox.created) == 2


@pytest.fixture
def remote(tmp_path):
    """A workspace whose state is in a git repository; cs/a is in it."""
    made = Workspace(tmp_path)
    made.declare(*SIDS)
    bare(tmp_path / "state.git")
    made.run("init", *STORE)
    made.run("import", "cs/a", SIDS["a"], *STORE)
    return made


STORE = ("--state", "git+file:state.git")


def remote_exams(workspace):
    """The addresses in that state."""
    return json.loads(workspace.run("state", "pull", *STORE))["exams"].keys()


def test_the_state_at_a_commit_is_restored(remote):
    """A store with a history needs no copies."""
    commit = git(remote.root / "state.git", "rev-parse", "--short", "exam-state").strip()
    remote.run("state", "rm", "cs/a", *STORE)
    remote.run("import", "cs/b", SIDS["b"], *STORE)
    remote.run("state", "restore", commit, *STORE)
    assert remote_exams(remote) == {"cs/a", "cs/b"}
    remote.run("state", "rm", "cs/b", *STORE)
    remote.run("state", "restore", *STORE)
    assert remote_exams(remote) == {"cs/a", "cs/b"}
    assert "has no version 'abcdef0'" in remote.refused("state", "restore", "abcdef0", *STORE)


def test_init_is_refused_beside_a_recovery_file(remote, sandbox):
    """The store lost everything, and this machine has what a run sent."""
    killed = remote.variables | {fault_points.VARIABLE: "fold-due=kill"}
    remote.run(*apply_to(sandbox), *STORE, expect=-9, variables=killed)
    git(remote.root / "state.git", "update-ref", "-d", "refs/heads/exam-state")
    refusal = " ".join(remote.refused("init", *STORE).split())
    assert "a run on it left" in refusal
    assert "state restore" in refusal
    assert "state recover" in refusal


def test_a_state_that_a_git_server_lost_is_restored_from_a_copy(remote, sandbox):
    """And completed by the recovery file: then nothing is created twice."""
    (remote.root / OLD).write_text(remote.run("state", "pull", *STORE))
    killed = remote.variables | {fault_points.VARIABLE: "fold-due=kill"}
    remote.run(*apply_to(sandbox), *STORE, expect=-9, variables=killed)
    git(remote.root / "state.git", "update-ref", "-d", "refs/heads/exam-state")
    remote.refused("state", "restore", OLD, *STORE)
    remote.run("state", "restore", OLD, "--allow-older-state", *STORE)
    (file,) = (remote.root / ".reconciler" / "recovery").glob("*.recovery")
    assert "state recover" in remote.refused(*apply_to(sandbox), *STORE)
    remote.run("state", "recover", str(file), *STORE)
    assert remote_exams(remote) == {"cs/a", "cs/b", "cs/c"}
    remote.run(*apply_to(sandbox), *STORE)
    assert len(sandbox.created) == 2
