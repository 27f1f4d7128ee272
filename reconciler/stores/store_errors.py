"""Errors that all stores raise."""

from typing import Final

from reconciler.model.errors import StateConflict, StateLocked

FILE_HINT: Final = "Write it as file:PATH, for example file:exams.state.json."


def conflict(location: str) -> StateConflict:
    """Return the error for a change at a head that the store does not have any more."""
    return StateConflict(
        f"{location} was changed by somebody else since it was read",
        hint="Nothing was overwritten. Plan again on the state as it is now.",
    )


def locked_by_earlier_version(location: str, sign: str, *, remedy: str) -> StateLocked:
    """Return the error for a state that a run of an earlier version works on, as `sign` says."""
    return StateLocked(
        f"{location} is locked by a run of an earlier version: {sign}",
        hint=f"Wait for that run to end. {remedy}",
        holder="a run of an earlier version",
    )
