"""Exit codes and their meanings."""

from collections.abc import Mapping
from typing import Final

DONE: Final = 0
"""Done, or nothing to do."""

FAILED: Final = 1
"""Refused or failed; usage errors too. `plan --detailed-exitcode`: apply would refuse the plan."""

DIFFERS: Final = 2
"""`plan --detailed-exitcode`: something differs."""

IN_DOUBT: Final = 3
"""`apply`: an exam is in doubt. `plan --detailed-exitcode`: an exam in doubt blocks."""

SIGNAL_BASE: Final = 128
"""Added to the number of the signal that interrupted the command: 130 for SIGINT, 143 for SIGTERM."""

_SIGINT: Final = 2

MEANINGS: Final[Mapping[int, str]] = {
    DONE: "done, or nothing to do",
    FAILED: "refused or failed, mistakes in manifests or on the command line included; "
    "`plan --detailed-exitcode`: `apply` would refuse the plan",
    DIFFERS: "`plan --detailed-exitcode`: something differs",
    IN_DOUBT: "`apply`: an exam is in doubt, from this run or an earlier one; "
    "`plan --detailed-exitcode`: an exam in doubt blocks",
    SIGNAL_BASE + _SIGINT: "interrupted by SIGINT (Ctrl-C)",
    SIGNAL_BASE + 15: "interrupted by SIGTERM",
}
"""The meaning of each code, as in docs/commands.md and in `reconciler explain`."""


def interrupted_by(interruption: KeyboardInterrupt) -> int:
    """Return the exit code after `interruption`; its `signal_number`, if any, replaces that of Ctrl-C."""
    number: int = getattr(interruption, "signal_number", _SIGINT)
    return SIGNAL_BASE + number
