"""The changes of a plan that have one action, as text: whole, or in brief where they are many."""

from collections.abc import Mapping
from typing import Final

from reconciler.model.identities import Address
from reconciler.model.origins import Origins
from reconciler.model.plan import Action, Change
from reconciler.outputs.change_text import print_brief, print_change
from reconciler.outputs.dossier_text import MOST_WHOLE, print_where_others_are
from reconciler.outputs.groups import Group
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.origins_text import print_origins
from reconciler.outputs.terminal import Console, put, put_wrapped

MOST_SHOWN_WHOLE: Final = 25
"""Above this many changes of one action, each gets one line."""

_BRIEF: Final = frozenset({Action.NOOP, Action.IN_DOUBT})
"""Actions whose changes stay brief, or few, even where the origins of values are asked for."""


def print_group(
    group: Group,
    changes: list[Change],
    console: Console,
    invocation: Invocation,
    origins: Mapping[Address, Origins],
) -> None:
    """`changes`, which have one action, stand there behind what introduces them."""
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


def _most_whole(changes: list[Change]) -> int:
    """How many of `changes`, which have one action, stand there whole."""
    match changes[0].action:
        case Action.NOOP:
            return 0
        case Action.IN_DOUBT:
            return MOST_WHOLE
        case _:
            return len(changes) if len(changes) <= MOST_SHOWN_WHOLE else 0
