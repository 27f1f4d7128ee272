"""A plan as text: its changes by action, and a summary of what apply will do and leave alone."""

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.model.identities import Address
from reconciler.model.plan import Action, Change, Guard, Note, Plan
from reconciler.model.provenance import NO_PROVENANCE, Provenance
from reconciler.outputs.escapes import ELLIPSIS, first_of, printable
from reconciler.outputs.groups import GROUPS, Group
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.listing import Listing
from reconciler.outputs.ordering import by_time
from reconciler.outputs.plan_summary import headline, remarks, told_notes
from reconciler.outputs.text.change_text import print_brief, print_change
from reconciler.outputs.text.console import (
    INDENT,
    Console,
    Piece,
    columns_of,
    count_of,
    pad,
    put,
    put_panel,
    put_wrapped,
)
from reconciler.outputs.text.in_doubt_text import MOST_WHOLE, print_where_others_are

_MOST_NOTES: Final = 25
_ADDRESSES_OF_A_GUARD: Final = 5
_WIDEST_PANEL: Final = 100
_DONE: Final = "done"
_MOST_SHOWN_WHOLE: Final = 25
"""If an action has more changes, each gets one line."""

_BRIEF: Final = frozenset({Action.NOOP, Action.IN_DOUBT})
"""Actions whose changes are never all printed in full, even if provenance is asked for."""

_WIDEST_PATH: Final = 48


def print_plan(
    plan: Plan,
    console: Console,
    *,
    listing: Listing,
    invocation: Invocation = NO_OPTIONS,
    provenance: Mapping[Address, Provenance] = NO_PROVENANCE,
) -> None:
    """Print `plan` by action, then notes, guards, destination, summary and fingerprint.

    Exams with known `provenance` are printed in full, with the source of each value.
    """
    _print_headline(plan, console)
    for guard in plan.guards:
        _print_guard_panel(guard, console)
    listed = by_time(listing.of(plan))
    for action, group in GROUPS.items():
        changes = [change for change in listed if change.action is action]
        if changes:
            _print_group(group, changes, console, invocation, provenance)
    _print_notes(told_notes(plan, listing), console)
    _print_identity(plan, console)


def _print_headline(plan: Plan, console: Console) -> None:
    """Print what apply will do, in the style of how it will end, and what it leaves alone."""
    style = "bold red" if plan.guards else "bold" if plan.differs else "bold green"
    put_wrapped(console, (headline(plan), style))
    for remark in remarks(plan):
        put_wrapped(console, remark)
    put(console)


def _print_identity(plan: Plan, console: Console) -> None:
    """Print where the plan goes, and by what apply recognises it."""
    if where := plan.destination.in_words:
        put_wrapped(console, f"Destination: {where}", hanging=INDENT)
    if plan.differs:
        put(console, (f"Fingerprint {plan.fingerprint}", "dim"))
    put(console, (f"State serial {plan.serial} of {plan.lineage}", "dim"))


def _print_group(
    group: Group,
    changes: list[Change],
    console: Console,
    invocation: Invocation,
    provenance: Mapping[Address, Provenance],
) -> None:
    """Print `changes`, which have one action, below their heading."""
    put(console, (group.heading(len(changes)), "bold"))
    is_traced = any(change.address in provenance for change in changes)
    whole = len(changes) if is_traced and changes[0].action not in _BRIEF else _most_whole(changes)
    for number, change in enumerate(changes[:whole]):
        if number and change.action is Action.IN_DOUBT:
            put(console)
        print_change(change, console, invocation)
        _print_provenance(provenance.get(change.address, {}), console)
    if changes[whole:]:
        print_brief(changes[whole:], console)
    if changes[0].action is Action.IN_DOUBT:
        print_where_others_are(len(changes) - whole, console, invocation)
    elif changes[0].action is Action.CHANGED and changes[whole:]:
        put_wrapped(console, "To accept one; `--format markdown` has the blocks for all:", indent=2)
        put(console, " " * INDENT, (invocation.command("accept", "ADDRESS"), "bold"))
    if group.advice:
        put_wrapped(console, (group.advice, "italic"), indent=2)
    put(console)


def _most_whole(changes: list[Change]) -> int:
    """Return how many of `changes`, which have one action, are printed in full."""
    match changes[0].action:
        case Action.NOOP:
            return 0
        case Action.IN_DOUBT:
            return MOST_WHOLE
        case _:
            return len(changes) if len(changes) <= _MOST_SHOWN_WHOLE else 0


def _print_provenance(provenance: Provenance, console: Console) -> None:
    """Print the source of each value on a line of its own, by path."""
    widest = min(max((columns_of(printable(path)) for path in provenance), default=0), _WIDEST_PATH)
    for path, source in sorted(provenance.items()):
        columns = max(widest, columns_of(printable(path)))
        put(console, " " * INDENT, pad(path, columns), (f"  from {source}", "dim"))


def print_guard(guard: Guard, console: Console) -> None:
    """Print `guard` with what is wrong, its first addresses and what to do next."""
    put_wrapped(console, (f"refused[{guard.code}]", "bold red"), f": {guard.message}", hanging=2)
    if guard.addresses:
        put_wrapped(console, (first_of(guard.addresses, _ADDRESSES_OF_A_GUARD), "bold"), indent=2, hanging=2)
    put_wrapped(console, guard.hint, indent=2)


def _print_notes(notes: Sequence[Note], console: Console) -> None:
    """Print `notes`; notes about finished blocks come last."""
    if not notes:
        return
    put(console, (count_of(len(notes), "note"), "bold"))
    for note in notes[:_MOST_NOTES]:
        style = "" if note.code == _DONE else "yellow"
        place = "" if note.source is None else f"{note.source}: "
        put_wrapped(console, "  ", (place, "dim"), (f"{note.message}. ", style), note.hint, hanging=INDENT)
    if len(notes) > _MOST_NOTES:
        put(console, f"  {ELLIPSIS} and {len(notes) - _MOST_NOTES:,} more; --format json has them all")
    put(console)


def _print_guard_panel(guard: Guard, console: Console) -> None:
    body: list[Piece] = [
        guard.message,
        (first_of(guard.addresses, _ADDRESSES_OF_A_GUARD), "bold"),
        guard.hint,
    ]
    put_panel(
        console,
        f"refused: {guard.code}",
        *(piece for piece in body if piece[0]),
        style="red",
        columns=min(console.width, _WIDEST_PANEL),
    )
