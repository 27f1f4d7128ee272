"""The stream of events itself: what ends a run is its last line, and several may be told of one run."""

import argparse
import json

import pytest
from jsonschema import Draft202012Validator

from reconciler import schemas
from reconciler.cli.notices import ProgressFanOut, streaming
from reconciler.model.errors import NotConfirmed

LINES = Draft202012Validator(schemas.load("log"))
STOPS = {
    "a refusal": (NotConfirmed("nobody said yes", hint="Say yes."), "nobody said yes"),
    "a full disk": (OSError(28, "No space left on device"), "No space left on device"),
    "a failure without words": (OSError("odd"), "odd"),
    "an interruption": (KeyboardInterrupt(), "interrupted: nothing more was sent"),
}


@pytest.mark.parametrize("case", STOPS)
def test_what_ends_a_run_is_its_last_event(capfd, case):
    """It is told on standard output, and raised all the same."""
    error, message = STOPS[case]

    def run():
        with streaming(argparse.Namespace(format="jsonl")) as log:
            log.finished()
            raise error

    with pytest.raises(type(error)):
        run()
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    for event in events:
        LINES.validate(event)
    assert [event["event"] for event in events] == ["finished", "error"]
    assert events[1]["message"] == message


@pytest.mark.parametrize("form", ["text", "json"])
def test_other_formats_have_no_stream(capfd, form):
    """Standard output is left to whoever prints the result."""
    with streaming(argparse.Namespace(format=form)) as log:
        assert log is None
    assert capfd.readouterr().out == ""


class Listener:
    """Keeps all calls."""

    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        return lambda *values: self.told.append((name, *values))


def test_each_progress_receives_all_calls_in_order():
    """Each receives what a single one would receive."""
    first, second = Listener(), Listener()
    chorus = ProgressFanOut(first, second)
    chorus.started(2)
    chorus.trying("begun")
    chorus.waiting(1.5, "HTTP 429")
    chorus.tried("ended")
    chorus.settled("exam")
    chorus.finished()
    assert first.told == second.told
    assert first.told == [
        ("started", 2),
        ("trying", "begun"),
        ("waiting", 1.5, "HTTP 429"),
        ("tried", "ended"),
        ("settled", "exam"),
        ("finished",),
    ]
