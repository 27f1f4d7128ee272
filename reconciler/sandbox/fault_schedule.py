"""The active faults, and which of them apply to the next create."""

import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from reconciler.sandbox.faults import Effect, Fault, Kind


class Misbehaviour(Struct, frozen=True, kw_only=True):
    """What goes wrong with one create: a delay, then `effect`; None is a normal response."""

    delay_s: float
    effect: Effect | None


class FaultSchedule:
    """Decides for each create, in order of arrival, which faults apply.

    Delays add up; of the other faults that apply, the first in the list is used.
    """

    def __init__(self, faults: Sequence[Fault], now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._counted: list[_CountedFault] = []
        self.replace(faults)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The active faults."""
        return tuple(counted.fault for counted in self._counted)

    def replace(self, faults: Sequence[Fault]) -> None:
        """Make `faults` the active ones, with new counts."""
        # One assignment, so that a test can call this from its own thread.
        self._counted = [_CountedFault(fault, self._now_s()) for fault in faults]

    def draw(self, title: str) -> Misbehaviour:
        """Return what goes wrong with the create of `title` that has just arrived."""
        delay_s = 0.0
        effect: Effect | None = None
        now_s = self._now_s()
        for counted in [counted for counted in self._counted if counted.counts(title)]:
            own = counted.fault.effect
            if own.kind is Kind.LATENCY:
                delay_s += own.seconds if counted.strikes(now_s) else 0
            elif effect is None and counted.strikes(now_s):
                effect = own
        return Misbehaviour(delay_s=delay_s, effect=effect)


class _CountedFault:
    """One fault, the creates that it counted, and how often it applied."""

    def __init__(self, fault: Fault, now_s: float) -> None:
        self.fault = fault
        self._count = 0
        self._struck = 0
        is_rate = fault.effect.kind is Kind.RATE
        self._bucket = _Bucket(fault.effect.per_second, now_s) if is_rate else None

    def counts(self, title: str) -> bool:
        fits = self.fault.selection.fits(title)
        self._count += fits
        return fits

    def strikes(self, now_s: float) -> bool:
        taken = self.fault.selection.takes(self._count, struck=self._struck)
        if not taken or (self._bucket is not None and self._bucket.spend(now_s)):
            return False
        self._struck += 1
        return True


class _Bucket:
    """A token bucket: `per_second` permits a second, and room for one second's permits, at least one."""

    def __init__(self, per_second: float, now_s: float) -> None:
        self._per_second = per_second
        self._room = max(1.0, per_second)
        self._permits = self._room
        self._filled_at_s = now_s

    def spend(self, now_s: float) -> bool:
        """Take a permit; return False if there is none."""
        gained = (now_s - self._filled_at_s) * self._per_second
        self._permits = min(self._room, self._permits + gained)
        self._filled_at_s = now_s
        if self._permits < 1:
            return False
        self._permits -= 1
        return True
