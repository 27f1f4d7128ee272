"""Spare connections: opened while other requests are on their way, for requests to come.

Like every other, each carries one request in its life. To open one takes a round trip, and two more for TLS,
for which the next create need not wait. One on which anything has happened is not used, nor one that is
older than any server waits for a request; nothing was written on those, so nothing of them is in doubt.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from reconciler.api.connection import Connection

_FRESH_S: Final = 2.0  # the shortest patience with a silent client that servers and proxies are given is 5 s
_MOST: Final = 50
_MOST_CONNECTIONS: Final = 200  # a process may have 256 files open on some machines

Opening: TypeAlias = Callable[[], Awaitable[Connection]]
"""Opens a connection, all of them to one place."""


class Spares:
    """The spare connections of one transport, none older than `fresh_s` when it is used.

    `wanted` is how many there may be; whoever knows how many requests are to come says so.
    """

    def __init__(self, *, fresh_s: float = _FRESH_S) -> None:
        self.wanted = 0
        self._fresh_s = fresh_s
        self._are_of_use = True
        self._ready: deque[tuple[float, Connection]] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    def take(self) -> Connection | None:
        """A connection that is as good as a new one; None where there is none."""
        while self._ready:
            opened_s, connection = self._ready.popleft()
            is_fresh = asyncio.get_running_loop().time() - opened_s < self._fresh_s
            if is_fresh and connection.is_untouched:
                return connection
            connection.abort()
            # Where answers take so long, opening takes none of the time that counts.
            self._are_of_use = self._are_of_use and is_fresh
        return None

    def replenish(self, opening: Opening, *, in_use: int) -> None:
        """Soon there is one more, if one is wanted and can be had beside so many that are `in_use`."""
        most = min(self.wanted, _MOST, _MOST_CONNECTIONS - in_use)
        if self._are_of_use and len(self._ready) + len(self._opening) < most:
            task = asyncio.get_running_loop().create_task(self._open(opening))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def close(self) -> None:
        """No connection is left open, and none is opened any more."""
        self._are_of_use = False
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for _, connection in self._ready:
            connection.abort()
        self._ready.clear()
        await asyncio.sleep(0)  # asyncio closes what is aborted when the loop comes round

    async def _open(self, opening: Opening) -> None:
        try:
            connection = await opening()
        except (OSError, UnicodeError):
            return  # whoever comes next opens one, and learns what is wrong
        self._ready.append((asyncio.get_running_loop().time(), connection))
