"""Every renderer, compared with a file of what a person has looked at; see `golden_files`."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

import output_cases as cases
import pytest
from golden_files import check
from msgspec.structs import replace

from reconciler.model.errors import (
    ManifestInvalid,
    PlanRefused,
    SecretsUnavailable,
    StateLocked,
    UsageError,
)
from reconciler.model.identities import Address
from reconciler.model.plan import Plan
from reconciler.model.report import Outcome, Report
from reconciler.outputs.html.page import plan_page
from reconciler.outputs.in_doubt import in_doubt_reports_of_state
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.json.plan import plan_document
from reconciler.outputs.json.writers import diagnostics_document, report_document, to_text
from reconciler.outputs.listing import Listing, Sources
from reconciler.outputs.markdown.comment import plan_markdown
from reconciler.outputs.markdown.report import report_markdown
from reconciler.outputs.markdown.state import state_markdown
from reconciler.outputs.tables.state import state_csv
from reconciler.outputs.text.console import Console
from reconciler.outputs.text.diagnostics_text import print_diagnostics
from reconciler.outputs.text.errors_text import print_error
from reconciler.outputs.text.plan_text import print_plan
from reconciler.outputs.text.report_text import print_report
from reconciler.outputs.text.state_text import print_entry, print_state

GOLDEN: Final = Path(__file__).parent / "golden"
ELSEWHERE: Final = Invocation(("--chdir", "the term", "--env", "production"))
EMPTY: Final = Plan(destination=cases.DESTINATION, lineage=cases.LINEAGE, serial=0, changes=())

TEXTS: Final[dict[str, Callable[[Console], None]]] = {
    "plan": lambda to: print_plan(cases.every_action(), to, listing=Listing.DIFFERING),
    "plan-all": lambda to: print_plan(cases.every_action(), to, listing=Listing.ALL),
    "plan-many": lambda to: print_plan(cases.many_creates(60), to, listing=Listing.DIFFERING),
    "plan-year": lambda to: print_plan(cases.year(), to, listing=Listing.DIFFERING),
    "plan-sections": lambda to: print_plan(cases.many_sections(16), to, listing=Listing.DIFFERING),
    "plan-guarded": lambda to: print_plan(cases.guarded(), to, listing=Listing.DIFFERING),
    "plan-noted": lambda to: print_plan(cases.noted(), to, listing=Listing.DIFFERING),
    "plan-special": lambda to: print_plan(
        cases.special(), to, listing=Listing.DIFFERING, provenance=cases.provenance()
    ),
    "plan-placed": lambda to: print_plan(
        cases.special(),
        to,
        listing=Listing.DIFFERING,
        provenance=cases.provenance(),
        sources=Sources.PLACED,
    ),
    "plan-empty": lambda to: print_plan(EMPTY, to, listing=Listing.DIFFERING),
    "diagnostics": lambda to: print_diagnostics(cases.diagnostics(), to),
    "report": lambda to: print_report(
        cases.report(), to, plan=cases.every_action(), state=cases.state(), ending="Exit code 143: stopped."
    ),
    "report-year": lambda to: print_report(
        cases.year_report(), to, plan=cases.year(), state=cases.state(), ending="Exit code 1: failed."
    ),
    "report-in-doubt": lambda to: print_report(
        Report(exams=(cases.outcome("cs101/quiz-3", Outcome.IN_DOUBT, status=502, message="Bad Gateway"),)),
        to,
        plan=EMPTY,
        state=cases.state(),
        doubts=in_doubt_reports_of_state(cases.state(), ELSEWHERE, lines=cases.every_action().changes),
        invocation=ELSEWHERE,
    ),
    "entry-settled": lambda to: print_entry(Address("cs101/final"), cases.settled(), to),
    "entry-absent": lambda to: print_entry(Address("cs101/quiz-9"), cases.settled(), to),
    "state": lambda to: print_state(replace(cases.state(), service="https://api.example.edu"), to),
    "state-many-doubts": lambda to: print_state(cases.many_doubts(), to, invocation=ELSEWHERE),
    "entry": lambda to: print_entry(Address("cs101/final"), cases.state(), to),
    "entry-in-doubt": lambda to: print_entry(Address("cs101/quiz-3"), cases.state(), to),
    "error-usage": lambda to: print_error(UsageError("no such file", hint="Name another."), to),
    "error-manifest": lambda to: print_error(ManifestInvalid(cases.diagnostics()[:1]), to),
    "error-refused": lambda to: print_error(PlanRefused(cases.guarded().guards), to),
    "error-secrets": lambda to: print_error(
        SecretsUnavailable("2 secrets are not there", hint="Set them.", references=["EXAM_SECRET_A", "b/c"]),
        to,
    ),
    "error-locked": lambda to: print_error(
        StateLocked("the state is locked", hint="Wait.", holder="ci on runner-7"), to
    ),
}

SIZES: Final = [
    (case, width) for case in TEXTS for width in ((60, 80, 120) if case.startswith("plan") else (80,))
]

DOCUMENTS: Final[dict[str, Callable[[], str]]] = {
    "plan": lambda: to_text(plan_document(cases.every_action(), listing=Listing.DIFFERING)),
    "plan-guarded": lambda: to_text(plan_document(cases.guarded(), listing=Listing.ALL)),
    "plan-noted": lambda: to_text(plan_document(cases.noted(), listing=Listing.DIFFERING)),
    "report": lambda: to_text(report_document(cases.report(), cases.every_action(), cases.state())),
    "report-in-doubt": lambda: to_text(
        report_document(
            Report(exams=(cases.outcome("cs101/quiz-3", Outcome.IN_DOUBT, status=502),)),
            cases.every_action(),
            cases.state(),
            in_doubt_reports_of_state(cases.state(), ELSEWHERE, lines=cases.every_action().changes),
        )
    ),
    "diagnostics": lambda: to_text(diagnostics_document(cases.diagnostics())),
}


PAGES: Final[dict[str, Callable[[], str]]] = {
    "plan.md": lambda: plan_markdown(
        cases.in_environment(cases.every_action(), "production"),
        listing=Listing.DIFFERING,
        invocation=ELSEWHERE,
    ),
    "plan-all.md": lambda: plan_markdown(cases.every_action(), listing=Listing.ALL),
    "plan-year.md": lambda: plan_markdown(cases.year(), listing=Listing.DIFFERING),
    "plan-sections.md": lambda: plan_markdown(cases.many_sections(16), listing=Listing.DIFFERING),
    "plan-guarded.md": lambda: plan_markdown(cases.guarded(), listing=Listing.DIFFERING),
    "plan-many.md": lambda: plan_markdown(cases.many_creates(1200), listing=Listing.DIFFERING),
    "report.md": lambda: report_markdown(
        cases.report(),
        plan=cases.every_action(),
        state=cases.state(),
        doubts={},
        ending="Exit code 143: why.",
    ),
    "report-year.md": lambda: report_markdown(
        cases.year_report(), plan=cases.year(), state=cases.state(), doubts={}, ending="Exit code 1: failed."
    ),
    "report-in-doubt.md": lambda: report_markdown(
        Report(exams=(cases.outcome("cs101/quiz-3", Outcome.IN_DOUBT, status=502, message="Bad Gateway"),)),
        plan=cases.in_environment(cases.every_action(), "production"),
        state=cases.state(),
        doubts=in_doubt_reports_of_state(cases.state(), ELSEWHERE, lines=cases.every_action().changes),
        invocation=ELSEWHERE,
        ending="Exit code 3: exams are in doubt.",
    ),
    "plan-empty.md": lambda: plan_markdown(EMPTY, listing=Listing.DIFFERING),
    "plan-noted.md": lambda: plan_markdown(cases.noted(), listing=Listing.DIFFERING),
    "plan-noted.html": lambda: plan_page(cases.noted(), listing=Listing.DIFFERING),
    "plan.html": lambda: plan_page(
        cases.in_environment(cases.every_action(), "production"),
        listing=Listing.DIFFERING,
        invocation=ELSEWHERE,
    ),
    "plan-year.html": lambda: plan_page(cases.year(), listing=Listing.DIFFERING),
    "plan-guarded.html": lambda: plan_page(cases.guarded(), listing=Listing.DIFFERING),
    "state-many-doubts.md": lambda: state_markdown(cases.many_doubts(), ELSEWHERE),
    "state-many-doubts.csv": lambda: state_csv(cases.many_doubts()),
    "plan-empty.html": lambda: plan_page(EMPTY, listing=Listing.DIFFERING),
}


@pytest.mark.parametrize(("case", "width"), SIZES)
def test_text_on_a_terminal_is_as_looked_at(case: str, width: int) -> None:
    """On a terminal every text stands exactly as in its golden file; plans at three widths."""
    stream = io.StringIO()
    TEXTS[case](Console(stream, width=width, is_terminal=True))
    check(GOLDEN / f"{case}.{width}.txt", stream.getvalue())


@pytest.mark.parametrize("case", TEXTS)
def test_text_in_a_log_is_as_looked_at(case: str) -> None:
    """In a pipe, lines are as wide as a log's, whatever width the console takes itself to have."""
    stream = io.StringIO()
    TEXTS[case](Console(stream, width=80, is_terminal=False))
    check(GOLDEN / f"{case}.log.txt", stream.getvalue())


@pytest.mark.parametrize("case", DOCUMENTS)
def test_document_is_as_looked_at(case: str) -> None:
    """Every document stands exactly as in its golden file, keys in order."""
    check(GOLDEN / f"{case}.json", DOCUMENTS[case]())


@pytest.mark.parametrize("name", PAGES)
def test_page_is_as_looked_at(name: str) -> None:
    """Markdown, HTML and CSV stand exactly as in their golden files."""
    check(GOLDEN / name, PAGES[name]())
