"""A turn: one exam's place behind the gate, and after it the next exam's, each let go of once."""

from collections.abc import Callable

from reconciler.applying.gate import Gate


class Turn:
    """The turn of one exam among those in flight; `begin_next` gives the next exam its own."""

    def __init__(self, gate: Gate, begin_next: Callable[[], None]) -> None:
        self._gate = gate
        self._begin_next = begin_next
        self._is_inside = False
        self._is_passed_on = False

    def entered(self) -> None:
        """Know that the gate counts this exam as in flight."""
        self._is_inside = True

    def leave(self) -> None:
        """This exam is not in flight, or not any more."""
        if self._is_inside:
            self._is_inside = False
            self._gate.leave()

    def pass_on(self) -> None:
        """This exam is not in flight, and the next one has had its turn or has it now."""
        self.leave()
        if not self._is_passed_on:
            self._is_passed_on = True
            self._begin_next()
