"""The audit trail: one JSON object a line, whatever a server or a manifest says."""

import json
from datetime import UTC, datetime

import output_cases as cases
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from reconciler import schemas
from reconciler.model.errors import (
    ManifestInvalid,
    NotConfirmed,
    PlanRefused,
    ReconcilerError,
    SecretsUnavailable,
)
from reconciler.model.identities import Address, AttemptId
from reconciler.model.plan import Guard
from reconciler.model.report import Outcome, Report, TryBegun, TryEnded
from reconciler.outputs.in_doubt import in_doubt_reports_of_state
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.json.events import JsonLog
from reconciler.outputs.json.writers import report_document, to_text

LINES = Draft202012Validator(schemas.load("log"))
NOW = datetime(2031, 9, 1, 8, 0, tzinfo=UTC)


class Log:
    """A trail that is kept."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.trail = JsonLog(self.texts.append, lambda: NOW)

    @property
    def lines(self) -> list[dict[str, object]]:
        """The lines so far, each checked."""
        lines = [json.loads(text) for text in self.texts]
        for line, text in zip(lines, self.texts, strict=True):
            LINES.validate(line)
            assert text.endswith("}\n")
            assert text.count("\n") == 1
        return lines


def test_a_run_is_a_line_for_each_thing_that_happens() -> None:
    """The members of each line are those of the schema, and the time is that of the event."""
    log = Log()
    progress = log.trail
    progress.planned(cases.in_environment(cases.many_creates(1), "staging"))
    progress.started(4)
    progress.trying(TryBegun(address=Address("cs100/quiz-0000"), attempt=AttemptId("t0")))
    progress.waiting(2.51234, "HTTP 429")
    for exam in cases.report().exams:
        progress.settled(exam)
    progress.finished()
    log.trail.backed_up("x.json.backup")
    events = [line["event"] for line in log.lines]
    started, attempt, *_, backup = log.lines
    assert started["destination"]["environment"] == "staging"  # type: ignore[index]
    assert attempt["installSid"] == cases.INSTALL
    for line in (attempt, backup):
        assert (line["environment"], line["service"]) == ("staging", "https://api.example.edu")
    assert events == ["started", "attempt", "waiting", *["settled"] * 4, "finished", "backup"]
    assert log.lines[-1]["message"] == "x.json.backup"
    assert log.lines[0]["time"] == "2031-09-01T08:00:00Z"
    assert log.lines[2]["seconds"] == 2.512
    assert log.lines[-2]["summary"] == {"created": 1, "failed": 1, "inDoubt": 1, "notAttempted": 1}


@given(st.text(), st.none() | st.text(min_size=1, max_size=128))
def test_any_words_of_a_server_fit_on_one_line(message: str, request_id: str | None) -> None:
    """Line breaks, quotes and control characters break no line and reach no terminal."""
    log = Log()
    log.trail.tried(
        TryEnded(
            address=Address("a"),
            attempt=AttemptId("t0"),
            outcome=Outcome.FAILED,
            sid=None,
            status=400,
            message=message,
            is_final=True,
            took_s=0.0123,
            request_id=request_id,
        )
    )
    (line,) = log.lines
    assert (line["message"], line["requestId"], line["durationMs"]) == (message, request_id, 12)
    assert "\x7f" not in log.texts[0]


def test_sids_in_an_answer_are_on_the_line_of_its_outcome() -> None:
    """Only where there are any."""
    log = Log()
    for sids in ((), (cases.sid(1), cases.sid(2))):
        log.trail.tried(
            TryEnded(
                address=Address("a"),
                attempt=AttemptId("t0"),
                outcome=Outcome.IN_DOUBT,
                sid=None,
                status=500,
                message="HTTP 500",
                is_final=True,
                took_s=0.0123,
                request_id=None,
                sids=sids,
            )
        )
    without, with_sids = log.lines
    assert "sids" not in without
    assert with_sids["sids"] == [cases.sid(1), cases.sid(2)]


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (NotConfirmed("nobody", hint="x"), []),
        (SecretsUnavailable("1 secret", hint="x", references=["a: password"]), ["a: password"]),
        (PlanRefused([Guard(code="c", message="too many", hint="h", addresses=())]), ["too many"]),
    ],
)
def test_an_error_brings_what_it_is_about(error: ReconcilerError, details: list[str]) -> None:
    """Message, hint, and one detail for each thing that the text form lists."""
    log = Log()
    log.trail.failed(error)
    (line,) = log.lines
    assert (line["message"], line["hint"], line["details"]) == (error.message, error.hint, details)


def test_diagnostics_bring_their_places() -> None:
    """A mistake's place stands before it; one without a place is told without."""
    log = Log()
    log.trail.failed(ManifestInvalid(cases.diagnostics()))
    log.trail.warned(cases.diagnostics())
    error, *warnings = log.lines
    assert len(warnings) == len(cases.diagnostics())
    assert error["details"] == [warning["message"] for warning in warnings]
    for found, warning in zip(cases.diagnostics(), warnings, strict=True):
        place = "" if found.span is None else f"{found.span.start.file}:{found.span.start.line}:"
        assert str(warning["message"]).startswith(place)


def test_a_report_is_one_line_with_the_members_of_its_document() -> None:
    """Without time and event it is the document that `--format json` prints, in-doubt reports included."""
    log = Log()
    (doubt,) = (exam for exam in cases.report().exams if exam.outcome is Outcome.IN_DOUBT)
    report = Report(exams=(replace(doubt, address=Address("cs101/quiz-3")),))
    doubts = in_doubt_reports_of_state(cases.state(), Invocation())
    plan, state = cases.every_action(), cases.state()
    log.trail.planned(plan)
    log.trail.reported(cases.report(), plan, state)
    log.trail.reported(report, plan, state, doubts)
    schema = Draft202012Validator(schemas.load("report"))
    for line, told, known in zip(log.lines, (cases.report(), report), ({}, doubts), strict=True):
        assert line["event"] == "report"
        document = {key: value for key, value in line.items() if key not in {"event", "time"}}
        schema.validate(document)
        assert document == json.loads(to_text(report_document(told, plan, state, known)))
    assert "doubt" in log.lines[1]["exams"][0]  # type: ignore[index]
