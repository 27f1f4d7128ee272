"""A plan as text: what a reviewer sees at a glance, and a summary of what apply will and will not do."""

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.model.identities import Address
from reconciler.model.origins import NO_ORIGINS, Origins
from reconciler.model.plan import Guard, Note, Plan
from reconciler.outputs.escapes import ELLIPSIS
from reconciler.outputs.fact_lines import INDENT
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Listing
from reconciler.outputs.plan_summary import summary_sentences
from reconciler.outputs.terminal import Console, Piece, put, put_panel, put_wrapped

_MOST_NOTES: Final = 25
_ADDRESSES_OF_A_GUARD: Final = 5
_WIDEST_PANEL: Final = 100
_DONE: Final = "done"


def print_plan(
    plan: Plan,
    console: Console,
    *,
    listing: Listing,
    invocation: Invocation | None = None,
    origins: Mapping[Address, Origins] = NO_ORIGINS,
) -> None:
    """Print `plan` by action, then notes, the guards that fire, where it goes, a summary, the fingerprint.

    `invocation` goes into the commands to copy; None where they need no option. Where `origins` are known,
    every exam is shown whole, and where its values are from.
    """
    listed = listing.of(plan)
    for action, group in GROUPS.items():
        changes = [change for change in listed if change.action is action]
        if changes:
            from reconciler.outputs.plan_groups import print_group  # noqa: PLC0415 - most plans list nothing

            print_group(group, changes, console, invocation or Invocation(), origins)
    _print_notes(plan.notes, console)
    for guard in plan.guards:
        _print_guard_panel(guard, console)
    if where := plan.destination.in_words:
        put_wrapped(console, f"Destination: {where}", hanging=INDENT)
    for style, sentence in summary_sentences(plan):
        put_wrapped(console, (sentence, style))
    if plan.differs:
        put(console, (f"Fingerprint {plan.fingerprint}", "dim"))


def print_guard(guard: Guard, console: Console) -> None:
    """`guard` stands there with what is wrong, its first addresses and what to do next."""
    put_wrapped(console, (f"refused[{guard.code}]", "bold red"), f": {guard.message}", hanging=2)
    if guard.addresses:
        put_wrapped(console, (_first_addresses(guard), "bold"), indent=2, hanging=2)
    put_wrapped(console, guard.hint, indent=2)


def _print_notes(notes: Sequence[Note], console: Console) -> None:
    """The notes stand there, those first that are not about what is done."""
    if not notes:
        return
    put(console, ("1 note" if len(notes) == 1 else f"{len(notes):,} notes", "bold"))
    for note in most_telling(notes)[:_MOST_NOTES]:
        style = "" if note.code == _DONE else "yellow"
        place = "" if note.source is None else f"{note.source}: "
        put_wrapped(console, "  ", (place, "dim"), (f"{note.message}. ", style), note.hint, hanging=INDENT)
    if len(notes) > _MOST_NOTES:
        put(console, f"  {ELLIPSIS} and {len(notes) - _MOST_NOTES:,} more; --format json has them all")
    put(console)


def most_telling(notes: Sequence[Note]) -> list[Note]:
    """`notes`, those first that are not about what is done."""
    return sorted(notes, key=lambda one: one.code == _DONE)


def _print_guard_panel(guard: Guard, console: Console) -> None:
    body: list[Piece] = [guard.message, (_first_addresses(guard), "bold"), guard.hint]
    put_panel(
        console,
        f"refused: {guard.code}",
        *(piece for piece in body if piece[0]),
        style="red",
        columns=min(console.width, _WIDEST_PANEL),
    )


def _first_addresses(guard: Guard) -> str:
    shown = ", ".join(guard.addresses[:_ADDRESSES_OF_A_GUARD])
    left = len(guard.addresses) - _ADDRESSES_OF_A_GUARD
    return f"{shown} {ELLIPSIS} and {left:,} more" if left > 0 else shown
