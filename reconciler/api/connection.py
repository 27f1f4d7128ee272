"""A connection: opened within bounds, written to once, and read as far as somebody asks.

It is asyncio's own protocol rather than its streams: what came before a connection broke can still be read,
so that an early answer is not lost with the rest of the request, and no more waits in memory than one read.
"""

import asyncio
import ssl
from typing import Final, cast

_STAGGER_S: Final = 0.25  # RFC 8305 section 5: how long one address may take before the next is tried as well
_WAITING_BYTES: Final = 64 * 1024


class Connection(asyncio.Protocol):
    """One connection, made by `open_connection`. Whoever has it calls `abort` in the end."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._received = bytearray()
        self._is_over = False
        self._is_paused = False
        self._fault: Exception | None = None
        self._news: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP stands."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came; where nobody reads them, soon no more come."""
        self._received += data
        if len(self._received) > _WAITING_BYTES and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._tell()

    def eof_received(self) -> None:
        """No more bytes come."""
        self._is_over = True
        self._tell()

    def connection_lost(self, error: Exception | None) -> None:
        """It is closed, by whichever side; `error` is None unless it broke."""
        self._is_over = True
        self._fault = self._fault or error
        self._tell()

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Return once all bytes are encrypted, and the other side has shown that it is `host`.

        Raises ConnectionError if a byte came before: anybody on the way may have said it, and it would be
        read as if it had been said under TLS.
        """
        if self._received:
            raise ConnectionError("the other side spoke before TLS had begun")
        loop = asyncio.get_running_loop()
        secured = await loop.start_tls(self._transport, self, context, server_hostname=host)
        self._transport = cast("asyncio.Transport", secured)

    @property
    def is_untouched(self) -> bool:
        """Whether it is open, and not a byte has come on it."""
        return not (self._is_over or self._received)

    def write(self, data: bytes) -> None:
        """Have `data` sent, as fast as it is taken; that it is not shows when reading."""
        self._transport.write(data)

    async def read(self) -> bytes:
        """What came since it was last asked for, once there is something; nothing at the end.

        Raises what broke the connection, once all that came before is read.
        """
        while not self._received:
            if self._fault is not None:
                raise self._fault
            if self._is_over:
                return b""
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        data = bytes(self._received)
        self._received.clear()
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    def abort(self) -> None:
        """Close it at once; what is still to be sent or read is dropped."""
        self._transport.abort()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


async def open_connection(host: str, port: int, *, tls: ssl.SSLContext | None, step_s: float) -> Connection:
    """A connection to `host`, secured by `tls` unless that is None; TCP and TLS may take `step_s` each.

    Raises OSError, TimeoutError, and UnicodeError for a name that no resolver takes.
    """
    stagger_s = None if _is_address(host) else _STAGGER_S
    async with asyncio.timeout(step_s):
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection, host, port, happy_eyeballs_delay=stagger_s
        )
    if tls is not None:
        try:
            async with asyncio.timeout(step_s):
                await connection.start_tls(tls, host)
        except BaseException:
            connection.abort()
            raise
    return connection


def _is_address(host: str) -> bool:
    """Whether `host` is an address itself, so that there is no other to race it."""
    return ":" in host or host[-1:].isdigit()
