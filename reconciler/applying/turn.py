"""A turn: one exam's place behind the gate, and after it the next exam's, each let go of once."""

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.applying.gate import Gate

if TYPE_CHECKING:
    from reconciler.model.verdicts import Verdict


class Stage(enum.Enum):
    """How far a try at a create has certainly come."""

    WAITING = enum.auto()
    """Nothing was sent."""
    SENDING = enum.auto()
    """Its intent is durable, and its outcome is not."""
    RECORDED = enum.auto()
    """Its outcome is durable."""


class Turn:
    """The turn of one exam among those in flight; `begin_next` gives the next exam its own.

    `stage` and `verdict` are those of the present try; `verdict` is None until an answer was understood.
    """

    def __init__(self, gate: Gate, begin_next: Callable[[], None]) -> None:
        self.stage = Stage.WAITING
        self.verdict: Verdict | None = None
        self._gate = gate
        self._begin_next = begin_next
        self._is_inside = False
        self._is_passed_on = False

    def begin_try(self) -> None:
        """Know that another try begins."""
        self.stage, self.verdict = Stage.WAITING, None

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
