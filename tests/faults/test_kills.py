"""Kills, signals and second runners: nothing twice, nothing lost, whatever ends a run."""

import json
import random
import signal
import time

import pytest
from exam_workspace import Workspace
from promises import check_promises

from reconciler.sandbox import Settings, parse_fault
from reconciler.sandbox.running import running

NAMES = [f"e{number:02}" for number in range(40)]


@pytest.fixture
def workspace(tmp_path):
    """A workspace with forty exams and a state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare(*NAMES)
    return made


@pytest.fixture
def sandbox():
    """A server that takes its time and keeps what it created."""
    with running(Settings(port=0, faults=(parse_fault("latency:seconds=0.05"),))) as opened:
        yield opened


def start(workspace, sandbox, *more):
    """An apply as a running process."""
    return workspace.start("apply", "--auto-approve", "--api-url", sandbox.url, "--parallelism", "4", *more)


def wait_for_requests(sandbox, number):
    """Return once the server has seen `number` requests."""
    deadline = time.monotonic() + 30
    while sandbox.requests < number:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_instants(workspace, sandbox, seed):
    """Killed again and again in mid-flight, every exam ends created once or in doubt."""
    chance = random.Random(seed)  # noqa: S311 - it chooses instants
    for _ in range(4):
        process = start(workspace, sandbox)
        time.sleep(chance.uniform(0.05, 0.4))
        process.kill()
        process.communicate()
        check_promises(workspace, sandbox)
    workspace.apply(sandbox.url, expect=3 if check_promises(workspace, sandbox)["intents"] else 0)
    state = check_promises(workspace, sandbox)
    assert set(state["exams"]) | set(state["intents"]) == {f"cs/{name}" for name in NAMES}


def test_a_log_torn_anywhere_after_a_kill_is_read(workspace, sandbox):
    """Cut the last record of a killed run's log at each of its bytes: the command goes on, SIDs stay."""
    process = start(workspace, sandbox)
    wait_for_requests(sandbox, 12)
    process.kill()
    process.communicate()
    log = workspace.root / "exams.state.json.journal"
    whole = log.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for length in range(last, len(whole) + 1, 40):
        log.write_bytes(whole[:length])
        workspace.run("plan", "--detailed-exitcode", expect=3)
    log.write_bytes(whole)
    check_promises(workspace, sandbox)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_first_signal_lets_those_in_flight_finish(workspace, sandbox, number, code):
    """The run stops early, tells every outcome, leaves no doubt and lets go of the lock."""
    process = start(workspace, sandbox, "--format", "json")
    wait_for_requests(sandbox, 6)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == code
    summary = json.loads(out)["summary"]
    assert summary["inDoubt"] == 0
    assert summary["created"] == len(sandbox.created)
    assert summary["notAttempted"] > 0
    assert not (workspace.root / "exams.state.json.journal").exists()
    assert check_promises(workspace, sandbox)["intents"] == {}


def test_the_second_signal_abandons_those_in_flight(workspace):
    """What is in flight is in doubt, at once, and the report says which."""
    with running(Settings(port=0, faults=(parse_fault("latency:seconds=20"),))) as sandbox:
        process = start(workspace, sandbox, "--format", "json")
        wait_for_requests(sandbox, 4)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=15)
        assert process.returncode == 130
        counts = {key: count for key, count in json.loads(out)["summary"].items() if count}
        assert counts == {"inDoubt": 4, "notAttempted": 36}
        assert len(workspace.state["intents"]) == 4


def test_two_runs_at_once_create_each_exam_once(workspace, sandbox):
    """The second is refused and told by whom, or waits and then finds nothing to do."""
    sandbox.misbehave("latency:seconds=0.5")
    first = start(workspace, sandbox)
    wait_for_requests(sandbox, 2)
    workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, expect=1)
    assert f"process {first.pid}" in workspace.printed
    workspace.run("plan")
    second = start(workspace, sandbox, "--lock-timeout", "30")
    assert first.wait(timeout=30) == 0
    assert second.wait(timeout=30) == 0
    for process in (first, second):
        process.communicate()
    assert sandbox.requests == len(NAMES)
    check_promises(workspace, sandbox)


def test_a_log_that_cannot_be_written_stops_before_anything_is_sent(workspace, sandbox):
    """Without a place for the intent there is no request."""
    (workspace.root / "exams.state.json.journal").mkdir()
    workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, expect=1)
    assert "exams.state.json" in workspace.printed
    assert sandbox.requests == 0


def settled_requests(sandbox):
    """How many requests came, once what a killed process had sent has come as well."""
    seen = -1
    while seen != sandbox.requests:
        seen = sandbox.requests
        time.sleep(0.5)
    return seen


def test_a_state_put_back_by_hand_is_noticed(workspace, sandbox):
    """After a kill, an older snapshot beside a newer log stops every command."""
    older = (workspace.root / "exams.state.json").read_bytes()
    workspace.apply(sandbox.url, "--target", "cs/e00")
    process = start(workspace, sandbox)
    wait_for_requests(sandbox, 6)
    process.kill()
    process.communicate()
    requests = settled_requests(sandbox)
    (workspace.root / "exams.state.json").write_bytes(older)
    workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, expect=1)
    assert "replaced by hand" in workspace.printed
    assert sandbox.requests == requests
