"""The gate: bounds how many creates are in flight, how fast they begin, and when none may begin.

A 429 closes it for all creates for as long as the server asks, halves the number in flight and sets a pace.
As many successes as the present limit raise it by one again. Before the first 429 only the number in flight
is bounded.
"""

import asyncio
import enum

from reconciler.applying.pace import Pace
from reconciler.ports import Clock


class Pause(enum.Enum):
    """The result of `Gate.hold`."""

    BEGUN = enum.auto()
    """The gate was open and is now closed."""
    GOES_ON = enum.auto()
    """The gate was closed already; the longer of the two pauses counts."""
    TOO_LONG = enum.auto()
    """Nothing changed: all pauses since the last success would exceed the budget."""


class Gate:
    """The limits that all creates of a run share.

    `widest` is the largest number in flight; `budget_s` is the longest total time that the gate is closed
    without a success in between.
    """

    def __init__(self, widest: int, clock: Clock, *, budget_s: float) -> None:
        self._widest = widest
        self._clock = clock
        self._budget_s = self._left_s = budget_s
        self.room = widest  # how many may be in flight at present
        self._in_flight = 0
        self._successes = 0
        self._refusals_in_a_row = 0
        self._slowed_at_s = self._open_at_s = self._next_at_s = clock.monotonic_s()
        self._pace = Pace(widest, self._open_at_s)
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    def try_enter(self) -> bool:
        """Let one more create begin, if it may now: return True and count it as in flight."""
        return not self._turn.locked() and self._admit()

    async def enter(self) -> bool:
        """Wait until one more create may begin, count it as in flight and return True."""
        async with self._turn:
            while not self._admit():
                wait_s = max(self._open_at_s, self._next_at_s) - self._clock.monotonic_s()
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                else:
                    self._freed.clear()
                    await self._freed.wait()
        return True

    def _admit(self) -> bool:
        now_s = self._clock.monotonic_s()
        if self._in_flight >= self.room or now_s < max(self._open_at_s, self._next_at_s):
            return False
        self._in_flight += 1
        interval_s = self._pace.interval_s(now_s)
        # Waking up a little late does not slow the pace; idle time does not allow a burst.
        self._next_at_s = max(self._next_at_s, now_s - interval_s / 8) + interval_s
        return True

    def leave(self) -> None:
        """Count one create fewer as in flight."""
        self._in_flight -= 1
        self._freed.set()

    def succeeded(self) -> None:
        """Count a success. As many successes as the present limit raise it by one; each renews the budget."""
        self._left_s = self._budget_s
        self._pace.succeeded()
        self._refusals_in_a_row = 0
        self._successes += 1
        if self._successes >= self.room < self._widest:
            self._successes = 0
            self.room += 1
            self._freed.set()

    def refused(self, *, entered_s: float) -> int:
        """Slow down after a 429, and return how many there were in a row. Its create entered at `entered_s`.

        A 429 of a create that was in flight at the last slow-down counts as part of that one.
        """
        if entered_s >= self._slowed_at_s:
            self._refusals_in_a_row += 1
            self.room = max(1, self.room // 2)
            self._successes = 0
            self._slowed_at_s = self._clock.monotonic_s()
            self._pace.refused(self._slowed_at_s)
        return max(1, self._refusals_in_a_row)

    def hold(self, seconds: float) -> Pause:
        """Let no create begin for `seconds`, unless that exceeds the budget."""
        now_s = self._clock.monotonic_s()
        is_open = now_s >= self._open_at_s
        until_s = max(self._open_at_s, now_s + seconds)
        longer_s = until_s - max(self._open_at_s, now_s)
        if longer_s > self._left_s:
            return Pause.TOO_LONG
        self._left_s -= longer_s
        self._open_at_s = until_s
        self._pace.rest(until_s)
        return Pause.BEGUN if is_open else Pause.GOES_ON
