"""Errors that all stores raise."""

from typing import Final

from reconciler.model.errors import StateConflict

FILE_HINT: Final = "Write it as file:PATH, for example file:exams.state.json."


def conflict(location: str) -> StateConflict:
    """Return the error for a change at a head that the store does not have any more."""
    return StateConflict(
        f"{location} was changed by somebody else since it was read",
        hint="Nothing was overwritten. Plan again on the state as it is now.",
        location=location,
    )
