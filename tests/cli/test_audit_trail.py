"""The audit trail, end to end: each line fits its schema, each attempt has one outcome, no secret leaves."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter

import pytest
import zygote
from exam_workspace import SECRET, Workspace, exam
from jsonschema import Draft202012Validator
from recording_server import RecordingServer

from reconciler import schemas

TOKEN = "a.token.x"
LINES = Draft202012Validator(schemas.load("log"))


@pytest.fixture
def workspace(tmp_path):
    """A workspace with three exams and a state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare("a", "b", "c")
    return made


@pytest.fixture
def server():
    """A server that answers as a test says."""
    with RecordingServer() as opened:
        yield opened


def start(workspace, server, *more, stderr=subprocess.PIPE):
    """An apply with an audit trail, as a running process."""
    arguments = ("apply", "--auto-approve", "--log-format", "json", "--api-url", server.url, *more)
    return zygote.start(
        *arguments, cwd=workspace.root, env=workspace.environment(), stderr=stderr, text=False
    )


def ended(process):
    """Exit code, standard output and the lines of the trail, each checked against the schema."""
    stdout, stderr = process.communicate(timeout=60)
    assert SECRET.encode() not in stdout + stderr
    assert TOKEN.encode() not in stdout + stderr
    lines = [json.loads(line) for line in stderr.decode().splitlines()]
    for line in lines:
        LINES.validate(line)
    return process.returncode, stdout.decode(), lines


def of(lines, event):
    """The lines about `event`."""
    return [line for line in lines if line["event"] == event]


def check_pairs(lines):
    """Every attempt is told once before its one outcome."""
    attempts = [line["attempt"] for line in of(lines, "attempt")]
    assert len(attempts) == len(set(attempts))
    assert Counter(attempts) == Counter(line["attempt"] for line in of(lines, "outcome"))
    order = [(line["attempt"], line["event"]) for line in lines if line["event"] in {"attempt", "outcome"}]
    for attempt in attempts:
        assert order.index((attempt, "attempt")) < order.index((attempt, "outcome"))


def test_a_run_is_told_from_start_to_finish(workspace, server):
    """Each create has an attempt, an outcome with what the server called it, and an end."""
    server.respond = lambda request: (
        200,
        {"X-Request-Id": f"id-{request.sid[-2:]}"},
        json.dumps({"sid": request.sid}).encode(),
    )
    code, _, lines = ended(start(workspace, server))
    assert code == 0
    check_pairs(lines)
    told = [line["event"] for line in lines if line["event"] != "warning"]
    assert (told[0], told[-1]) == ("started", "finished")
    assert lines[-1]["summary"] == {"created": 3, "failed": 0, "inDoubt": 0, "notAttempted": 0}
    by_sid = {line["sid"]: line for line in of(lines, "outcome")}
    for entry in workspace.state["exams"].values():
        line = by_sid[entry["sid"]]
        assert (line["status"], line["outcome"], line["final"]) == (200, "created", True)
        assert line["requestId"] == f"id-{entry['sid'][-2:]}"
        assert line["durationMs"] >= 0
    assert {line["address"] for line in of(lines, "settled")} == {"cs/a", "cs/b", "cs/c"}


def test_a_refused_try_is_told_as_one_that_is_not_final(workspace, server):
    """A 429 ends one attempt; the next is another."""
    first = iter([True])
    server.respond = lambda request: (
        (429, {"retry-after": "0"}, b"slow down")
        if next(first, False)
        else (200, {}, json.dumps({"sid": request.sid}).encode())
    )
    code, _, lines = ended(start(workspace, server, "--parallelism", "1"))
    assert code == 0
    check_pairs(lines)
    refused = [line for line in of(lines, "outcome") if line["status"] == 429]
    assert [(line["outcome"], line["final"]) for line in refused] == [("failed", False)]
    assert len(of(lines, "waiting")) == 1
    assert len(of(lines, "outcome")) == 4


def test_echoed_secrets_are_withheld_everywhere(workspace, server):
    """A server that echoes token and password in body and request id gives neither away."""
    body = json.dumps({"message": f"{SECRET} {TOKEN}"}).encode()
    server.respond = lambda _: (400, {"x-request-id": f"r-{TOKEN}-{SECRET}"}, body)
    code, _, lines = ended(start(workspace, server))
    assert code == 1
    check_pairs(lines)
    withheld = "HTTP 400: the server's message repeats a secret and is withheld"
    assert {line["requestId"] for line in of(lines, "outcome")} == {None}
    assert {line["message"] for line in of(lines, "outcome")} == {withheld}


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("signals", [1, 2])
def test_signals_leave_no_attempt_without_its_outcome(workspace, server, signals):
    """Drained or abandoned: what began is told to its end."""
    arrived, go_on = threading.Event(), threading.Event()

    def respond(request):
        arrived.set()
        go_on.wait(20)
        return 200, {}, json.dumps({"sid": request.sid}).encode()

    server.respond = respond
    process = start(workspace, server, "--parallelism", "2")
    assert arrived.wait(20)
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)  # two signals at once are one
    if signals == 1:
        go_on.set()
    try:
        code, _, lines = ended(process)
    finally:
        go_on.set()
    assert code == 143
    check_pairs(lines)
    outcome = "created" if signals == 1 else "in-doubt"
    assert {line["outcome"] for line in of(lines, "outcome")} == {outcome}
    assert len(of(lines, "settled")) == 3


def test_with_both_formats_json_nothing_else_is_printed(workspace, server):
    """Standard output is the report, standard error the trail, warnings included."""
    text = (workspace.root / "exams.yaml").read_text().replace("{fromEnv: EXAM_SECRET_CS}", SECRET)
    stranger = f"imports: [{{exam: cs/elsewhere, sid: EX{'f' * 32}}}]"
    workspace.write(text.replace("exams:", f"{stranger}\nexams:") + exam("elsewhere"))
    code, stdout, lines = ended(start(workspace, server, "--format", "json"))
    assert code == 0
    assert json.loads(stdout)["summary"]["created"] == 3
    assert "exams.yaml:" in of(lines, "warning")[0]["message"]
    assert of(lines, "backup")[0]["message"].endswith("exams.state.json.backup")


def test_a_refusal_is_a_line_as_well(workspace, server):
    """What stops a run before it begins is told as JSON, with all that belongs to it."""
    workspace.variables.pop("EXAM_SECRET_CS")
    code, _, lines = ended(start(workspace, server))
    assert code == 1
    assert [line["event"] for line in lines] == ["error"]
    assert "EXAM_SECRET_CS" in lines[0]["details"][0]
    assert lines[0]["hint"]


def test_mistakes_in_manifests_are_lines_as_well(workspace, server):
    """Each stands in the error's details, with its place."""
    workspace.write("version: 1\nexams: 7\n")
    code, _, lines = ended(start(workspace, server))
    assert code == 1
    assert of(lines, "error")[0]["details"][0].startswith("exams.yaml:")


def created_all(workspace, process, code=0):
    """All three exams are in state, whatever became of standard error."""
    process.communicate(timeout=60)
    assert process.returncode == code
    assert len(workspace.state["exams"]) == 3
    assert workspace.state["intents"] == {}


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_that_goes_away_stops_nothing(workspace, server, form):
    """Whoever read standard error is gone before the first create."""
    reading, writing = os.pipe()
    os.close(reading)
    process = start(workspace, server, "--log-format", form, stderr=writing)
    os.close(writing)
    created_all(workspace, process)


def test_a_reader_that_does_not_read_stops_nothing(workspace, server):
    """The pipe is full from the start, and the run ends all the same."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    process = start(workspace, server, stderr=writing)
    os.close(writing)
    created_all(workspace, process)
    os.close(reading)
