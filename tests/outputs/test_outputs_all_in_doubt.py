"""What helps with all exams in doubt together: one message, one sheet, and nothing hostile in either."""

import csv
import io

import output_cases as cases
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from page_cases import plan_of

from reconciler.model.identities import Address
from reconciler.model.plan import Action
from reconciler.model.state import State, UnclearAnswer
from reconciler.outputs.all_in_doubt import support_message_about
from reconciler.outputs.html.page import plan_page
from reconciler.outputs.in_doubt import in_doubt_reports_of_state
from reconciler.outputs.invocation import NO_OPTIONS
from reconciler.outputs.listing import Listing
from reconciler.outputs.markdown.state import state_markdown
from reconciler.outputs.tables.state import state_csv


def message(state: State) -> str:
    """The message about all that is in doubt in `state`."""
    return support_message_about(list(in_doubt_reports_of_state(state, NO_OPTIONS).values()))


def hostile(text: str) -> State:
    """A state with an exam and a doubt whose title, answer and request are `text`."""
    sent = replace(
        cases.intent(),
        payload=cases.payload(text),
        answer=UnclearAnswer(status=None, reason=text, request_id=text, sids=(cases.sid(1),)),
    )
    made = replace(cases.entry(2, "Final"), payload=cases.payload(text))
    return replace(cases.state(), exams={Address("made"): made}, intents={Address("doubt"): sent})


def test_one_message_names_every_exam_once():
    """By course, with all that support needs to find each; the text of an answer is not repeated."""
    state = cases.many_doubts(50)
    told = message(state)
    assert all(told.count(f"Our attempt: {intent.attempt}\n") == 1 for intent in state.intents.values())
    assert told.count("Install SID:") == told.count("Course SID:") == 2
    assert f"SIDs in it: {cases.sid(8)}, {cases.sid(9)};" in told
    assert "oops" not in told
    assert max(len(line) for line in told.splitlines()) < 200


def test_a_message_about_very_many_has_the_sheet_attached():
    """Nobody reads a mail of two thousand lines; the sheet has what the message would say."""
    told = message(cases.many_doubts(51))
    assert "The attached table doubts.csv has course, title" in told
    assert len(told.splitlines()) < 12


def test_one_in_doubt_gets_the_message_about_one():
    """It is the one of its report."""
    assert message(cases.many_doubts(1)).startswith("Subject: Was this exam created?")


@pytest.mark.parametrize(("count", "has_sheet"), [(0, False), (1, False), (3, False), (4, True)])
def test_a_page_has_one_message_and_for_many_the_sheet(count, has_sheet):
    """The commands of the sheet stand there above three doubts; a plan without a doubt says nothing of it."""
    doubts = [
        replace(cases.change(f"cs1/q{number}", Action.IN_DOUBT), intent=cases.intent())
        for number in range(count)
    ]
    page = plan_page(plan_of(*doubts, cases.create()), listing=Listing.DIFFERING)
    assert page.count("Subject: ") == (count > 0)
    assert ("reconciler resolve --from doubts.csv" in page) == has_sheet


@given(
    text=st.text(max_size=40) | st.sampled_from(["=1+1", "a;=1+1", "@x", "-1\n", "</code>|<b>", "```\n# x"])
)
def test_no_title_and_no_answer_breaks_a_table(text):
    """Whatever they hold, the sheet has a line for each exam, and no cell of it is a formula."""
    state = hostile(text)
    rows = list(csv.reader(io.StringIO(state_csv(state), newline="")))
    assert [row[:3] for row in rows[1:]] == [
        ["doubt", cases.intent().attempt, ""],
        ["made", "", cases.sid(2)],
    ]
    assert {len(row) for row in rows} == {12}
    assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r"))]
    told = state_markdown(state, NO_OPTIONS).splitlines()
    tables = [line for line in told if line.startswith("| ")]
    assert len(tables) == 6
    assert not [line for line in tables if "<b>" in line]


def test_no_secret_is_in_a_sheet():
    """Neither the value of a password nor its reference."""
    state = hostile("Quiz")
    told = state_csv(state) + state_markdown(state, NO_OPTIONS) + message(state)
    assert "EXAM_SECRET" not in told
    assert "password" not in told.casefold()
