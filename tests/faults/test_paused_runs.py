"""A run that is stopped between an intent and its request, while another run takes its place: one exam."""

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import object_servers
import pytest
import state_server
from exam_workspace import Workspace
from git_repositories import bare

from reconciler import fault_points
from reconciler.sandbox.running import running

_FRESH_S = 1.0
_SOON_STALE = f"import reconciler.applying.executor as executor\nexecutor._FRESH_S = {_FRESH_S}\n"
_LOCK_ID = re.compile(r"lock id (\w+)")


@contextlib.contextmanager
def file(_root):
    """A file in the workspace."""
    yield "file:exams.state.json", {}


@contextlib.contextmanager
def git(root):
    """A branch of a repository."""
    bare(root / "exams.git")
    yield "git+file:exams.git", {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


@contextlib.contextmanager
def http(_root):
    """A server of Terraform's protocol."""
    command = [sys.executable, state_server.__file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/plain/exams", {}
        process.kill()


@contextlib.contextmanager
def s3(_root):
    """A bucket."""
    with object_servers.moto() as server:
        yield server.url(), server.variables


@pytest.fixture(params=[file, git, http, s3], ids=lambda store: store.__name__)
def workspace(request, tmp_path):
    """A workspace with two exams and an empty state in a store."""
    with request.param(tmp_path) as (url, variables):
        yield begun(tmp_path, url, variables)


def begun(root, url, variables):
    """A workspace with two exams and an empty state at `url`."""
    root.mkdir(exist_ok=True)
    made = Workspace(root)
    made.declare("e0", "e1")
    made.write(_SOON_STALE, "sitecustomize.py")
    made.variables |= variables
    made.store = ("--state", url)
    made.run("init", *made.store)
    return made


@pytest.fixture
def sandbox():
    """A server that keeps what it created."""
    with running() as opened:
        yield opened


def start_and_stop(workspace, url, fault):
    """An apply, one exam at a time, that has stopped where `fault` says."""
    usual = workspace.variables
    workspace.variables = usual | {fault_points.VARIABLE: fault}
    more = ("--auto-approve", "--parallelism", "1", "--api-url", url)
    process = workspace.start("apply", *workspace.store, *more)
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
    return process.returncode, re.sub(r"\s+", " ", out + err)


def break_lock(workspace):
    """Break the lock of a run that is stopped or was killed."""
    workspace.run("unlock", *workspace.store)
    lock_id = _LOCK_ID.search(workspace.printed)[1]
    workspace.run("unlock", lock_id, "--force", *workspace.store)


def check_taken_over(workspace, sandbox, process):
    """Let another run take the place of the stopped one, which then sends nothing."""
    stopped_s = time.monotonic()
    break_lock(workspace)
    workspace.run("resolve", "cs/e0", "--absent", *workspace.store)
    workspace.apply(sandbox.url, *workspace.store)
    assert len(sandbox.created) == 2
    if workspace.store[1] != "file:exams.state.json":  # a stat tells it, and no time has to pass
        time.sleep(max(0, stopped_s + _FRESH_S + 0.5 - time.monotonic()))
    code, printed = go_on(process)
    assert (code, sandbox.requests) == (3, 2)
    assert "cs/e0" in printed
    assert "lock" in printed
    workspace.apply(sandbox.url, *workspace.store)
    assert sandbox.requests == 2


def test_a_run_whose_place_was_taken_sends_nothing_when_it_goes_on(workspace, sandbox):
    """Its lock was broken, and its intent settled, so that another run could create the exam."""
    process = start_and_stop(workspace, sandbox.url, "intent-durable=stop")
    check_taken_over(workspace, sandbox, process)


def test_a_store_that_has_the_intent_may_tell_it_late(tmp_path, sandbox):
    """The run is stopped before it hears that its intent is durable, which then is old news."""
    with s3(tmp_path) as (url, variables):
        for number in itertools.count(3):  # until the call that is stopped is the one for the intent
            workspace = begun(
                tmp_path / f"{number}", url.replace("exams.state", f"{number}.state"), variables
            )
            process = start_and_stop(workspace, sandbox.url, f"store-called=stop@{number}")
            if json.loads(workspace.run("state", "pull", *workspace.store))["intents"]:
                break
            process.kill()
            process.communicate()
        assert sandbox.requests == 0
        check_taken_over(workspace, sandbox, process)


def test_a_run_that_was_only_stopped_creates_each_exam_once(workspace, sandbox):
    """The intent of before is ended, and the exam tried again."""
    process = start_and_stop(workspace, sandbox.url, "intent-durable=stop")
    time.sleep(_FRESH_S + 0.5)
    code, _ = go_on(process)
    assert (code, sandbox.requests) == (0, 2)
    assert len(sandbox.created) == 2
