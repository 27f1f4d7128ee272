"""A recovery file fed back, as text: what became of each outcome, and what to do about it."""

from collections.abc import Sequence
from typing import Final

from reconciler.model.report import Fed, Feeding
from reconciler.outputs.text.console import Console, count_of, put, put_wrapped

_STYLES: Final = {
    Feeding.KNOWN: "dim",
    Feeding.RECORDED: "green",
    Feeding.UNKNOWN: "bold red",
    Feeding.CONTRADICTS: "bold red",
}
"""The style of each, in the order in which they stand: what a person has to act on stands last."""
_LABEL_WIDTH: Final = 13


def print_recovery(fed: Sequence[Fed], console: Console) -> None:
    """Every outcome stands there with what it meant for the state, then their number."""
    for feeding, style in _STYLES.items():
        for one in fed:
            if one.feeding is feeding:
                put(
                    console,
                    (f"{feeding.value:{_LABEL_WIDTH}}", style),
                    (one.address, "bold"),
                    f"  {one.message}",
                )
                if one.hint:
                    put_wrapped(console, one.hint, indent=_LABEL_WIDTH)
    recorded = sum(one.feeding is Feeding.RECORDED for one in fed)
    put(console, (f"Recorded {recorded:,} of {count_of(len(fed), 'outcome')}.", "bold"))
