"""`plan` and `show` print CSV and calendars: of a plan, a saved plan and the state."""

import csv
import io

import pytest
from exam_workspace import MANIFEST, Workspace, exam
from icalendar import Calendar
from recording_server import RecordingServer


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams, and an empty state."""
    made = Workspace(tmp_path)
    made.declare("a", "b")
    made.run("init")
    return made


def actions(text):
    """The action of each row, by address."""
    return {row["address"]: row["action"] for row in csv.DictReader(io.StringIO(text, newline=""))}


def statuses(text):
    """The status of each event, by title."""
    return {str(event["SUMMARY"]): str(event["STATUS"]) for event in Calendar.from_ical(text).events}


def test_a_plan_and_a_saved_plan_are_tables_alike(workspace):
    """Neither asks for anything, and both say the same."""
    planned = workspace.run("plan", "--format", "csv", "--out", "plan.json")
    assert actions(planned) == {"cs/a": "create", "cs/b": "create"}
    assert workspace.run("show", "plan.json", "--format", "csv") == planned
    calendar = workspace.run("plan", "--format", "ics")
    assert statuses(calendar) == {"Exam a (cs)": "TENTATIVE", "Exam b (cs)": "TENTATIVE"}
    assert workspace.run("show", "plan.json", "--format", "ics") == calendar
    assert workspace.run("plan", "--format", "ics") == calendar


def test_a_state_is_a_table(workspace):
    """Created exams and those in doubt; the events keep their identity when an exam is created."""
    planned = Calendar.from_ical(workspace.run("plan", "--format", "ics"))
    with RecordingServer() as server:
        server.respond = lambda request: (
            (502, {}, b"")
            if request.body["title"] == "Exam b"
            else (200, {}, b'{"sid": "%s"}' % request.sid.encode())
        )
        workspace.apply(server.url, expect=3)
    assert actions(workspace.run("show", "--format", "csv")) == {"cs/a": "noop", "cs/b": "in-doubt"}
    shown = Calendar.from_ical(workspace.run("show", "--format", "ics"))
    assert [str(event["STATUS"]) for event in shown.events] == ["CONFIRMED", "TENTATIVE"]
    assert [event["UID"] for event in shown.events] == [event["UID"] for event in planned.events]
    assert shown.events[0]["SEQUENCE"] > planned.events[0]["SEQUENCE"]
    assert actions(workspace.run("plan", "--format", "csv")) == {"cs/b": "in-doubt"}
    assert set(actions(workspace.run("--verbose", "plan", "--format", "csv"))) == {"cs/a", "cs/b"}


@pytest.mark.parametrize("form", ["csv", "ics"])
def test_a_refused_plan_is_told_beside_its_table(workspace, form):
    """On standard error, with what to do, and by the exit code."""
    given = ("plan", "--format", form, "--max-creates", "1", "--detailed-exitcode")
    printed = workspace.run(*given, expect=1)
    assert "cs/b" in printed
    assert "apply would refuse this plan: " in workspace.printed
    assert "maxCreates" in workspace.printed


def test_a_title_stays_in_its_cell_and_event(workspace):
    """A formula, a line break and a calendar's own syntax."""
    title = '"=1+1;\\r\\nEND:VEVENT"'
    workspace.write(MANIFEST + exam("a").replace("title: Exam a", f"title: {title}"))
    text = workspace.run("plan", "--format", "csv")
    assert len(text.splitlines()) == 2
    assert "'=1+1;" in text
    assert len(Calendar.from_ical(workspace.run("plan", "--format", "ics")).events) == 1
