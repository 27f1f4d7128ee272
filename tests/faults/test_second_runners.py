"""Two runners and one state: the lock keeps the second out, and a broken lock still lets nothing be lost."""

import json
import signal
import threading
import time

import pytest
from exam_workspace import Workspace
from recording_server import RecordingServer

NAMES = [f"e{number:02}" for number in range(12)]


@pytest.fixture
def workspace(tmp_path):
    """A workspace with twelve exams and a state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare(*NAMES)
    return made


class SlowServer(RecordingServer):
    """Creates each exam at once, but keeps the first four answers to itself until `release`."""

    def __init__(self):
        super().__init__()
        self._released = threading.Event()
        self.respond = self._respond_slowly

    def release(self):
        """Let the answers out."""
        self._released.set()

    def __exit__(self, *failure):
        self.release()
        super().__exit__(*failure)

    def _respond_slowly(self, request):
        if request in self.requests[:4]:
            self._released.wait(60)
        return 200, {}, json.dumps({"sid": request.sid}).encode()


@pytest.fixture
def server():
    """A server that has a run in flight for as long as a test likes."""
    with SlowServer() as opened:
        yield opened


def start(workspace, server):
    """An apply in flight, with four requests at the server."""
    process = workspace.start(
        "apply", "--auto-approve", "--format", "json", "--api-url", server.url, "--parallelism", "4"
    )
    deadline = time.monotonic() + 30
    while len(server.requests) < 4:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    return process


def drain(process, server):
    """Have the apply end those in flight and stop; its report."""
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    server.release()
    out, _ = process.communicate(timeout=30)
    return json.loads(out)


def lock_of(workspace):
    """What the log says of the lock."""
    lines = (workspace.root / "exams.state.json.journal").read_bytes().splitlines()
    return next(found["lock"] for found in (json.loads(line[9:]) for line in lines) if "lock" in found)


def test_the_lock_says_who_holds_it(workspace, server):
    """Who, host, process, since when, command and the lock's id: in the log, and for who is kept out."""
    process = start(workspace, server)
    lock = lock_of(workspace)
    assert set(lock) == {"lockId", "who", "host", "pid", "since", "command"}
    assert (lock["pid"], lock["command"]) == (process.pid, "apply")
    workspace.run("resolve", "cs/e00", "--absent", expect=1)
    printed = " ".join(workspace.printed.split())
    for said in ("who", "host", "pid", "since", "command", "lockId"):
        assert str(lock[said]).partition(".")[0] in printed
    assert f"reconciler unlock {lock['lockId']}" in printed
    assert f"is locked by {lock['who']} on {lock['host']}" in workspace.run("unlock")
    workspace.run("plan")
    assert f"note: file:exams.state.json is locked by {lock['who']}" in workspace.printed
    assert "none is recorded: the run was cut off, or is still at work" in workspace.printed
    drain(process, server)
    assert "is not locked" in workspace.run("unlock")


def test_unlock_leaves_a_live_run_alone(workspace, server):
    """Without --force a live holder keeps its lock; another id, or none, breaks nothing."""
    process = start(workspace, server)
    lock = lock_of(workspace)
    workspace.run("unlock", lock["lockId"], expect=1)
    assert "that process is alive" in " ".join(workspace.printed.split())
    workspace.run("unlock", "0" * 32, "--force", expect=1)
    assert lock["lockId"] in " ".join(workspace.printed.split())
    workspace.run("unlock", "--force", expect=1)
    assert lock_of(workspace) == lock
    assert drain(process, server)["summary"]["created"] == 4


def test_a_killed_runs_lock_stops_nobody(workspace, server):
    """The kernel knows that it has ended: unlock says so, and the next command needs no unlock."""
    process = start(workspace, server)
    lock = lock_of(workspace)
    process.kill()
    process.communicate()
    assert "has ended" in workspace.run("unlock")
    workspace.run("plan")
    assert "is locked" not in workspace.printed
    workspace.run("unlock", lock["lockId"])
    assert "is not locked" in workspace.run("unlock")
    workspace.run("resolve", "cs/e00", "--absent")


def test_a_broken_lock_loses_and_doubles_nothing(workspace, server):
    """Forced out in mid-flight, the first run sends and records nothing more, and tells its outcomes.

    The second run knows what the first had in flight, leaves it in doubt, and creates the rest. The first
    one's report gives the SIDs that it could not record.
    """
    process = start(workspace, server)
    workspace.run("unlock", lock_of(workspace)["lockId"], "--force")
    assert "in doubt" in workspace.printed
    second = workspace.apply(server.url, "--parallelism", "8", expect=3)
    server.release()
    out, errors = process.communicate(timeout=30)
    first = json.loads(out)
    assert process.returncode == 3, errors
    assert "taken away" in errors + out
    assert {key: count for key, count in first["summary"].items() if count} == {
        "inDoubt": 4,
        "notAttempted": 8,
    }
    assert second["summary"]["created"] == 8
    titles = [request.body["title"] for request in server.requests]
    assert len(titles) == len(set(titles)) == len(NAMES)
    state = workspace.state
    assert len(state["exams"]) == 8
    untold = {exam["address"]: exam["sid"] for exam in first["exams"] if exam["sid"]}
    assert set(state["intents"]) == set(untold)
    for address, sid in untold.items():
        workspace.run("resolve", address, "--sid", sid)
    assert {entry["sid"] for entry in workspace.state["exams"].values()} == {
        request.sid for request in server.requests
    }
    workspace.run("plan", "--detailed-exitcode")
