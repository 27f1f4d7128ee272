"""Work that may be done ahead of its turn, while something else is waited for.

Promise: it is done once, and how it ended shows at its turn and not before. May import: the standard library.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


class AheadOfTime(Generic[Given, Made]):
    """A piece of `work`, which is done by `begin` or else by `result`."""

    def __init__(self, work: Callable[[Given], Made]) -> None:
        self._work = work
        self._made: tuple[Made] | None = None
        self._error: Exception | None = None

    def begin(self, given: Given) -> None:
        """Do it now; what it raises waits for `result`."""
        try:
            self._made = (self._work(given),)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised at its turn
            self._error = error

    def result(self, given: Given) -> Made:
        """What it gave; it is done now, if that was not begun. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._work(given) if self._made is None else self._made[0]
