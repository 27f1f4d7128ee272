"""A turn: the place of one exam among those in flight. It is left once, and passed on once."""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.applying.gate import Gate
from reconciler.model.verdicts import Verdict


class Stage(enum.Enum):
    """How far a try at a create has certainly come."""

    WAITING = enum.auto()
    """Nothing was sent."""
    SENDING = enum.auto()
    """Its intent is durable, and its outcome is not."""
    RECORDED = enum.auto()
    """Its outcome is durable."""


@dataclass(slots=True)
class Turn:
    """The turn of one exam among those in flight; `begin_next` gives the next exam its own.

    `stage` and `verdict` are those of the present try; `verdict` is None until an answer was understood.
    """

    gate: Gate
    begin_next: Callable[[], None]
    stage: Stage = Stage.WAITING
    verdict: Verdict | None = None
    _is_inside: bool = False
    _is_passed_on: bool = False

    def entered(self) -> None:
        """Know that the gate counts this exam as in flight."""
        self._is_inside = True

    def leave(self) -> None:
        """Count this exam as not in flight, or not any more."""
        if self._is_inside:
            self._is_inside = False
            self.gate.leave()

    def pass_on(self) -> None:
        """Leave, and give the next exam its turn if it has not had one from here."""
        self.leave()
        if not self._is_passed_on:
            self._is_passed_on = True
            self.begin_next()
