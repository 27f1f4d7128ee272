"""The faults in force, and how often each has been asked and has struck."""

import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from reconciler.sandbox.faults import Effect, Fault, Kind


class Misbehaviour(Struct, frozen=True, kw_only=True):
    """What one create is to suffer: a wait, then `effect`; None is to be served well."""

    delay_s: float
    effect: Effect | None


class FaultSchedule:
    """Decides for each create, in order of arrival, what goes wrong.

    Waits add up; of the other faults that strike, the first in the list wins.
    """

    def __init__(self, faults: Sequence[Fault], now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._counted: list[_CountedFault] = []
        self.replace(faults)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults in force."""
        return tuple(counted.fault for counted in self._counted)

    def replace(self, faults: Sequence[Fault]) -> None:
        """From now on `faults` are in force, and count from one."""
        # One assignment, so that a test may do this from its own thread.
        self._counted = [_CountedFault(fault, self._now_s()) for fault in faults]

    def draw(self, title: str) -> Misbehaviour:
        """What the create of `title` that has just arrived is to suffer."""
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
    """One fault and its counts."""

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
    """Fills with `per_second` permits a second up to one second's worth, and never to less than one."""

    def __init__(self, per_second: float, now_s: float) -> None:
        self._per_second = per_second
        self._room = max(1.0, per_second)
        self._permits = self._room
        self._filled_at_s = now_s

    def spend(self, now_s: float) -> bool:
        """Whether there was a permit, which is gone now."""
        gained = (now_s - self._filled_at_s) * self._per_second
        self._permits = min(self._room, self._permits + gained)
        self._filled_at_s = now_s
        if self._permits < 1:
            return False
        self._permits -= 1
        return True
