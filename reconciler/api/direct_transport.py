"""The direct transport of httpx: a connection for each request, straight to the service.

httpx's own is made for connections that are shared and kept. Its pool, its locks and its ways of waiting cost
more than all the rest of a create, and nothing here is shared or kept for a second request.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

import h11
import httpx

from reconciler.api.bodies import END_BYTES
from reconciler.api.connection import Connection, open_connection
from reconciler.api.spares import Opening, Spares

_HEAD_BYTES: Final = 100 * 1024
_PORTS: Final = {"http": 80, "https": 443}

_Trace: TypeAlias = Callable[[str, Mapping[str, object]], Awaitable[None]]


class DirectTransport(httpx.AsyncBaseTransport):
    """Sends each request on a connection of its own; `tls` is what secures those to an https URL.

    All requests go to one place. Whoever says how many are to come has some of their connections opened
    while others are on their way, and closes the transport in the end.
    Of a request's extensions it heeds `timeout`, as far as it is about connecting, and `trace`, which is told
    by httpcore's names when it begins to connect and before the first byte is written. It adds what comes
    first, head and body, to `heard`, and what comes last. How long an answer may take is for the caller to
    say.
    """

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._spares = Spares()
        self._on_their_way: set[httpx.Request] = set()

    def expect(self, requests: int) -> None:
        """Know that so many requests are to come."""
        self._spares.wanted = requests

    async def aclose(self) -> None:
        """No connection is left open but those of requests that are on their way."""
        await self._spares.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The head of the answer; its body is read from its stream, and closing it closes the connection.

        Raises httpx.TransportError.
        """
        self._on_their_way.add(request)
        try:
            return await self._head(request)
        except BaseException:
            self._on_their_way.discard(request)
            raise

    async def _head(self, request: httpx.Request) -> httpx.Response:
        trace: _Trace = request.extensions["trace"]
        await trace("connection.connect_tcp.started", {})
        opening = self._opening(request)
        connection = await self._spares.take() or await _opened(opening)
        try:
            talk = _Talk(connection, request, partial(self._on_their_way.discard, request))
            await trace("http11.send_request_headers.started", {"request": request})
            talk.send()
            self._spares.replenish(opening, in_use=len(self._on_their_way))
            return await talk.head()
        except BaseException:
            connection.abort()
            raise

    def _opening(self, request: httpx.Request) -> Opening:
        url = request.url
        host, port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
        tls = self._tls if url.scheme == "https" else None
        return partial(open_connection, host, port, tls=tls, step_s=request.extensions["timeout"]["connect"])


async def _opened(opening: Opening) -> Connection:
    """A new connection. Raises httpx.TransportError."""
    try:
        return await opening()
    except ssl.SSLError as error:
        raise httpx.ConnectError(str(error)) from error
    except TimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"All connection attempts failed: {error}") from error


class _Talk(httpx.AsyncByteStream):
    """One request and its answer in HTTP/1.1; as a stream, the answer's body. In the end it calls `ended`."""

    def __init__(self, connection: Connection, request: httpx.Request, ended: Callable[[], None]) -> None:
        self._connection = connection
        self._ended = ended
        self._heard: bytearray = request.extensions.get("heard", bytearray())
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
        parts = (
            h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw),
            h11.Data(data=request.content),
            h11.EndOfMessage(),
        )
        try:
            self._bytes = b"".join(filter(None, map(self._parser.send, parts)))
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error

    def send(self) -> None:
        """Have the request sent."""
        self._connection.write(self._bytes)
        self._bytes = b""

    async def head(self) -> httpx.Response:
        """The answer, once its head is there, informational ones left out."""
        while not isinstance(event := await self._next_event(), h11.Response):
            pass
        return httpx.Response(
            event.status_code,
            headers=event.headers.raw_items(),
            stream=self,
            extensions={"reason_phrase": event.reason},
        )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body, as it arrives."""
        while isinstance(event := await self._next_event(), h11.Data):
            yield bytes(event.data)

    async def aclose(self) -> None:
        """The connection is closed, whatever else may have come on it."""
        self._connection.abort()
        self._ended()

    async def _next_event(self) -> object:
        try:
            while (event := self._parser.next_event()) is h11.NEED_DATA:
                self._receive(await self._connection.read())
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        return event

    def _receive(self, data: bytes) -> None:
        if not data and self._parser.their_state is h11.SEND_RESPONSE:
            raise httpx.RemoteProtocolError("the server closed the connection without an answer")
        self._heard += data
        if len(self._heard) > _HEAD_BYTES + END_BYTES:  # what stands behind a body counts as well
            del self._heard[_HEAD_BYTES:-END_BYTES]
        self._parser.receive_data(data)
