"""Spare connections: opened while other requests are on their way, for requests to come.

Like every other, each carries one request in its life. To open one takes a round trip, and two more for TLS,
for which the next create need not wait. One on which anything has happened is not used, nor one that is
older than any server waits for a request; nothing was written on those, so nothing of them is in doubt.

They are used in the order in which they were opened, and before any newer one: a server that treats one
connection after the other then never waits for one while the requests that it could answer are behind it.
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
    """The spare connections of one transport, none older than `fresh_s`.

    `wanted` is how many there may be; whoever knows how many requests are to come says so.
    """

    def __init__(self, *, fresh_s: float = _FRESH_S) -> None:
        self.wanted = 0
        self._fresh_s = fresh_s
        self._are_of_use = True
        self._spares: deque[asyncio.Task[Connection | None]] = deque()
        self._ends: dict[Connection, asyncio.TimerHandle] = {}

    async def take(self) -> Connection | None:
        """A connection that is as good as a new one, once it is open; None where there is none."""
        while self._spares:
            connection = await _opened(self._spares.popleft())
            end = None if connection is None else self._ends.pop(connection, None)
            if connection is None or end is None:
                continue
            end.cancel()
            if connection.is_untouched and asyncio.get_running_loop().time() < end.when():
                return connection
            connection.abort()
        return None

    def replenish(self, opening: Opening, *, in_use: int) -> None:
        """Soon there is one more, if one is wanted and can be had beside so many that are `in_use`."""
        most = min(self.wanted, _MOST, _MOST_CONNECTIONS - in_use)
        if self._are_of_use and len(self._spares) < most:
            self._spares.append(asyncio.get_running_loop().create_task(self._open(opening)))

    async def close(self) -> None:
        """No connection is left open, and none is opened any more."""
        self._are_of_use = False
        for task in self._spares:
            task.cancel()
        await asyncio.gather(*self._spares, return_exceptions=True)
        self._spares.clear()
        for connection, end in self._ends.items():
            end.cancel()
            connection.abort()
        self._ends.clear()
        await asyncio.sleep(0)  # asyncio closes what is aborted when the loop comes round

    async def _open(self, opening: Opening) -> Connection | None:
        try:
            connection = await opening()
        except (OSError, UnicodeError):
            return None  # whoever comes next opens one, and learns what is wrong
        end = asyncio.get_running_loop().call_later(self._fresh_s, self._expire, connection)
        self._ends[connection] = end
        return connection

    def _expire(self, connection: Connection) -> None:
        """Close what nobody has used: where answers take so long, opening takes no time that counts."""
        self._are_of_use = False
        del self._ends[connection]
        connection.abort()


async def _opened(task: asyncio.Task[Connection | None]) -> Connection | None:
    """What comes of `task`. It is cancelled with whoever waits, and leaves nothing open then."""
    try:
        return await task
    except asyncio.CancelledError:
        if task.done() and not task.cancelled() and (connection := task.result()) is not None:
            connection.abort()
        raise
