"""A report as Markdown: what became of each exam is told, text stays text, and it always fits."""

import re

import output_cases as cases
import page_cases
import pytest
from msgspec.structs import replace
from rendered_markdown import OUR_HTML, tables_of, tokens_of

from reconciler.model.plan import Action, Plan
from reconciler.model.report import Outcome, Report
from reconciler.model.state import State
from reconciler.outputs.in_doubt import in_doubt_reports_of_state
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.markdown.comment import LONGEST
from reconciler.outputs.markdown.report import report_markdown

PRODUCTION = Invocation(("--env", "production"))


def markdown(report: Report, plan: Plan, state: State, *, ending: str = "") -> str:
    """`report` as Markdown, in production."""
    return report_markdown(
        report,
        plan=cases.in_environment(plan, "production"),
        state=state,
        doubts=in_doubt_reports_of_state(state, PRODUCTION, lines=plan.changes),
        invocation=PRODUCTION,
        ending=ending,
    )


def all_ended(plan: Plan, *outcomes: Outcome, message: str = "") -> tuple[Report, Plan, State]:
    """Report of a run that ended the creates of `plan` with `outcomes` in turn, the plan and the state."""
    exams = [
        cases.outcome(
            change.address,
            outcome := outcomes[number % len(outcomes)],
            number=number if outcome is Outcome.CREATED else None,
            message=message,
        )
        for number, change in enumerate(plan.having(Action.CREATE))
    ]
    intent = cases.intent()
    answer = None if intent.answer is None else replace(intent.answer, reason=message)
    doubts = {
        exam.address: replace(intent, by=message, answer=answer)
        for exam in exams
        if exam.outcome is Outcome.IN_DOUBT
    }
    return Report(exams=tuple(exams)), plan, State(lineage=cases.LINEAGE, serial=1, exams={}, intents=doubts)


def test_what_was_created_stands_there_with_its_sid() -> None:
    """Nothing is left to do: no box, no next step, and a row with course, window and SID for each exam."""
    plan = cases.many_creates(3)
    text = markdown(*all_ended(plan, Outcome.CREATED))
    assert text.startswith("<!-- reconciler:apply environment=production fingerprint=sha256:")
    assert "\n**Created 3 exams in production at " in text
    assert "CAUTION" not in text
    assert "reconciler apply" not in text
    for number in range(3):
        row = next(line for line in text.splitlines() if f"`cs100/quiz-000{number}`" in line)
        assert "| `cs101` | Mon 2026-10-12 09:00 \N{EN DASH} Wed 2026-10-14 17:00 EDT |" in row
        assert f"`{cases.sid(number)}`" in row


def test_what_is_left_to_a_person_comes_with_the_command() -> None:
    """Failed, not attempted and in doubt are told with reasons, and with what goes on, before what is new."""
    plan = cases.many_creates(4)
    outcomes = (Outcome.CREATED, Outcome.FAILED, Outcome.IN_DOUBT, Outcome.NOT_ATTEMPTED)
    text = markdown(*all_ended(plan, *outcomes, message="no such user"), ending="Exit code 3.")
    order = [
        "> [!CAUTION]\n> **Created 1 of 4 exams",
        "Exit code 3.",
        "run `reconciler apply --env production` again",
        "failed: no such user",
        "In doubt: <code>cs100/quiz-0002</code>",
        "reconciler resolve cs100/quiz-0002 --absent --env production",
        "`reconciler state list --in-doubt --env production`",
        "| Created |",
        "<sub>Fingerprint",
    ]
    places = [text.index(said) for said in order]
    assert places == sorted(places)
    assert "not attempted: no such user" in text


def test_doubts_of_earlier_runs_and_edits_of_state_are_told() -> None:
    """They make no create, and are not passed over."""
    text = markdown(Report(exams=()), cases.every_action(), cases.state())
    assert "1 exam is still in doubt, since 2026-09-01 08:30:15 UTC" in text
    assert "> [!CAUTION]" in text
    assert "| `cs101/quiz-3` | `0198b7c2-41aa` | 2026-09-01 08:30:15 UTC |" in text
    assert f"| adopted | `{cases.sid(5)}` |" in text


def test_a_doubt_that_state_does_not_have_is_told() -> None:
    """Where state could not be read again, the report alone knows it."""
    plan = cases.many_creates(1)
    report, _, state = all_ended(plan, Outcome.IN_DOUBT)
    assert "| `cs100/quiz-0000` |  |  |" in markdown(report, plan, replace(state, intents={}))


@pytest.mark.parametrize("exams", [1, 26, 300, 5000])
@pytest.mark.parametrize("message", page_cases.HOSTILE)
def test_hostile_texts_stay_text_and_fit(exams: int, message: str) -> None:
    """Whatever authors and the service say, tables keep their cells, and all HTML is ours."""
    if exams > 300 and message not in page_cases.HOSTILE[:2]:
        return
    plan = page_cases.hostile(exams)
    outcomes = tuple(Outcome)
    text = markdown(*all_ended(plan, *outcomes, message=message), ending="Exit code 3: why.")
    assert len(text.encode()) <= LONGEST
    assert all(len(set(rows)) == 1 for rows in tables_of(text))
    assert text.count("<details>") == text.count("</details>")
    tokens = tokens_of(text)
    assert not {token.type for token in tokens} & {"link_open", "image", "s_open", "em_open", "hr"}
    html = [token.content.strip() for token in tokens if token.type in {"html_inline", "html_block"}]
    assert {tag for one in html for tag in re.findall(r"<[^>]*>", one)} - OUR_HTML == {text.splitlines()[0]}


def test_what_does_not_fit_is_counted() -> None:
    """Of very many exams the first are listed, and the last row says how many more there are."""
    plan = cases.many_creates(3000)
    text = markdown(*all_ended(plan, Outcome.CREATED))
    listed = len(re.findall(r"`EX\w{32}`", text))
    assert 100 <= listed < 3000
    assert f"… and {3000 - listed:,} more" in text


def test_options_that_nothing_shortens_leave_the_sums() -> None:
    """Where even the shortest lists are too long, the verdict and the fingerprint are left."""
    plan = cases.many_creates(1)
    report, _, state = all_ended(plan, Outcome.IN_DOUBT)
    long = Invocation(("--state", "file:" + "x" * 70_000))
    text = report_markdown(report, plan=plan, state=state, doubts={}, invocation=long)
    assert len(text.encode()) <= LONGEST
    assert "Created 0 of 1 exam" in text
    assert plan.fingerprint in text
