"""In-doubt reports of exams in doubt: what they tell, what they never tell, and what is copied from them."""

import io
import json
from typing import Any

import output_cases as cases
import pytest
from msgspec.structs import replace

from reconciler.manifest.loader import load
from reconciler.manifest.workspace_file import load_workspace
from reconciler.model.identities import Address, AttemptId, CourseSid
from reconciler.model.plan import Action, Change, Plan
from reconciler.model.report import Outcome, Report
from reconciler.model.state import Intent, State, UnclearAnswer
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_report_of, in_doubt_reports_of_state
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.json.writers import report_document
from reconciler.outputs.listing import Listing
from reconciler.outputs.text.console import Console
from reconciler.outputs.text.plan_text import print_plan
from reconciler.outputs.text.report_text import print_report
from reconciler.outputs.text.state_text import print_state

HERE = Invocation()


def change_in_doubt(intent: Intent | None = None, **fields: Any) -> Change:
    """The line of an exam in doubt."""
    line = cases.change("cs101/quiz-3", Action.IN_DOUBT, after=cases.payload("Quiz 3, edited since"))
    return replace(line, intent=intent or cases.intent(), **fields)


def doubt(intent: Intent | None = None, invocation: Invocation = HERE, **fields: Any) -> InDoubtReport:
    """The in-doubt report of such a line."""
    found = in_doubt_report_of(change_in_doubt(intent, **fields), invocation)
    assert found is not None
    return found


def state_of(count: int) -> State:
    """A state with `count` exams in doubt."""
    intents = {
        Address(f"a{n:03}"): replace(cases.intent(), attempt=AttemptId(f"try-{n}")) for n in range(count)
    }
    return replace(cases.state(), intents=intents)


def text_of(state: State, invocation: Invocation = HERE, width: int = 80) -> str:
    """The list of `state` on a terminal."""
    stream = io.StringIO()
    console = Console(stream, width=width, is_terminal=True)
    print_state(state, console, invocation=invocation)
    return stream.getvalue()


def naming(count: int) -> Intent:
    """A create whose answer named so many exams."""
    sids = tuple(cases.sid(number) for number in range(count))
    return replace(cases.intent(), answer=UnclearAnswer(status=500, reason="HTTP 500", sids=sids))


def test_sids_in_the_answer_are_where_to_look_first():
    """Text, plan and support message name them; the document has all of them."""
    found = doubt(naming(2))
    assert found.answer.sids == (cases.sid(0), cases.sid(1))
    named = f"{cases.sid(0)}, {cases.sid(1)}"
    assert found.look[0] == f"The answer named {named}: see first whether this exam is among them."
    assert f"SIDs in it:   {named}" in found.support_message
    assert f"{cases.sid(2)} and 4 more: see first" in doubt(naming(7)).look[0]


def test_it_tells_of_what_was_sent():
    """Title and windows to look for are those of the request, whatever is declared since."""
    assert doubt().title == "Quiz 3"
    assert [label for label, _ in doubt().windows] == ["exam", "schedule"]
    assert doubt().sent.local == "Tue 2026-09-01 04:30:15 EDT"
    assert doubt().sent.utc == "08:30:15 UTC"
    assert (doubt().intent.by, doubt().intent.attempt) == ("ci@runner-7", "0198b7c2-41aa")


def test_a_course_is_called_by_its_alias_only_if_it_is_that_course():
    """A declaration that names another course by now does not lead to the wrong one."""
    assert doubt().course_words == f"cs101 ({cases.COURSE})"
    other = doubt(course_sid=CourseSid("CU" + "f" * 32))
    assert other.course_words == cases.COURSE


@pytest.mark.parametrize(
    ("answer", "words", "told"),
    [
        (UnclearAnswer(status=502, reason="Bad Gateway"), "HTTP 502: Bad Gateway", "HTTP 502"),
        (UnclearAnswer(status=502, reason="HTTP 502: oops"), "HTTP 502: oops", "HTTP 502"),
        (UnclearAnswer(status=None, reason="no answer: reset"), "no answer: reset", "none arrived"),
        (None, "none is recorded: the run was cut off, or is still at work", "none arrived"),
    ],
)
def test_it_says_what_was_answered(answer, words, told):
    """In full to the user; to the vendor, the status alone."""
    found = doubt(replace(cases.intent(), answer=answer))
    assert found.answer_words == words
    assert f"Answer:       {told}\n" in found.support_message


def test_support_can_answer_without_asking_back():
    """The message names install, course, title, window, time, status and attempt, and asks for the SID."""
    message = doubt().support_message
    for part in (
        cases.INSTALL,
        cases.COURSE,
        "Quiz 3",
        "Mon 2026-10-12 13:00",
        "Wed 2026-10-14 21:00 UTC",
        "2026-09-01 08:30:15 UTC",
        "HTTP 502",
        "0198b7c2-41aa",
        "Does this exam exist?",
        "SID (EX and 32 characters)",
    ):
        assert part in message


def test_support_is_told_no_secret_and_nothing_that_the_service_said():
    """Neither where a password is kept, nor the text of an answer, nor who ran it on which machine."""
    message = doubt(
        replace(cases.intent(), answer=UnclearAnswer(status=500, reason="token eyJ is wrong"))
    ).support_message
    for part in ("EXAM_SECRET", "password", "eyJ", "runner-7"):
        assert part not in message


def test_a_title_cannot_forge_a_line_of_the_message():
    """What could break a line is spelt out."""
    sent = replace(cases.intent(), payload=cases.payload("Quiz\nInstall SID:  AI0"))
    assert "Title:        Quiz\\nInstall SID" in doubt(sent).support_message


def test_it_says_how_to_look():
    """By title, window and time; an exam without a window is not looked for by one, a draft is called so."""
    assert "with this title and exam window, created at about Tue 2026-09-01 04:30:15 EDT." in doubt().look[0]
    bare = doubt(replace(cases.intent(), payload={"title": "Quiz 3", "status": "draft"}))
    assert "with this title, status draft, created" in bare.look[0]
    assert "Exam window:  not given" in bare.support_message


def test_a_doubt_that_moved_is_settled_where_it_is():
    """Commands and `absent` name the address that state has, `imports` the one that it is to have."""
    moved = doubt(moved_from=Address("old"))
    assert moved.commands == ("reconciler resolve old --sid EX…", "reconciler resolve old --absent")
    assert moved.manifest == (
        "imports: [{exam: cs101/quiz-3, sid: EX…}]",
        "absent: [{exam: old, attempt: 0198b7c2-41aa}]",
    )
    stream = io.StringIO()
    plan = Plan(lineage=cases.LINEAGE, serial=1, changes=(change_in_doubt(moved_from=Address("old")),))
    print_plan(plan, Console(stream, width=80), listing=Listing.ALL)
    assert "? cs101/quiz-3  Quiz 3, edited since  was old" in stream.getvalue()


@pytest.mark.parametrize("address", ["true", "Null", "123", "1.5", "1e5", "0x1f", "0o17", "on", "a/b", "1a"])
@pytest.mark.parametrize("attempt", ["0198b7c2-41aa", "1234567890", "12e45", "0xab", "null", "f4c17"])
def test_manifest_entries_are_read_as_they_are_meant(tmp_path, address, attempt):
    """An address or attempt that looks like a number or a truth value stays the text that it is."""
    sent = replace(cases.intent(), attempt=AttemptId(attempt))
    imports, absent = doubt(sent, address=Address(address)).manifest
    head = f"version: 1\ninstallSid: {cases.INSTALL}\n"
    (tmp_path / "exams.yaml").write_text(f"{head}{imports.replace('EX…', cases.sid(1))}\n{absent}\n")
    loaded = load(
        ["exams.yaml"],
        root=tmp_path,
        environment=load_workspace(tmp_path, environment_name=None).environment,
    )
    assert [(one.address, one.sid) for one in loaded.declared.imports] == [(address, cases.sid(1))]
    assert [(one.address, one.attempt) for one in loaded.declared.absences] == [(address, attempt)]


@pytest.mark.parametrize(
    ("count", "whole", "rest"), [(0, 0, 0), (1, 1, 0), (3, 3, 0), (4, 3, 1), (2000, 3, 1997)]
)
def test_many_in_doubt_reports_do_not_flood(count, whole, rest):
    """The first three stand whole, and one command shows the others."""
    text = text_of(state_of(count), Invocation(("--env", "production")))
    assert text.count("--absent --env production") == whole
    assert (f"… and {rest:,} more in doubt." in text) == (rest > 0)
    assert ("reconciler state show ADDRESS --env production" in text) == (rest > 0)


def test_a_report_is_bounded_too():
    """Its in-doubt reports are as few, and those that could not be read back get at least their commands."""
    state = state_of(5)
    exams = tuple(
        cases.outcome(address, Outcome.IN_DOUBT, message="reset") for address in (*state.intents, "zz/lost")
    )
    stream = io.StringIO()
    print_report(
        Report(exams=exams),
        Console(stream, width=80),
        plan=cases.every_action(),
        state=state,
        doubts=in_doubt_reports_of_state(state, HERE),
    )
    text = stream.getvalue()
    assert text.count("if it is there") == 4
    assert text.count("Subject: ") == text.count("Subject: Were these 5 exams created?") == 1
    assert "… and 2 more in doubt." in text
    assert "reconciler resolve zz/lost --absent" in text


def test_a_terminal_is_not_steered_by_what_came_back():
    """Escapes in an answer, a title or a runner's name are spelt out."""
    evil = "\x1b[2J\u202e"
    sent = replace(
        cases.intent(), by=evil, answer=UnclearAnswer(status=500, reason=evil), payload=cases.payload(evil)
    )
    text = text_of(replace(cases.state(), intents={Address("a"): sent}), Invocation(("--chdir", evil)))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_report_tells_only_of_doubts():
    """An exam that is not in doubt has none in the report's document, even if state has one for it."""
    state = replace(cases.state(), intents={Address("a"): cases.intent(), Address("b"): cases.intent()})
    exams = (cases.outcome("a", Outcome.IN_DOUBT), cases.outcome("b", Outcome.FAILED))
    document = report_document(
        Report(exams=exams), cases.every_action(), state, in_doubt_reports_of_state(state, HERE)
    )
    assert [("doubt" in one) for one in json.loads(json.dumps(document))["exams"]] == [True, False]


def test_what_does_not_fit_on_one_line_gets_its_own():
    """Neither time nor a runner's name is broken within, and a command too wide stands below its label."""
    sent = replace(cases.intent(), by="octocat in GitHub Actions, example/exams run 1234567890")
    stream = io.StringIO()
    print_plan(
        Plan(lineage=cases.LINEAGE, serial=1, changes=(change_in_doubt(sent),)),
        Console(stream, width=80, is_terminal=True),
        listing=Listing.ALL,
        invocation=Invocation(("--state", "file:state/production.json")),
    )
    text = stream.getvalue()
    assert (
        "    sent     Tue 2026-09-01 04:30:15 EDT\n             (08:30:15 UTC)\n"
        "             by octocat in GitHub Actions, example/exams run 1234567890\n"
    ) in text
    assert "    if it is not\n      reconciler resolve cs101/quiz-3 --absent --state file:" in text


def test_an_exam_without_a_title_is_told_by_its_address():
    """Nothing stands where nothing is known."""
    sent = replace(cases.intent(), payload={})
    assert "  ? a\n    course " in text_of(replace(cases.state(), intents={Address("a"): sent}))
