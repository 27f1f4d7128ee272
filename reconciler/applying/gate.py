"""The gate: how many creates may be in flight, and since when none may begin.

A 429 closes it for everybody for as long as the server asks and halves the room behind it; each full round of
successes then gives one place back.
"""

import asyncio

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
        self._changed = asyncio.Condition()

    @property
    def room(self) -> int:
        """How many may be in flight at present."""
        return self._room

    async def enter(self) -> None:
        """Return once one more create may begin; it is then counted as in flight."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._in_flight < self._room)
                wait_s = self._open_at_s - self._clock.monotonic_s()
                if wait_s <= 0:
                    self._in_flight += 1
                    return
            await self._clock.sleep(wait_s)

    async def leave(self) -> None:
        """Count one create less as in flight."""
        async with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()

    async def widen(self) -> None:
        """Note a success, and give a place back after as many as there is room for."""
        self._successes += 1
        if self._successes >= self._room < self._widest:
            self._successes = 0
            async with self._changed:
                self._room += 1
                self._changed.notify_all()

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
