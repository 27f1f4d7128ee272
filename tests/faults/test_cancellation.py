"""GitHub's cancel sequence, with its real delays: SIGINT, after 7.5 s SIGTERM, after 2.5 s more SIGKILL."""

import json
import signal
import subprocess
import time

import pytest
from exam_workspace import Workspace
from promises import check_promises

from reconciler.sandbox import Settings, parse_fault
from reconciler.sandbox.running import running

TO_SIGTERM_S = 7.5
TO_SIGKILL_S = 2.5
NAMES = [f"e{number}" for number in range(8)]


@pytest.fixture
def workspace(tmp_path):
    """A workspace with eight exams and a state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare(*NAMES)
    return made


def ends_within(process, seconds):
    """Whether the process ends by itself in time."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def cancel(workspace, sandbox):
    """The report of an apply that is cancelled with four exams in flight, and the signal that ended it."""
    process = workspace.start(
        "apply", "--auto-approve", "--parallelism", "4", "--format", "json", "--api-url", sandbox.url
    )
    while sandbox.requests < 4:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    last = signal.SIGINT
    if not ends_within(process, TO_SIGTERM_S):
        process.send_signal(signal.SIGTERM)
        last = signal.SIGTERM
        if not ends_within(process, TO_SIGKILL_S):
            process.kill()
            last = signal.SIGKILL
    out, err = process.communicate()
    assert "Traceback" not in err
    assert process.returncode == 128 + last
    assert not (workspace.root / "exams.state.json.journal").exists()
    return {exam["address"]: exam["outcome"] for exam in json.loads(out)["exams"]}, last


def test_answers_that_come_between_the_signals(workspace):
    """What is answered after the first signal is kept; what never is, is in doubt before the third."""
    faults = ("latency:seconds=2,title=Exam e[01]", "latency:seconds=60,title=Exam e[23]")
    with running(Settings(port=0, faults=tuple(map(parse_fault, faults)))) as sandbox:
        outcomes, last = cancel(workspace, sandbox)
        assert last == signal.SIGTERM
        assert sandbox.requests == 4
        state = check_promises(workspace, sandbox)
    expected = ["created"] * 2 + ["in-doubt"] * 2 + ["not-attempted"] * 4
    assert [outcomes[f"cs/{name}"] for name in NAMES] == expected
    assert set(state["exams"]) == {"cs/e0", "cs/e1"}
    assert set(state["intents"]) == {"cs/e2", "cs/e3"}
    assert all("stopped" in intent["answer"]["reason"] for intent in state["intents"].values())


def test_answers_that_all_come_after_the_first_signal(workspace):
    """The run ends by itself, and nothing is in doubt."""
    with running(Settings(port=0, faults=(parse_fault("latency:seconds=2"),))) as sandbox:
        outcomes, last = cancel(workspace, sandbox)
        assert last == signal.SIGINT
        state = check_promises(workspace, sandbox)
    assert state["intents"] == {}
    assert [outcomes[f"cs/{name}"] for name in NAMES] == ["created"] * 4 + ["not-attempted"] * 4
