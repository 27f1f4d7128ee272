"""Folders and disks that refuse, by the kernel's own hand: nothing is sent that could not be recorded."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
import time

import pytest
from exam_workspace import Workspace
from promises import check_promises, check_way_on

from reconciler.sandbox import Settings, parse_fault
from reconciler.sandbox.running import running

NAMES = ("e0", "e1", "e2", "e3")
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2


@pytest.fixture
def workspace(tmp_path):
    """A workspace with four exams and a state; its folder can be written in again afterwards."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare(*NAMES)
    yield made
    tmp_path.chmod(0o755)


@pytest.fixture
def sandbox():
    """A server that takes its time, so that something can happen during a run."""
    with running(Settings(port=0, faults=(parse_fault("latency:seconds=0.1"),))) as opened:
        yield opened


def bind_by_permissions():
    """From now on permissions bind this process and what it becomes, even where it is the superuser's."""
    if os.geteuid() == 0:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "cannot drop a capability")


def fill_up_at(size_bytes):
    """A preparation of a process: no file of its grows beyond `size_bytes`."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def start(workspace, prepare, *arguments):
    """A command as a running process that `prepare` has limited."""
    environment = {key: value for key, value in workspace.environment().items() if not key.startswith("COV")}
    return subprocess.Popen(  # the limits are to hold for the command, not for what measures coverage
        # Without -B it would leave half a compiled module, where a module was changed since the last run.
        [sys.executable, "-B", "-m", "reconciler", *arguments],
        cwd=workspace.root,
        env=environment,
        preexec_fn=prepare,  # noqa: PLW1509 - no other thread holds a lock that the child needs
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    """The exit code of a process, and what it printed with its line breaks gone."""
    out, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    return process.returncode, " ".join((out + err).split())


def apply_with(sandbox):
    """An apply, one exam at a time."""
    return ("apply", "--auto-approve", "--parallelism", "1", "--api-url", sandbox.url)


def test_a_read_only_folder_can_be_planned_but_not_applied(workspace, sandbox):
    """Plan writes nothing. Apply says what it cannot do and where, before anything is sent."""
    workspace.root.chmod(0o555)
    code, _ = end(start(workspace, bind_by_permissions, "plan"))
    assert code == 0
    code, printed = end(start(workspace, bind_by_permissions, *apply_with(sandbox)))
    assert code == 1
    assert "cannot write the log of file:exams.state.json: Permission denied" in printed
    assert "Check the path, its permissions" in printed
    assert sandbox.requests == 0
    assert sorted(path.name for path in workspace.root.iterdir()) == ["exams.state.json", "exams.yaml"]


def test_a_folder_that_becomes_read_only_during_a_run(workspace, sandbox):
    """The log, open already, takes the outcomes; the snapshot waits for the next command."""
    process = start(workspace, bind_by_permissions, *apply_with(sandbox))
    while sandbox.requests < 2:
        assert process.poll() is None
        time.sleep(0.01)
    workspace.root.chmod(0o555)
    code, printed = end(process)
    assert code == 1
    assert "cannot write file:exams.state.json: Permission denied" in printed
    assert set(check_promises(workspace, sandbox)["exams"]) == {f"cs/{name}" for name in NAMES}
    workspace.root.chmod(0o755)
    check_way_on(workspace, sandbox, NAMES)
    assert sandbox.requests == len(NAMES)


def test_a_state_that_is_a_hard_link_can_be_planned_but_not_applied(workspace, sandbox):
    """A fold would part it from the others, which would go on with an old state. Nothing is sent."""
    (workspace.root / "other.json").hardlink_to(workspace.root / "exams.state.json")
    workspace.run("plan")
    workspace.run(*apply_with(sandbox), expect=1)
    assert "is one of 2 hard links" in workspace.printed
    assert sandbox.requests == 0
    (workspace.root / "other.json").unlink()
    workspace.run(*apply_with(sandbox))


MOUNTED = """
mount --make-rprivate / && mount --bind exams.state.json exams.state.json || exit 77
exec "$0" -m reconciler "$@"
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="only Linux has mounts of one's own")
def test_a_state_that_is_mounted_by_itself_can_be_planned_but_not_applied(workspace, sandbox):
    """As in a container: its file cannot be replaced. That is found before anything is sent."""
    command = ["unshare", "-m", "sh", "-c", MOUNTED, sys.executable]
    environment = {key: value for key, value in workspace.environment().items() if not key.startswith("COV")}
    printed = {}
    for arguments in (("plan",), apply_with(sandbox)):
        done = subprocess.run(
            [*command, *arguments],
            check=False,
            cwd=workspace.root,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode not in {0, 1} or "unshare failed" in done.stderr:
            pytest.skip("this machine allows no mounts")
        printed[arguments[0]] = done.returncode, " ".join(done.stderr.split())
    assert printed["plan"][0] == 0
    assert printed["apply"][0] == 1
    assert "Device or resource busy" in printed["apply"][1]
    assert "mount its folder instead" in printed["apply"][1]
    assert sandbox.requests == 0
    assert sorted(path.name for path in workspace.root.iterdir()) == ["exams.state.json", "exams.yaml"]


@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="there is no such file system")  # noqa: PTH112
def test_a_file_system_that_takes_no_files(workspace, sandbox):
    """Where nobody can make a file, not even the superuser, `init` says so and apply asks for a state."""
    there = ("--state", "file:/sys/kernel/exams.state.json")
    workspace.run("init", *there, expect=1)
    assert "cannot write file:/sys/kernel/exams.state.json" in workspace.printed
    workspace.run(*apply_with(sandbox), *there, expect=1)
    assert sandbox.requests == 0


@pytest.mark.parametrize("size_bytes", [0, 100, 500, 1000, 2000, 3000])
def test_a_disk_that_fills_up(workspace, sandbox, size_bytes):
    """Wherever in the log the room ends, what was created is told, and kept or in doubt."""
    code, printed = end(start(workspace, fill_up_at(size_bytes), *apply_with(sandbox)))
    assert code in {1, 3}
    assert "File too large" in printed
    for exam in sandbox.created:
        assert exam["sid"] in printed
    check_way_on(workspace, sandbox, NAMES)
