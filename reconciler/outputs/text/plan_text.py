"""A plan as text: its changes by action, and a summary of what apply will do and leave alone."""

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.model.identities import Address
from reconciler.model.plan import DONE, Action, Change, Guard, Note, Plan
from reconciler.model.provenance import NO_PROVENANCE, Provenance
from reconciler.outputs.all_in_doubt import MOST_SINGLE
from reconciler.outputs.escapes import ELLIPSIS, first_of
from reconciler.outputs.groups import GROUPS, Group
from reconciler.outputs.in_doubt import in_doubt_report_of
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.listing import Listing, Sources
from reconciler.outputs.ordering import by_time
from reconciler.outputs.plan_summary import headline, remarks, told_notes
from reconciler.outputs.section_groups import ExamGroup, by_term, groups_of, size_of
from reconciler.outputs.text.brief_text import print_brief
from reconciler.outputs.text.change_text import Context, print_group
from reconciler.outputs.text.console import (
    INDENT,
    Console,
    Piece,
    count_of,
    put,
    put_panel,
    put_wrapped,
)
from reconciler.outputs.text.in_doubt_text import print_all_in_doubt

_MOST_NOTES: Final = 25
_ADDRESSES_OF_A_GUARD: Final = 5
_WIDEST_PANEL: Final = 100
_LONG: Final = frozenset({Action.IN_DOUBT, Action.CREATE, Action.IMPORT})
"""Actions whose changes, in full, are set apart by empty lines."""

_MOST_NEW_WHOLE: Final = 5
_MOST_SHOWN_WHOLE: Final = 25
"""If more exams are new, or an action has more changes, sections included, they are printed as a list."""


def print_plan(  # noqa: PLR0913 - a plan, and what is known beside it
    plan: Plan,
    console: Console,
    *,
    listing: Listing,
    invocation: Invocation = NO_OPTIONS,
    provenance: Mapping[Address, Provenance] = NO_PROVENANCE,
    sources: Sources = Sources.MARKED,
) -> None:
    """Print what apply will do with `plan`, what is wrong, the changes by action, notes, and its identity.

    A few exams are printed in full; all of them if all are listed, or `sources` are to be placed.
    """
    context = Context(invocation=invocation, names=plan.names, provenance=provenance, sources=sources)
    _print_headline(plan, console)
    _print_wrong(plan, console)
    listed = by_time(listing.of(plan))
    is_whole = listing is Listing.ALL or sources is Sources.PLACED
    for action, group in GROUPS.items():
        if changes := [change for change in listed if change.action is action]:
            _print_action(group, changes, console, context, is_whole=is_whole)
    _print_notes(told_notes(plan, listing), console)
    _print_identity(plan, console)


def _print_headline(plan: Plan, console: Console) -> None:
    """Print what apply will do, in the style of how it will end, and what it leaves alone."""
    style = "bold red" if plan.guards else "bold" if plan.differs else "bold green"
    put_wrapped(console, (headline(plan), style))
    for remark in remarks(plan):
        put_wrapped(console, remark)
    put(console)


def _print_wrong(plan: Plan, console: Console) -> None:
    """Print why apply would refuse `plan`, and how many warnings there are."""
    for guard in plan.guards:
        _print_guard_panel(guard, console)
    if plan.warnings:
        warned = f"{count_of(len(plan.warnings), 'warning')} about the manifests, listed by `validate`."
        put_wrapped(console, (warned, "yellow"))
    if plan.guards or plan.warnings:
        put(console)


def _print_identity(plan: Plan, console: Console) -> None:
    """Print where the plan goes, and by what apply recognises it."""
    if where := plan.destination.in_words:
        put_wrapped(console, f"Destination: {where}", hanging=INDENT)
    if plan.differs:
        put(console, (f"Fingerprint {plan.fingerprint}", "dim"))
    put(console, (f"State serial {plan.serial} of {plan.lineage}", "dim"))


def _print_action(
    group: Group, changes: list[Change], console: Console, context: Context, *, is_whole: bool
) -> None:
    """Print `changes`, which have one action, below their heading, and those of each term below its own."""
    put_wrapped(console, (group.heading(len(changes)), "bold"))
    exams = _exams(changes)
    whole = left = _count_of_whole(exams, is_whole=is_whole)
    for position, (term, of_term) in enumerate(by_term(exams)):
        if position:
            put(console)
        if term:
            put_wrapped(console, (term, "bold"), indent=2)
        for number, exam in enumerate(of_term[:left]):
            if number and exam.first.action in _LONG:
                put(console)
            print_group(exam, console, context)
        if of_term[left:]:
            print_brief(of_term[left:], console)
        left = max(left - len(of_term), 0)
    if group.advice:
        put_wrapped(console, (group.advice, "italic"), indent=2)
    if changes[0].action is Action.IN_DOUBT:
        doubts = [doubt for change in changes if (doubt := in_doubt_report_of(change, context.invocation))]
        print_all_in_doubt(doubts, console, context.invocation)
    elif exams[whole:]:
        _print_way_to_more(changes[0].action, console, context.invocation)
    put(console)


def _print_way_to_more(action: Action, console: Console, invocation: Invocation) -> None:
    """Print how to see, or to accept, those changes of `action` that were only listed."""
    if action is Action.CHANGED:
        put_wrapped(console, "To accept one; `--format markdown` has the blocks for all:", indent=2)
        put(console, " " * INDENT, (invocation.command("accept", "ADDRESS"), "bold"))
    elif action in {Action.CREATE, Action.IMPORT}:
        put_wrapped(console, ("`--verbose` shows every value of each.", "italic"), indent=2)


def _exams(changes: list[Change]) -> list[ExamGroup]:
    """Return `changes`, which have one action, as groups; one in doubt that is printed in full is alone."""
    alone = MOST_SINGLE if changes[0].action is Action.IN_DOUBT else 0
    return [*(ExamGroup([change]) for change in changes[:alone]), *groups_of(changes[alone:])]


def _count_of_whole(exams: Sequence[ExamGroup], *, is_whole: bool) -> int:
    """Return how many of `exams`, which have one action, are printed in full; `is_whole` asks for all."""
    match exams[0].first.action:
        case Action.NOOP:
            return 0
        case Action.IN_DOUBT:
            return MOST_SINGLE
        case Action.CREATE | Action.IMPORT:
            most = _MOST_NEW_WHOLE
        case _:
            most = _MOST_SHOWN_WHOLE
    is_short = len(exams) <= most and size_of(exams) <= _MOST_SHOWN_WHOLE
    return len(exams) if is_whole or is_short else 0


def print_guard(guard: Guard, console: Console) -> None:
    """Print `guard` with what is wrong, its first addresses and what to do next."""
    put_wrapped(console, (f"refused[{guard.code}]", "bold red"), f": {guard.message}", hanging=2)
    if guard.addresses:
        put_wrapped(console, (first_of(guard.addresses, _ADDRESSES_OF_A_GUARD), "bold"), indent=2, hanging=2)
    for remedy in _remedies(guard):
        put_wrapped(console, remedy, indent=2, hanging=INDENT)


def _remedies(guard: Guard) -> list[str]:
    """Return what to do next, as items of a list if there are several ways."""
    remedies = guard.remedies
    return remedies if len(remedies) == 1 else [f"- {remedy}" for remedy in remedies]


def _print_notes(notes: Sequence[Note], console: Console) -> None:
    """Print `notes`; notes about finished blocks come last."""
    if not notes:
        return
    put(console, (count_of(len(notes), "note"), "bold"))
    for note in notes[:_MOST_NOTES]:
        style = "" if note.code == DONE else "yellow"
        place = "" if note.source is None else f"{note.source}: "
        put_wrapped(console, "  ", (place, "dim"), (f"{note.message}. ", style), note.hint, hanging=INDENT)
    if len(notes) > _MOST_NOTES:
        put(console, f"  {ELLIPSIS} and {len(notes) - _MOST_NOTES:,} more; --format json has them all")
    put(console)


def _print_guard_panel(guard: Guard, console: Console) -> None:
    body: list[Piece] = [
        guard.message,
        (first_of(guard.addresses, _ADDRESSES_OF_A_GUARD), "bold"),
        *_remedies(guard),
    ]
    put_panel(
        console,
        f"refused: {guard.code}",
        *(piece for piece in body if piece[0]),
        style="red",
        columns=min(console.width, _WIDEST_PANEL),
    )
