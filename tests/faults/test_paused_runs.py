"""A run that is stopped between an intent and its request, while another run takes its place: one exam."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from exam_workspace import Workspace
from promises import check_promises

from reconciler import fault_points
from reconciler.sandbox.running import running

_FRESH_S = 10
_LOCK_ID = re.compile(r"lock id (\w+)")


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams and an empty state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare("e0", "e1")
    return made


def start_and_stop(workspace, url, fault):
    """An apply, one exam at a time, that has stopped where `fault` says."""
    usual = workspace.variables
    workspace.variables = usual | {fault_points.VARIABLE: fault}
    process = workspace.start("apply", "--auto-approve", "--parallelism", "1", "--api-url", url)
    workspace.variables = usual
    status = Path(f"/proc/{process.pid}/stat")
    deadline = time.monotonic() + 20
    while status.read_text().rpartition(")")[2].split()[0] != "T":
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def go_on(process):
    """The exit code of a stopped command that goes on, and all that it prints."""
    os.kill(process.pid, signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    return process.returncode, out + err


def take_over(workspace, url):
    """Break the lock of the stopped run, record that its exam does not exist, and apply."""
    workspace.run("unlock")
    workspace.run("unlock", _LOCK_ID.search(workspace.printed)[1], "--force")
    workspace.run("resolve", "cs/e0", "--absent")
    workspace.apply(url)


def test_a_run_whose_place_was_taken_sends_nothing_when_it_goes_on(workspace):
    """Its intent was settled in the meantime, so that another run could create the exam."""
    with running() as sandbox:
        process = start_and_stop(workspace, sandbox.url, "intent-durable=stop")
        stopped_s = time.monotonic()
        take_over(workspace, sandbox.url)
        assert len(sandbox.created) == 2
        time.sleep(max(0, stopped_s + _FRESH_S + 0.5 - time.monotonic()))
        code, printed = go_on(process)
        assert (code, sandbox.requests) == (3, 2)
        state = check_promises(workspace, sandbox)
    assert state["intents"] == {}
    assert "cs/e0" in printed


def test_a_run_that_was_only_stopped_creates_each_exam_once(workspace):
    """The intent of before is ended, and the exam tried again."""
    with running() as sandbox:
        process = start_and_stop(workspace, sandbox.url, "intent-durable=stop")
        time.sleep(_FRESH_S + 0.5)
        code, _ = go_on(process)
        assert (code, sandbox.requests) == (0, 2)
        state = check_promises(workspace, sandbox)
    assert state["exams"].keys() == {"cs/e0", "cs/e1"}
