"""An apply report as text: the outcome of each exam, a summary, and what to do next."""

import signal
from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.model.destination import UNSAID, Destination
from reconciler.model.identities import Address
from reconciler.model.report import ExamOutcome, Outcome, Report
from reconciler.outputs.escapes import shorten
from reconciler.outputs.in_doubt import InDoubtReport
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.text.console import Console, count_of, put, put_wrapped
from reconciler.outputs.text.in_doubt_text import MOST_WHOLE, print_in_doubt_reports, print_settling

OUTCOME_STYLES: Final = {
    Outcome.CREATED: "green",
    Outcome.NOT_ATTEMPTED: "yellow",
    Outcome.FAILED: "bold red",
    Outcome.IN_DOUBT: "bold magenta",
}
"""Styles, in the order of printing: last what a person has to act on."""

_LABEL_WIDTH: Final = 15
_LONGEST_MESSAGE: Final = 500


def print_report(
    report: Report,
    console: Console,
    *,
    doubts: Mapping[Address, InDoubtReport] | None = None,
    invocation: Invocation = NO_OPTIONS,
    destination: Destination = UNSAID,
) -> None:
    """Print `report` exam by exam, then a summary with the `destination`, and the next steps.

    `doubts` are in-doubt reports by address. One is missing if state could not be read again after the apply.
    """
    for outcome in OUTCOME_STYLES:
        for exam in report.having(outcome):
            print_outcome(exam, console)
    if report.exams:
        put(console)
    put_wrapped(console, (_summary(report, destination.place), "bold"))
    if report.interrupted_by is not None:
        put_wrapped(
            console, (f"The run was stopped early by {_signal_name(report.interrupted_by)}.", "yellow")
        )
    if report.fault_in_telling is not None:
        put_wrapped(console, (f"Progress was not shown completely: {report.fault_in_telling}", "yellow"))
    for step in _next_steps(report):
        put_wrapped(console, step)
    _print_doubts(report.in_doubt, doubts or {}, invocation, console)


def _print_doubts(
    addresses: list[Address],
    doubts: Mapping[Address, InDoubtReport],
    invocation: Invocation,
    console: Console,
) -> None:
    """Print the in-doubt reports of `addresses`; for one without a report, the commands that settle it."""
    known = [doubts[address] for address in addresses if address in doubts]
    print_in_doubt_reports(known, console, invocation)
    for address in [address for address in addresses if address not in doubts][:MOST_WHOLE]:
        put(console, "  ", (address, "bold"))
        print_settling(invocation.settling_commands(address), console)


def label_of(outcome: Outcome) -> str:
    """Return `outcome` in words."""
    return outcome.value.replace("-", " ")


def print_outcome(exam: ExamOutcome, console: Console) -> None:
    """Print the outcome of `exam` on one line."""
    put(
        console,
        (f"{label_of(exam.outcome):{_LABEL_WIDTH}}", OUTCOME_STYLES[exam.outcome]),
        (exam.address, "bold"),
        "  ",
        _outcome_words(exam),
    )


def _outcome_words(exam: ExamOutcome) -> str:
    """Return SID and message of `exam`; for a created exam, only the SID."""
    if exam.outcome is Outcome.CREATED and exam.sid is not None:
        return exam.sid
    parts = [exam.sid or "", shorten(exam.message, _LONGEST_MESSAGE)]
    return ": ".join(part for part in parts if part)


def _summary(report: Report, place: str) -> str:
    total, created = len(report.exams), len(report.created)
    if total == 0:
        return "No exam had to be created."
    where = f" {place}" if place else ""
    if created == total:
        return f"Created {count_of(total, 'exam')}{where}."
    others = [(len(report.having(outcome)), label_of(outcome)) for outcome in reversed(OUTCOME_STYLES)]
    words = ", ".join(f"{count:,} {label}" for count, label in others if count and label != "created")
    return f"Created {created:,} of {count_of(total, 'exam')}{where}: {words}."


def _next_steps(report: Report) -> Iterator[str]:
    if report.failed:
        yield "Failed exams were not created. Mend what the message says and run `reconciler apply` again."
    if report.not_attempted:
        yield "For exams not attempted nothing was sent. Run `reconciler apply` again to create them."
    if report.in_doubt:
        yield (
            "Exams in doubt may exist or not, and are not sent again. Look for each in SmarterProctoring, "
            "then say what you found:"
        )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
