"""A store of somebody else that fails in the middle of a run, in odd ways, or that does not answer any more.

The run ends with its report, and what the store lacks is in the recovery file.
"""

import json
import re
import signal
import time

import pytest
from exam_workspace import Workspace

from reconciler.sandbox.running import running

STATE = ("--state", "plug:state")
STORE = '''
import asyncio, base64, json, os, threading
from pathlib import Path
from reconciler.model.errors import StateConflict
from reconciler.ports import Stored

class Store:
    """A store in a file, whose Nth change of a kind fails as the variable PLUG says: KIND:N:EXCEPTION."""

    location = "plug:state"

    def __init__(self, url, root):
        self.path = Path(root, "plug.json")
        self.kind, self.nth, self.how = os.environ.get("PLUG", "none:0:").split(":")
        self.left = int(self.nth)
        self.is_broken = False

    def load(self):
        self.meet("load")
        if not self.path.exists():
            return None
        number, *parts = json.loads(self.path.read_text())
        snapshot, log = map(base64.b64decode, parts)
        return Stored(snapshot=snapshot, log=log, head=str(number))

    def append(self, records, *, at, note=""):
        self.meet("append")
        now = self.load()
        return self.put(now.snapshot, now.log + records, at)

    def replace(self, snapshot, log, *, at, note=""):
        self.meet("replace")
        return self.put(snapshot, log, at)

    def has_ended(self, lock_id):
        return False

    def put(self, snapshot, log, at):
        number, *_ = json.loads(self.path.read_text()) if self.path.exists() else (0,)
        if at != (str(number) if number else None):
            raise StateConflict("it was changed", hint="")
        number += 1
        parts = (base64.b64encode(part).decode() for part in (snapshot, log))
        scratch = self.path.with_suffix(".new")
        scratch.write_text(json.dumps([number, *parts]))
        scratch.replace(self.path)
        return str(number)

    def meet(self, kind):
        if kind == self.kind:
            self.left -= 1
        if self.is_broken or (kind == self.kind and self.left == 0):
            self.is_broken = True
            if self.how == "HANG":
                self.path.with_name("hangs").touch()
                threading.Event().wait()
            raise eval(self.how)
'''
SHORTER_LIMIT = "import reconciler.stores.opening as opening\nopening.LIMIT_S = 1.0\n"
SHORTER_PATIENCE = "import reconciler.applying.stopping as stopping\nstopping._PATIENCE_S = 0.5\n"
ODD = (
    "ValueError('x')",
    "StopIteration()",
    "RecursionError()",
    "asyncio.CancelledError()",
    "KeyboardInterrupt()",
    "SystemExit(0)",
    "BaseException('x')",
)
MOMENTS = {"append:2": "an intent", "append:3": "an outcome", "replace:1": "the fold"}
_SID = re.compile("EX[0-9a-f]{32}")


@pytest.fixture
def workspace(tmp_path):
    """A workspace with three exams, and an empty state in a store that a package adds."""
    package = tmp_path / "package"
    (package / "plug-1.dist-info").mkdir(parents=True)
    (package / "plug.py").write_text(STORE)
    (package / "sitecustomize.py").write_text(SHORTER_LIMIT)
    (package / "plug-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1\n")
    (package / "plug-1.dist-info" / "entry_points.txt").write_text("[reconciler.stores]\nplug=plug:Store\n")
    root = tmp_path / "workspace"
    root.mkdir()
    made = Workspace(root)
    made.variables["PYTHONPATH"] = str(package)
    made.declare("e0", "e1", "e2")
    made.run("init", *STATE)
    return made


def start(workspace, url, plug):
    """An apply, one exam at a time, whose store fails as `plug` says."""
    usual = workspace.variables
    workspace.variables = usual | {"PLUG": plug}
    more = ("--parallelism", "1", "--format", "json", "--api-url", url)
    process = workspace.start("apply", "--auto-approve", *STATE, *more)
    workspace.variables = usual
    return process


def wait_for_hang(workspace):
    """Return once the store hangs."""
    deadline = time.monotonic() + 20
    while not (workspace.root / "hangs").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(process, within_s):
    """The exit code of an apply that ends in time, its outcomes in order, and all that it printed."""
    out, err = process.communicate(timeout=within_s)
    assert "Traceback" not in err
    exams = json.loads(out)["exams"]
    assert len(exams) == 3
    return process.returncode, [exam["outcome"] for exam in exams], out + err


def mend(workspace, sandbox, printed):
    """Let the store work again, feed back what it lacks, and see that each exam is created once."""
    workspace.run("unlock", *STATE)
    if found := re.search(r"lock id (\w+)", workspace.printed):
        workspace.run("unlock", found[1], *STATE)
    told = set(_SID.findall(printed))
    assert told == {exam["sid"] for exam in sandbox.created}
    for path in (workspace.root / ".reconciler" / "recovery").glob("*.recovery"):
        workspace.run("state", "recover", str(path), *STATE)
    for address in json.loads(workspace.run("state", "pull", *STATE))["intents"]:
        workspace.run("resolve", address, "--absent", *STATE)
    workspace.apply(sandbox.url, *STATE)
    titles = [exam["body"]["title"] for exam in sandbox.created]
    assert sorted(titles) == ["Exam e0", "Exam e1", "Exam e2"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("error", [*ODD, "HANG"])
def test_whatever_a_store_does_the_run_ends_with_its_report(workspace, moment, error):
    """Each SID that came back is told, and in the recovery file; nothing is sent twice afterwards."""
    with running() as sandbox:
        code, outcomes, printed = ended(start(workspace, sandbox.url, f"{moment}:{error}"), 30)
        expected = {
            "an intent": (1, ["not-attempted"] * 3),
            "an outcome": (3, ["in-doubt", "not-attempted", "not-attempted"]),
            "the fold": (1, ["created"] * 3),
        }
        assert (code, outcomes) == expected[MOMENTS[moment]]
        mend(workspace, sandbox, printed)


@pytest.mark.parametrize("moment", MOMENTS)
def test_two_signals_end_a_run_whose_store_hangs(workspace, moment):
    """A while after the second, as a limit of minutes is too long for somebody who waits."""
    (workspace.root.parent / "package" / "sitecustomize.py").write_text(SHORTER_PATIENCE)
    with running() as sandbox:
        process = start(workspace, sandbox.url, f"{moment}:HANG")
        wait_for_hang(workspace)
        process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        code, _, printed = ended(process, 10)
        assert "has not answered since this run was stopped" in printed
        assert code == (1 if MOMENTS[moment] == "the fold" else 128 + signal.SIGTERM)
        mend(workspace, sandbox, printed)


@pytest.mark.parametrize("moment", ["load:1", "append:1"])
def test_one_signal_ends_a_run_that_sent_nothing_yet(workspace, moment):
    """Nothing waits for the store, which hangs before it gives the lock."""
    with running() as sandbox:
        process = start(workspace, sandbox.url, f"{moment}:HANG")
        wait_for_hang(workspace)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
        assert (out, err, process.returncode) == ("", "interrupted: nothing more was sent\n", 143)
        assert sandbox.requests == 0
