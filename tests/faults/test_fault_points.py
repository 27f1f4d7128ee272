"""A kill at every step of the protocol, and a failing disk at every write: nothing twice, nothing lost."""

import json
import re
import shutil
import signal
from pathlib import Path

import pytest
from exam_workspace import Workspace
from promises import check_promises, check_way_on

import reconciler
from reconciler import fault_points
from reconciler.fault_points import Failure, Step
from reconciler.sandbox.running import running

NAMES = ("e0", "e1", "e2")
ALIEN_SID = "EX" + "a" * 32
SHELF = """
from pathlib import Path
from reconciler.stores.file import FileStore

def open_shelf(url, root):
    return FileStore(Path(root, url.partition(":")[2]), location=url)
"""
TOLD = ("No space left on device", "Input/output error")


def run_apply(_workspace, sandbox):
    """Create three exams, two at once."""
    return ("apply", "--auto-approve", "--parallelism", "2", "--api-url", sandbox.url)


def run_apply_singly(_workspace, sandbox):
    """Create three exams, one by one: the first write of the log is the lock, the second an intent."""
    return ("apply", "--auto-approve", "--parallelism", "1", "--api-url", sandbox.url)


def run_elsewhere(workspace, sandbox):
    """Create three exams, one by one, with the state in a store that is not known to be on this machine."""
    package = workspace.root.with_name("package")
    (package / "shelf-1.dist-info").mkdir(parents=True)
    (package / "shelf.py").write_text(SHELF)
    (package / "shelf-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shelf\nVersion: 1\n"
    )
    (package / "shelf-1.dist-info" / "entry_points.txt").write_text(
        "[reconciler.stores]\nshelf = shelf:open_shelf\n"
    )
    workspace.variables["PYTHONPATH"] = str(package)
    workspace.variables["XDG_STATE_HOME"] = str(workspace.root.with_name("machine"))
    workspace.more = ("--state", "shelf:exams.state.json")
    return run_apply_singly(workspace, sandbox)


def run_resolve(workspace, sandbox):
    """Settle what a killed run left in doubt; the session goes on in that run's log."""
    leave_a_doubt(workspace, sandbox)
    return ("resolve", "cs/e0", "--absent")


def run_resolved_apply(workspace, sandbox):
    """Create what is missing where a killed run left a doubt; the session goes on in that run's log."""
    leave_a_doubt(workspace, sandbox)
    return run_apply(workspace, sandbox)


def leave_a_doubt(workspace, sandbox):
    """Put an intent of cs/e0 into the log, as a run does that is killed before it sends."""
    shutil.copytree(workspace.with_doubt, workspace.root, dirs_exist_ok=True)
    workspace.relocate(sandbox.url)


def run_import(_workspace, _sandbox):
    """Adopt an exam that the server never heard of, at an address of its own."""
    return ("import", "cs/e0", ALIEN_SID)


def run_init(workspace, _sandbox):
    """Create an empty state where there is none."""
    (workspace.root / "exams.state.json").unlink()
    return ("init",)


def run_push(workspace, _sandbox):
    """Put a later state in the place of the present one."""
    later = workspace.state | {"serial": 7}
    (workspace.root / "later.json").write_text(json.dumps(later))
    return ("state", "push", "later.json")


def run_unlock(workspace, sandbox):
    """Break the lock of a run that was killed."""
    leave_a_doubt(workspace, sandbox)
    log = (workspace.root / "exams.state.json.journal").read_bytes()
    return ("unlock", re.search(rb'"lockId":"([^"]+)"', log)[1].decode())


KILLS = [
    (run_apply, "log-read=kill"),
    (run_apply, "snapshot-read=kill"),
    (run_apply, "snapshot-read=kill@2"),
    (run_apply, "lock-folder=kill"),
    (run_apply, "lock-folder=kill@2"),
    (run_apply, "snapshot-open=kill"),
    (run_apply, "snapshot-write=torn"),
    (run_apply, "snapshot-swapped=kill"),
    (run_apply, "tidy=kill"),
    (run_apply, "log-open=kill"),
    (run_apply, "log-write=kill"),
    (run_apply, "log-write=torn"),
    (run_apply, "log-flush=kill"),
    (run_apply, "log-swap=kill"),
    (run_apply, "log-swapped=kill"),
    (run_apply, "log-write=torn@2"),
    (run_apply_singly, "log-write=kill@3"),
    (run_apply_singly, "log-write=torn@3"),
    (run_apply_singly, "log-flush=kill@3"),
    (run_apply, "log-write=short@2,log-drop=kill"),
    (run_apply_singly, "log-write=short@3,log-drop=kill"),
    (run_elsewhere, "recovery-open=kill"),
    (run_elsewhere, "recovery-write=kill"),
    (run_elsewhere, "recovery-write=torn"),
    (run_elsewhere, "recovery-write=torn@2"),
    (run_elsewhere, "recovery-write=torn@3"),
    (run_elsewhere, "recovery-flush=kill"),
    (run_elsewhere, "recovery-made=kill"),
    (run_elsewhere, "recovery-drop=kill"),
    (run_apply, "intent-due=kill"),
    (run_apply, "intent-durable=kill"),
    (run_apply, "intent-durable=kill@3"),
    (run_apply, "answered=kill"),
    (run_apply, "answered=kill@3"),
    (run_apply, "outcome-durable=kill"),
    (run_apply, "outcome-durable=kill@3"),
    (run_apply_singly, "intent-due=kill@2"),
    (run_apply_singly, "outcome-durable=kill"),
    (run_apply_singly, "intent-durable=kill@2"),
    (run_apply, "fold-due=kill"),
    (run_apply_singly, "log-write=kill@6"),
    (run_apply_singly, "log-write=torn@6"),
    (run_apply_singly, "log-flush=kill@6"),
    (run_apply, "snapshot-open=kill@2"),
    (run_apply, "snapshot-write=kill@2"),
    (run_apply, "snapshot-write=torn@2"),
    (run_apply, "snapshot-write=short@2,scratch-drop=kill"),
    (run_apply, "snapshot-flush=kill@2"),
    (run_apply, "snapshot-swap=kill@2"),
    (run_apply, "snapshot-swapped=kill@2"),
    (run_apply, "log-clear=kill"),
    (run_apply, "log-cleared=kill"),
    (run_resolve, "log-write=torn"),
    (run_resolve, "log-swap=kill"),
    (run_resolve, "log-swapped=kill"),
    (run_resolve, "backup-open=kill"),
    (run_resolve, "backup-write=kill"),
    (run_resolve, "backup-write=torn"),
    (run_resolve, "backup-flush=kill"),
    (run_resolve, "backup-swap=kill"),
    (run_resolve, "backup-swapped=kill"),
    (run_resolve, "log-write=torn@2"),
    (run_resolve, "snapshot-write=torn@2"),
    (run_resolve, "snapshot-swap=kill@2"),
    (run_resolve, "snapshot-swapped=kill@2"),
    (run_resolve, "log-clear=kill"),
    (run_resolved_apply, "snapshot-swap=kill@2"),
    (run_resolved_apply, "snapshot-swapped=kill@2"),
    (run_resolved_apply, "log-clear=kill"),
    (run_import, "snapshot-swap=kill@2"),
    (run_import, "snapshot-swapped=kill@2"),
    (run_unlock, "log-write=torn"),
    (run_unlock, "log-swap=kill"),
    (run_unlock, "log-swapped=kill"),
    (run_init, "log-swapped=kill"),
    (run_init, "snapshot-write=torn"),
    (run_init, "snapshot-swap=kill"),
    (run_init, "snapshot-swapped=kill"),
    (run_init, "log-clear=kill"),
    (run_push, "snapshot-swap=kill@2"),
    (run_push, "snapshot-swapped=kill@2"),
]

ELSEWHERE = {Step.STORE_CALL, Step.STORE_CALLED}
"""Reached by stores elsewhere only, which are killed and failed there by tests of their own."""
NOT_FIRST = {Step.SCRATCH_DROP, Step.LOG_DROP}
"""They follow on another failure only."""
FULL = {Step.RECOVERY_OPEN, Step.BACKUP_OPEN, Step.SNAPSHOT_OPEN, Step.LOG_OPEN}
"""Of the calls that write nothing, those that need room on the disk; the others fail with EIO."""


def failures_of(step):
    """How the call at `step` fails here."""
    if Failure.SHORT in step.actions:
        return (Failure.ENOSPC, Failure.EIO, Failure.SHORT)
    if Failure.EIO not in step.actions or step in NOT_FIRST | ELSEWHERE:
        return ()
    return (Failure.ENOSPC,) if step in FULL else (Failure.EIO,)


RUNS = {"BACKUP": run_resolve, "RECOVERY": run_elsewhere}
"""What reaches a step of these names; every other is reached by an apply."""

FAILURES = [
    (
        next((run for name, run in RUNS.items() if step.name.startswith(name)), run_apply_singly),
        f"{step.spelling}={action.value}",
    )
    for step in Step
    for action in failures_of(step)
] + [
    (run_apply_singly, "log-write=short@2,log-drop=eio"),
    (run_apply_singly, "log-write=short@3,log-drop=eio"),
    (run_apply, "log-write=short@3,log-drop=eio,log-drop=eio@2"),
    (run_apply_singly, "log-write=short@3"),
    (run_apply_singly, "log-write=eio@4"),
    (run_apply, "log-write=short@4"),
    (run_apply_singly, "log-write=short@6"),
    (run_apply_singly, "log-flush=eio@2"),
    (run_apply_singly, "log-flush=eio@3"),
    (run_apply_singly, "lock-folder=eio@3"),
    (run_apply_singly, "log-read=eio@2"),
    (run_apply_singly, "snapshot-read=eio@2"),
    (run_apply_singly, "snapshot-write=short@2"),
    (run_apply_singly, "snapshot-swapped=eio@2"),
    (run_apply_singly, "snapshot-write=short,scratch-drop=eio"),
    (run_elsewhere, "recovery-write=short@2"),
    (run_elsewhere, "recovery-write=enospc@2,log-write=enospc@3"),
    (run_resolve, "snapshot-write=short"),
    (run_resolve, "snapshot-write=short@2"),
    (run_resolve, "snapshot-swapped=eio@2"),
    (run_resolve, "log-swapped=eio"),
    (run_resolve, "log-clear=eio"),
    (run_init, "snapshot-write=short"),
    (run_init, "snapshot-swapped=eio"),
    (run_init, "log-clear=eio"),
    (run_import, "snapshot-write=enospc@2"),
    (run_push, "snapshot-write=short@2"),
    (run_unlock, "log-swapped=eio"),
]


def spell(part):
    """A case's part as part of the test's name."""
    return part if isinstance(part, str) else part.__name__.removeprefix("run_")


@pytest.fixture(scope="module")
def with_doubt(tmp_path_factory):
    """A folder with a state and the log of a run that was killed before it sent its first exam."""
    made = Workspace(tmp_path_factory.mktemp("doubt"))
    made.run("init")
    made.declare(*NAMES)
    with running() as sandbox:
        strike(made, "intent-durable=kill", *run_apply_singly(made, sandbox))
    return made.root


class _Workspace(Workspace):
    """A workspace whose commands are given `more` arguments."""

    more = ()

    def start(self, *arguments):
        """Start a command and return its process."""
        return super().start(*arguments, *self.more)

    def run(self, *arguments, **options):
        """Run a command; return its standard output."""
        return super().run(*arguments, *self.more, **options)


@pytest.fixture
def workspace(with_doubt, tmp_path):
    """A workspace with three exams and an empty state."""
    made = _Workspace(tmp_path / "workspace")
    made.root.mkdir()
    for name in ("exams.yaml", "exams.state.json"):
        shutil.copy(with_doubt / name, made.root)
    made.with_doubt = with_doubt
    return made


@pytest.fixture
def sandbox():
    """A server that keeps what it created."""
    with running() as opened:
        yield opened


def strike(workspace, fault, *arguments):
    """The exit code of a command that meets `fault`, and what it printed."""
    usual = workspace.variables
    workspace.variables = usual | {fault_points.VARIABLE: fault}
    try:
        process = workspace.start(*arguments)
        out, err = process.communicate(timeout=30)
    finally:
        workspace.variables = usual
    assert "Traceback" not in err
    return process.returncode, out + err


def go_on(run, workspace, sandbox):
    """Do what is still to do after a fault in `run`, and see that it ends well."""
    if run is run_init and not (workspace.root / "exams.state.json").exists():
        workspace.run("plan", expect=1)
        assert "reconciler init" in workspace.printed
        workspace.run("init")
    if run is run_push and workspace.state["serial"] != 7:
        workspace.run("state", "push", "later.json")
    if run is run_import:
        if "cs/e0" not in check_promises(workspace, sandbox)["exams"]:
            workspace.run("import", "cs/e0", ALIEN_SID)
        workspace.run("state", "rm", "cs/e0")
    check_way_on(workspace, sandbox, NAMES)
    left = {path.name for path in workspace.root.iterdir()}
    assert left <= {"exams.yaml", "exams.state.json", "exams.state.json.backup", "later.json", ".reconciler"}
    assert list((workspace.root / ".reconciler" / "recovery").glob("*.recovery")) == []


@pytest.mark.parametrize(("run", "fault"), KILLS, ids=spell)
def test_a_kill_at_any_step(workspace, sandbox, run, fault):
    """The process dies right there; what comes next tells what is in doubt, and ends what was begun."""
    arguments = run(workspace, sandbox)
    code, _ = strike(workspace, fault, *arguments)
    assert code == -signal.SIGKILL
    go_on(run, workspace, sandbox)


@pytest.mark.parametrize(("run", "fault"), FAILURES, ids=spell)
def test_a_failing_disk_at_any_step(workspace, sandbox, run, fault):
    """A call that fails is told, unless all was done in spite of it; the next run ends what was begun."""
    arguments = run(workspace, sandbox)
    code, printed = strike(workspace, fault, *arguments)
    assert code in {0, 1, 3}
    if code == 0:
        assert run in {run_resolve, run_unlock} or len(check_promises(workspace, sandbox)["exams"]) == len(
            NAMES
        )
    else:
        assert any(text in printed for text in TOLD)
        assert "exams.state.json" in printed
    go_on(run, workspace, sandbox)


def test_nothing_is_sent_before_its_intent_is_durable(workspace, sandbox):
    """While the disk takes its time over the intents, no request leaves."""
    slow_then_killed = "log-write=slow@2,log-flush=kill@2"
    code, _ = strike(workspace, slow_then_killed, *run_apply(workspace, sandbox))
    assert code == -signal.SIGKILL
    assert sandbox.requests == 0


def test_nothing_is_told_or_sent_before_an_outcome_is_durable(workspace, sandbox):
    """While the disk takes its time over an outcome, nobody is told of it, and the next exam waits."""
    slow_then_killed = "log-write=slow@3,log-flush=kill@3"
    code, printed = strike(workspace, slow_then_killed, *run_apply_singly(workspace, sandbox))
    assert code == -signal.SIGKILL
    assert sandbox.requests == 1
    assert sandbox.created[0]["sid"] not in printed
    check_way_on(workspace, sandbox, NAMES)


def test_a_disk_that_stays_full(workspace, sandbox):
    """The SID of what was in flight is told with the command that records it; nothing else is sent."""
    calls = [f"log-write=enospc@{number}" for number in range(3, 20)]
    code, printed = strike(workspace, ",".join(calls), *run_apply_singly(workspace, sandbox))
    assert code == 3
    sid = sandbox.created[0]["sid"]
    assert f"reconciler resolve cs/e0 --sid {sid}" in re.sub(r"\s+", " ", printed)
    assert sandbox.requests == 1
    check_way_on(workspace, sandbox, NAMES)


def test_every_step_has_a_kill_test():
    """A step that is added to the code is killed here too: the last fault of a case is the one that kills."""
    killed = {fault.rpartition(",")[2].partition("=")[0] for _, fault in KILLS}
    assert killed == {step.spelling for step in set(Step) - ELSEWHERE}


def test_every_call_that_can_fail_does():
    """Each failing call is tried, and each write in every way."""
    tried = {part.partition("@")[0] for _, faults in FAILURES + KILLS for part in faults.split(",")}
    writes = {step for step in Step if Failure.SHORT in step.actions}
    ways = set(Failure) - {Failure.SLOW, Failure.STOP}
    assert {f"{step.spelling}={action.value}" for step in writes for action in ways} <= tried
    calls = {step.spelling for step in set(Step) - ELSEWHERE if Failure.EIO in step.actions}
    assert calls <= {fault.partition("=")[0] for fault in tried if not fault.endswith(("kill", "torn"))}


def test_every_step_is_used_in_the_code():
    """A step that nothing reaches any more is removed."""
    folder = Path(reconciler.__file__).parent
    modules = [path for path in folder.rglob("*.py") if path.name != "fault_points.py"]
    texts = "\n".join(path.read_text() for path in modules)
    used = {*re.findall(r"\bStep\.([A-Z_]+)", texts)}
    endings = re.findall(r'\bStep\[f"\{kind\}_([A-Z]+)"\]', texts)
    used |= {f"{kind}_{ending}" for kind in ("SNAPSHOT", "LOG", "BACKUP") for ending in endings}
    assert used == {step.name for step in Step}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("nowhere=kill", "unknown step 'nowhere'"),
        ("intent-due", "the action must be one of kill, stop, not ''"),
        ("intent-due=eio", "the action must be one of kill, stop, not 'eio'"),
        ("log-flush=short", "the action must be one of kill, stop, enospc, eio, slow, not 'short'"),
        ("log-flush=kill@0", "not '0'"),
        ("log-flush=kill@", "not ''"),
        ("log-flush=kill@two", "not 'two'"),
        ("log-flush=kill,", "unknown step ''"),
    ],
)
def test_a_fault_that_is_none_is_refused(workspace, value, problem):
    """A test cannot pass because its fault was misspelt."""
    code, printed = strike(workspace, value, "plan")
    assert code == 1
    assert f"error: {fault_points.VARIABLE}: " in printed
    assert problem in printed


def test_without_the_variable_nothing_is_counted():
    """What ships does nothing at a step."""
    fault_points.reach(Step.LOCK_FOLDER)
    assert not fault_points._reached
