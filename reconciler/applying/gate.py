"""The gate: how many creates may be in flight, and since when none may begin.

A 429 closes it for everybody for as long as the server asks and halves the room behind it; each full round of
successes then gives one place back.
"""

import asyncio
from collections import deque

from reconciler.ports import Clock


class Gate:
    """Shared by all workers of a run. `widest` is the most that may ever be in flight."""

    def __init__(self, widest: int, clock: Clock) -> None:
        self._widest = widest
        self._clock = clock
        self._room = widest
        self._in_flight = 0
        self._successes = 0
        self._open_at_s = clock.monotonic_s()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def room(self) -> int:
        """How many may be in flight at present."""
        return self._room

    def try_enter(self) -> bool:
        """Whether one more create may begin now; it is then counted as in flight."""
        if self._in_flight >= self._room or self._clock.monotonic_s() < self._open_at_s:
            return False
        self._in_flight += 1
        return True

    async def enter(self) -> None:
        """Return once one more create may begin; it is then counted as in flight."""
        while not self.try_enter():
            if (wait_s := self._open_at_s - self._clock.monotonic_s()) > 0:
                await self._clock.sleep(wait_s)
            else:
                await self._place()

    async def _place(self) -> None:
        """Return once a place may have come free."""
        free = asyncio.get_running_loop().create_future()
        self._waiting.append(free)
        try:
            await free
        except asyncio.CancelledError:
            if free.done() and not free.cancelled():
                self._wake()  # the place that it was called for is another's now
            raise

    def _wake(self) -> None:
        while self._waiting:
            free = self._waiting.popleft()
            if not free.done():
                free.set_result(None)
                return

    def leave(self) -> None:
        """Count one create less as in flight."""
        self._in_flight -= 1
        self._wake()

    def widen(self) -> None:
        """Note a success, and give a place back after as many as there is room for."""
        self._successes += 1
        if self._successes >= self._room < self._widest:
            self._successes = 0
            self._room += 1
            self._wake()

    def hold(self, seconds: float) -> bool:
        """Let nobody begin for `seconds`; whether this is news, and not one more voice of the same burst."""
        now_s = self._clock.monotonic_s()
        is_news = now_s >= self._open_at_s
        self._open_at_s = max(self._open_at_s, now_s + seconds)
        return is_news

    def throttle(self, seconds: float) -> bool:
        """Hold, and halve the room once for each burst; whether this is news."""
        is_news = self.hold(seconds)
        if is_news:
            self._room = max(1, self._room // 2)
            self._successes = 0
        return is_news
