"""The gate: how many creates may be in flight, how fast they may begin, and since when none may.

A 429 closes it for everybody for as long as the server asks, halves the room behind it and sets a pace; each
full round of successes then gives one place back. Without a 429 it only bounds what is in flight.
"""

import asyncio
import enum

from reconciler.applying.pace import Pace
from reconciler.ports import Clock


class Pause(enum.Enum):
    """What became of a wish to let nobody begin for a while."""

    BEGUN = enum.auto()
    """The gate was open, and is closed."""
    GOES_ON = enum.auto()
    """The gate was closed already, and stays so for as long as either wish asks."""
    TOO_LONG = enum.auto()
    """Nothing changed: all pauses together would be longer than they may."""


class Gate:
    """Shared by all workers of a run.

    `widest` is the most that may ever be in flight, `budget_s` the longest that it is closed, all in all.
    """

    def __init__(self, widest: int, clock: Clock, *, budget_s: float) -> None:
        self._widest = widest
        self._clock = clock
        self._budget_s = budget_s
        self.room = widest  # how many may be in flight at present
        self._in_flight = 0
        self._successes = 0
        self._refusals_in_a_row = 0
        self._slowed_at_s = self._open_at_s = self._next_at_s = clock.monotonic_s()
        self._pace = Pace(widest, self._open_at_s)
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    def try_enter(self) -> bool:
        """Whether one more create may begin now; it is then counted as in flight."""
        return not self._turn.locked() and self._admit()

    async def enter(self) -> bool:
        """Return True once one more create may begin, first come, first served; it is then in flight."""
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
        # Waking up a little late does not slow the pace down; having been idle does not make a burst.
        self._next_at_s = max(self._next_at_s, now_s - interval_s / 8) + interval_s
        return True

    def leave(self) -> None:
        """Count one create less as in flight."""
        self._in_flight -= 1
        self._freed.set()

    def succeeded(self) -> None:
        """Note a success, and give a place back after as many as there is room for."""
        self._pace.succeeded()
        self._refusals_in_a_row = 0
        self._successes += 1
        if self._successes >= self.room < self._widest:
            self._successes = 0
            self.room += 1
            self._freed.set()

    def refused(self, *, entered_s: float) -> int:
        """Slow down because of the 429 of a create that entered at `entered_s`; its place in a row of them.

        Creates that were in flight when the gate slowed down last tell nothing new: they are that refusal.
        """
        if entered_s >= self._slowed_at_s:
            self._refusals_in_a_row += 1
            self.room = max(1, self.room // 2)
            self._successes = 0
            self._slowed_at_s = self._clock.monotonic_s()
            self._pace.refused(self._slowed_at_s)
        return max(1, self._refusals_in_a_row)

    def hold(self, seconds: float) -> Pause:
        """Let nobody begin for `seconds`, unless that is beyond the budget."""
        now_s = self._clock.monotonic_s()
        is_open = now_s >= self._open_at_s
        until_s = max(self._open_at_s, now_s + seconds)
        longer_s = until_s - max(self._open_at_s, now_s)
        if longer_s > self._budget_s:
            return Pause.TOO_LONG
        self._budget_s -= longer_s
        self._open_at_s = until_s
        self._pace.rest(until_s)
        return Pause.BEGUN if is_open else Pause.GOES_ON
