"""A turn: one exam's place among those in flight. Each exam leaves its place once, and passes it on once."""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.applying.gate import Gate
from reconciler.model.verdicts import Verdict


class Stage(enum.Enum):
    """How far one try at a create has come for certain."""

    WAITING = enum.auto()
    """Nothing was sent."""
    SENDING = enum.auto()
    """The intent is durable, the outcome is not."""
    RECORDED = enum.auto()
    """The outcome is durable."""


@dataclass(slots=True)
class Turn:
    """One exam's place among those in flight; `begin_next` starts the turn of the next exam.

    `stage` and `verdict` are of the present try; `verdict` is None until a response arrived.
    """

    gate: Gate
    begin_next: Callable[[], None]
    stage: Stage = Stage.WAITING
    verdict: Verdict | None = None
    _is_inside: bool = False
    _is_passed_on: bool = False

    def entered(self) -> None:
        """Note that the gate counts this exam as in flight."""
        self._is_inside = True

    def leave(self) -> None:
        """Make the gate no longer count this exam as in flight."""
        if self._is_inside:
            self._is_inside = False
            self.gate.leave()

    def pass_on(self) -> None:
        """Leave, and start the next exam's turn, once."""
        self.leave()
        if not self._is_passed_on:
            self._is_passed_on = True
            self.begin_next()
