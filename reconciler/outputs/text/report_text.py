"""An apply report as text: the outcome of each exam, a summary, and what to do next."""

import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.identities import Address
from reconciler.model.instants import instant_in_words
from reconciler.model.plan import Action, Change, Plan
from reconciler.model.report import ExamOutcome, Outcome, Report
from reconciler.model.state import Intent, State
from reconciler.outputs.all_in_doubt import MOST_SINGLE
from reconciler.outputs.assigning import ADVICE, Assignment, assignments_of
from reconciler.outputs.escapes import shorten
from reconciler.outputs.exam_facts import payload_of, title_of
from reconciler.outputs.in_doubt import InDoubtReport, still_in_doubt
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.ordering import by_time
from reconciler.outputs.plan_summary import headline
from reconciler.outputs.section_groups import ExamGroup, common, group_key, groups_of
from reconciler.outputs.text.console import Console, Piece, count_of, put, put_wrapped
from reconciler.outputs.text.in_doubt_text import print_in_doubt_reports, print_settling

OUTCOME_STYLES: Final = {
    Outcome.CREATED: "green",
    Outcome.NOT_ATTEMPTED: "yellow",
    Outcome.FAILED: "bold red",
    Outcome.IN_DOUBT: "bold magenta",
}
"""Styles, in the order of printing: last what a person has to act on."""

_LABEL_WIDTH: Final = 15
_LONGEST_MESSAGE: Final = 500
EDITS: Final = {
    Action.IMPORT: "adopted",
    Action.MOVE: "moved",
    Action.FORGET: "forgot",
    Action.ACCEPT: "accepted",
}


def print_report(  # noqa: PLR0913 - the result of a run, and what is said of it
    report: Report,
    console: Console,
    *,
    plan: Plan,
    state: State,
    doubts: Mapping[Address, InDoubtReport] | None = None,
    invocation: Invocation = NO_OPTIONS,
    ending: str = "",
) -> None:
    """Print edits of state, `report` exam by exam, next steps, and last what sums all up.

    `plan` is the one that was applied, `state` the one after it. `doubts` are in-doubt reports by address.
    One is missing if state could not be read again after the apply. `ending` is a sentence about the exit
    code, the last line. Exams are in the order of the plan.
    """
    edits = [
        (word, group) for action, word in EDITS.items() for group in groups_of(by_time(plan.having(action)))
    ]
    for word, group in edits:
        _print_exams(
            f"{word:{_LABEL_WIDTH}}", group.address, [_edit_line(one) for one in group.members], console
        )
    creates = {change.address: change for change in by_time(plan.having(Action.CREATE))}
    for outcome, style in OUTCOME_STYLES.items():
        label = (f"{label_of(outcome):{_LABEL_WIDTH}}", style)
        for address, lines in _outcome_lines(_in_order(report.having(outcome), creates), creates):
            _print_exams(label, address, lines, console)
    if report.exams or edits:
        put(console)
    if report.interrupted_by is not None:
        put_wrapped(
            console, (f"The run was stopped early by {signal_name(report.interrupted_by)}.", "yellow")
        )
    if report.fault_in_telling is not None:
        put_wrapped(console, (f"Progress was not shown completely: {report.fault_in_telling}", "yellow"))
    _print_assignments(list(assignments_of(report, plan)), console)
    for step in next_steps(report, invocation):
        put_wrapped(console, step)
    _print_doubts(_in_order(report.having(Outcome.IN_DOUBT), creates), doubts or {}, invocation, console)
    if report.in_doubt:
        put(console)
    sums = " ".join(summary_sentences(report, plan, still_in_doubt(report, state)))
    listing = f"To list what is in doubt: `{invocation.command('state', 'list', '--in-doubt')}`"
    for line in filter(None, (sums, listing if state.intents else "", ending)):
        (put_wrapped if console.is_terminal else put)(console, (line, "bold"))


def _in_order(exams: Iterable[ExamOutcome], creates: Mapping[Address, Change]) -> list[ExamOutcome]:
    """Return `exams` in the order of `creates`."""
    places = {address: place for place, address in enumerate(creates)}
    return sorted(exams, key=lambda exam: places.get(exam.address, len(places)))


def _print_assignments(assignments: Sequence[Assignment], console: Console) -> None:
    """Print who is to be assigned to which exam; nothing if no exam is of limited scope."""
    if not assignments:
        return
    put_wrapped(console, ADVICE)
    for one in assignments:
        put(console, f"  {one.sid}  ", (one.change.address, "bold"), "  ", title_of(payload_of(one.change)))
        for assignee in one.change.assignees:
            put(console, "    ", shorten(assignee, _LONGEST_MESSAGE))
    put(console)


def _print_doubts(
    exams: Sequence[ExamOutcome],
    doubts: Mapping[Address, InDoubtReport],
    invocation: Invocation,
    console: Console,
) -> None:
    """Print the in-doubt reports of `exams`; for one without a report, the commands that settle it."""
    known = [doubts[exam.address] for exam in exams if exam.address in doubts]
    print_in_doubt_reports(known, console, invocation)
    for exam in [exam for exam in exams if exam.address not in doubts][:MOST_SINGLE]:
        put(console, "  ", (exam.address, "bold"))
        print_settling(invocation.settling_commands(exam.address, exam.sid), console)


class _Line(Struct, frozen=True, kw_only=True):
    """What became of one exam; `section` is its key among those of the exam."""

    section: str
    sid: str
    was: str = ""
    title: str
    message: str = ""


def _edit_line(change: Change) -> _Line:
    return _Line(
        section=change.section or "",
        sid=change.sid or "",
        was=change.moved_from or "",
        title=title_of(payload_of(change)),
    )


def _outcome_lines(
    exams: Sequence[ExamOutcome], creates: Mapping[Address, Change]
) -> Iterator[tuple[str, list[_Line]]]:
    """Yield address and line of each of `exams`; of those that are sections of one exam, all lines."""
    outcomes = {exam.address: exam for exam in exams}
    groups: dict[object, list[Address]] = {}
    for address in outcomes:
        key = group_key(creates[address]) if address in creates else address
        groups.setdefault(key, []).append(address)
    for addresses in groups.values():
        known = ExamGroup(by_time(creates[address] for address in addresses if address in creates))
        if known.members:
            yield known.address, [_outcome_line(outcomes[one.address], one) for one in known.members]
        else:
            yield addresses[0], [_outcome_line(outcomes[addresses[0]], None)]


def _outcome_line(exam: ExamOutcome, create: Change | None) -> _Line:
    is_told = exam.outcome is not Outcome.CREATED
    return _Line(
        section="" if create is None else create.section or "",
        sid=exam.sid or "",
        title="" if create is None else title_of(payload_of(create)),
        message=shorten(exam.message, _LONGEST_MESSAGE) if is_told else "",
    )


def _print_exams(label: Piece, address: str, lines: Sequence[_Line], console: Console) -> None:
    """Print the line of one exam or, below what they share, those of its sections."""
    if len(lines) == 1:
        _print_line(label, address, lines[0], console)
        return
    same = common([{"title": line.title, "message": line.message} for line in lines])
    shared = _Line(section="", sid="", title=same.get("title", ""), message=same.get("message", ""))
    _print_line(label, address, shared, console, count=count_of(len(lines), "section"))
    for line in lines:
        own = replace(line, **dict.fromkeys(same, ""))
        _print_line(" " * _LABEL_WIDTH, line.section, own, console)


def _print_line(label: Piece, name: str, line: _Line, console: Console, *, count: str = "") -> None:
    put(
        console,
        label,
        f"{line.sid}  " if line.sid else "",
        f"{line.was} → " if line.was else "",
        (name, "bold"),
        *("  ", line.title) * bool(line.title),
        *("  ", count) * bool(count),
        *(": ", line.message) * bool(line.message),
    )


def label_of(outcome: Outcome) -> str:
    """Return `outcome` in words."""
    return outcome.value.replace("-", " ")


def summary_sentences(report: Report, plan: Plan, earlier: Mapping[Address, Intent]) -> Iterator[str]:
    """Yield what was created and changed in state, and what is in doubt since `earlier`, in sentences."""
    edits = [f"{word} {count:,}" for action, word in EDITS.items() if (count := plan.count(action))]
    if report.exams or edits:
        yield _created(report, plan.destination.place)
    else:
        yield headline(plan)
    if edits:
        yield f"In state: {', '.join(edits)}."
    if earlier:
        oldest = min(intent.started_at for intent in earlier.values())
        still = "1 exam is" if len(earlier) == 1 else f"{len(earlier):,} exams are"
        since = "" if len(earlier) == 1 else " at the earliest"
        yield f"{still} still in doubt, since {instant_in_words(oldest)}{since}."


def _created(report: Report, place: str) -> str:
    total, created = len(report.exams), len(report.created)
    if total == 0:
        return "No exam had to be created."
    where = f" {place}" if place else ""
    if created == total:
        return f"Created {count_of(total, 'exam')}{where}."
    others = [(len(report.having(outcome)), label_of(outcome)) for outcome in reversed(OUTCOME_STYLES)]
    words = ", ".join(f"{count:,} {label}" for count, label in others if count and label != "created")
    return f"Created {created:,} of {count_of(total, 'exam')}{where}: {words}."


def next_steps(report: Report, invocation: Invocation) -> Iterator[str]:
    """Yield what a person has to do, in sentences with commands in backticks."""
    if report.failed:
        yield invocation.completed(
            "Failed exams were not created. Mend what the message says and run `reconciler apply` again."
        )
    if report.not_attempted:
        yield invocation.completed(
            "For exams not attempted nothing was sent. Run `reconciler apply` again to create them."
        )
    if report.in_doubt:
        yield (
            "Exams in doubt may exist or not, and are not sent again. Look for each in SmarterProctoring, "
            "then say what you found:"
        )


def signal_name(number: int) -> str:
    """Return the name of signal `number`, such as `SIGTERM`."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
