"""A plan as text: what a reviewer sees at a glance, and a summary of what apply will and will not do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.model.identities import Address
from reconciler.model.origins import NO_ORIGINS, Origins
from reconciler.model.plan import Action, Change, Guard, Note, Plan
from reconciler.outputs.change_text import print_brief, print_change
from reconciler.outputs.dossier_text import MOST_WHOLE, print_where_others_are
from reconciler.outputs.dossiers import Invocation
from reconciler.outputs.escapes import ELLIPSIS
from reconciler.outputs.fact_lines import INDENT
from reconciler.outputs.listing import Listing
from reconciler.outputs.origins_text import print_origins
from reconciler.outputs.plain import Console, rich_of
from reconciler.outputs.plan_summary import summary_sentences
from reconciler.outputs.terminal import compose, put, put_wrapped, width_of

MOST_SHOWN_WHOLE: Final = 25
"""Above this many changes of one action, each gets one line."""

_BRIEF: Final = frozenset({Action.NOOP, Action.IN_DOUBT})
"""Actions whose changes stay brief, or few, even where the origins of values are asked for."""

_MOST_NOTES: Final = 25
_ADDRESSES_OF_A_GUARD: Final = 5
_WIDEST_PANEL: Final = 100
_DONE: Final = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """How the changes with one action are introduced, one and many, and what to do about them."""

    one: str
    many: str
    advice: str = ""

    def heading(self, count: int) -> str:
        """What introduces `count` changes, at least one."""
        return self.one if count == 1 else self.many.format(f"{count:,}")


# In this order: what is as it should be, what apply makes, what it leaves to a person.
GROUPS: Final = {
    Action.NOOP: Group(one="1 exam is up to date", many="{} exams are up to date"),
    Action.CREATE: Group(one="1 exam will be created", many="{} exams will be created"),
    Action.IMPORT: Group(
        one="1 exam exists already and will be adopted into state; nothing is sent",
        many="{} exams exist already and will be adopted into state; nothing is sent",
    ),
    Action.MOVE: Group(
        one="1 exam will get a new address in state; nothing is sent",
        many="{} exams will get new addresses in state; nothing is sent",
    ),
    Action.FORGET: Group(
        one="1 exam will be forgotten by state; the exam itself stays",
        many="{} exams will be forgotten by state; the exams themselves stay",
    ),
    Action.CHANGED: Group(
        one="1 exam differs from what was created; left alone",
        many="{} exams differ from what was created; left alone",
        advice="A change is never sent to an exam that exists. Make it in SmarterProctoring by hand, or put "
        "the declaration back as it was.",
    ),
    Action.ORPHANED: Group(
        one="1 exam is in state but no longer declared; left alone",
        many="{} exams are in state but no longer declared; left alone",
        advice="Nothing is deleted. Declare such an exam again, name its new address under `moved:` if it "
        "was renamed, or list it under `removed:` to have state forget it.",
    ),
    Action.IN_DOUBT: Group(
        one="1 exam is in doubt: it may exist or not; nothing is sent for it",
        many="{} exams are in doubt: they may exist or not; nothing is sent for them",
        advice="Only a person can find out. Until it is settled nothing more is sent for such an exam; all "
        "other exams go on.",
    ),
}


def print_plan(
    plan: Plan,
    console: Console,
    *,
    listing: Listing,
    invocation: Invocation | None = None,
    origins: Mapping[Address, Origins] = NO_ORIGINS,
) -> None:
    """`plan` stands there by action, then notes, the guards that fire, the summary and the fingerprint.

    `invocation` goes into the commands to copy; None where they need no option. Where `origins` are known,
    every exam is shown whole, and where its values are from.
    """
    listed = listing.of(plan)
    for action, group in GROUPS.items():
        changes = [change for change in listed if change.action is action]
        if changes:
            _print_group(group, changes, console, invocation or Invocation(), origins)
    _print_notes(plan.notes, console)
    for guard in plan.guards:
        _print_guard_panel(guard, console)
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


def _print_group(
    group: Group,
    changes: list[Change],
    console: Console,
    invocation: Invocation,
    origins: Mapping[Address, Origins],
) -> None:
    put(console, (group.heading(len(changes)), "bold"))
    is_traced = any(change.address in origins for change in changes)
    whole = len(changes) if is_traced and changes[0].action not in _BRIEF else _most_whole(changes)
    for number, change in enumerate(changes[:whole]):
        if number and change.action is Action.IN_DOUBT:
            put(console)
        print_change(change, console, invocation)
        print_origins(origins.get(change.address, {}), console)
    if changes[whole:]:
        print_brief(changes[whole:], console)
    if changes[0].action is Action.IN_DOUBT:
        print_where_others_are(len(changes) - whole, console, invocation)
    if group.advice:
        put_wrapped(console, (group.advice, "italic"), indent=2)
    put(console)


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


def _most_whole(changes: list[Change]) -> int:
    """How many of `changes`, which have one action, stand there whole."""
    match changes[0].action:
        case Action.NOOP:
            return 0
        case Action.IN_DOUBT:
            return MOST_WHOLE
        case _:
            return len(changes) if len(changes) <= MOST_SHOWN_WHOLE else 0


def _print_guard_panel(guard: Guard, console: Console) -> None:
    from rich.panel import Panel  # noqa: PLC0415 - most plans have no guard
    from rich.text import Text  # noqa: PLC0415 - as above

    lines = [compose(guard.message), compose((_first_addresses(guard), "bold")), compose(guard.hint)]
    body = Text("\n").join(line for line in lines if line)
    panel = Panel(
        body,
        title=compose((f"refused: {guard.code}", "bold red")),
        title_align="left",
        border_style="red",
        width=min(width_of(console), _WIDEST_PANEL),
    )
    rich_of(console).print(panel)


def _first_addresses(guard: Guard) -> str:
    shown = ", ".join(guard.addresses[:_ADDRESSES_OF_A_GUARD])
    left = len(guard.addresses) - _ADDRESSES_OF_A_GUARD
    return f"{shown} {ELLIPSIS} and {left:,} more" if left > 0 else shown
