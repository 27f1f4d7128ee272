"""The report of `state recover` as text: what each outcome meant for the state, and what to do."""

from collections.abc import Sequence
from typing import Final

from reconciler.model.report import RecoveredOutcome, RecoveryVerdict
from reconciler.outputs.text.console import Console, count_of, put, put_wrapped

_STYLES: Final = {
    RecoveryVerdict.KNOWN: "dim",
    RecoveryVerdict.RECORDED: "green",
    RecoveryVerdict.UNKNOWN: "bold red",
    RecoveryVerdict.CONTRADICTS: "bold red",
}
"""Styles, in the order of printing: last what a person has to act on."""
_LABEL_WIDTH: Final = 13


def print_recovery(fed: Sequence[RecoveredOutcome], console: Console) -> None:
    """Print each outcome with what it meant for the state, then their number."""
    for verdict, style in _STYLES.items():
        for one in fed:
            if one.verdict is verdict:
                put(
                    console,
                    (f"{verdict.value:{_LABEL_WIDTH}}", style),
                    (one.address, "bold"),
                    f"  {one.message}",
                )
                if one.hint:
                    put_wrapped(console, one.hint, indent=_LABEL_WIDTH)
    recorded = sum(one.verdict is RecoveryVerdict.RECORDED for one in fed)
    put(console, (f"Recorded {recorded:,} of {count_of(len(fed), 'outcome')}.", "bold"))
