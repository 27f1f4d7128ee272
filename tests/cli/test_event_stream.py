"""`apply --format jsonl`, end to end: events while they happen, the report last, and nobody is held up."""

import contextlib
import json
import os
import subprocess
import threading

import pytest
import zygote
from exam_workspace import Workspace
from jsonschema import Draft202012Validator
from recording_server import RecordingServer

from reconciler import schemas

LINES = Draft202012Validator(schemas.load("log"))
REPORT = Draft202012Validator(schemas.load("report"))


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


def start(workspace, server, *more, stdout=subprocess.PIPE):
    """An apply that streams, as a running process."""
    arguments = ("apply", "--auto-approve", "--format", "jsonl", "--api-url", server.url, *more)
    return zygote.start(
        *arguments, cwd=workspace.root, env=workspace.environment(), stdout=stdout, text=False
    )


def parsed(text):
    """The events in `text`, each checked against the schema."""
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        LINES.validate(event)
    return events


def report_of(event):
    """The report document that the last event holds, checked against its own schema."""
    assert event["event"] == "report"
    document = {key: value for key, value in event.items() if key not in {"event", "time"}}
    REPORT.validate(document)
    return document


def test_the_stream_ends_with_the_report(workspace, server):
    """Standard output holds events and nothing else; what people read is on standard error."""
    process = start(workspace, server)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    events = parsed(stdout)
    assert next(event["event"] for event in events if event["event"] != "warning") == "started"
    assert [event["event"] for event in events][-2:] == ["finished", "report"]
    report = report_of(events[-1])
    assert {key: count for key, count in report["summary"].items() if count} == {"created": 3}
    sids = {exam["address"]: exam["sid"] for exam in report["exams"]}
    assert sids == {address: entry["sid"] for address, entry in workspace.state["exams"].items()}
    assert b"cs/a" in stderr


def test_an_event_is_there_when_it_happens(workspace, server):
    """The attempt can be read while the service still thinks about it."""
    go_on = threading.Event()

    def respond(request):
        go_on.wait(30)
        return 200, {}, json.dumps({"sid": request.sid}).encode()

    server.respond = respond
    process = start(workspace, server, "--parallelism", "1")
    try:
        told = []
        while "attempt" not in told:
            told += [event["event"] for event in parsed(process.stdout.readline())]
        assert [event for event in told if event != "warning"] == ["started", "attempt"]
        assert not go_on.is_set()
    finally:
        go_on.set()
    rest, _ = process.communicate(timeout=60)
    report_of(parsed(rest)[-1])


def test_an_exam_in_doubt_has_its_in_doubt_report_in_the_report(workspace, server):
    """Who reads the stream needs nothing else to settle it."""
    server.respond = lambda _: (502, {}, b"bad gateway")
    process = start(workspace, server)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    report = report_of(parsed(stdout)[-1])
    assert all(exam["doubt"]["settle"]["commands"] for exam in report["exams"])


def test_a_refusal_is_the_last_event(workspace, server):
    """Whoever reads the stream alone learns why there is no report."""
    workspace.variables.pop("EXAM_SECRET_CS")
    process = start(workspace, server)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    (event,) = parsed(stdout)
    assert event["event"] == "error"
    assert "EXAM_SECRET_CS" in event["details"][0]
    assert b"EXAM_SECRET_CS" in stderr
    assert server.requests == []


def created_all(workspace, process):
    """All three exams are in state, whatever became of standard output."""
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert b"Traceback" not in stderr
    assert len(workspace.state["exams"]) == 3
    assert workspace.state["intents"] == {}


def test_a_reader_of_events_that_does_not_read_stops_nothing(workspace, server):
    """The pipe is full from the start, and the run ends all the same."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    process = start(workspace, server, stdout=writing)
    os.close(writing)
    created_all(workspace, process)
    os.close(reading)
