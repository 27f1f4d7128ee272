"""One exchange: a request on a connection of its own, and what arrived on it.

A connection carries one request in its life. So no answer can be taken for that of another exam, whatever a
server or proxy sends unasked, and no connection can be closed under a request because it had idled. httpcore
would keep what follows an answer in the connection's buffer, and take it for the next one.

What httpcore does by itself was read in its source, and tests/faults tries it against real sockets: it tries
again only what met a busy connection, before the first byte (ConnectionNotAvailable), which a transport with
one connection for one request never has; its `retries` (0 here) are for connecting; and after a failed write
it goes on to read an answer that may have come early.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

import httpx
from msgspec.structs import replace

from reconciler.service.answers import ReceivedAnswer
from reconciler.service.bodies import END_BYTES, Kept, decode, read_body
from reconciler.service.decodings import text_of

_HEAD_BYTES: Final = 100 * 1024  # of the head of an answer h11 takes as much
_CONNECTS: Final = (".connect_tcp.started", ".start_tls.started")
_IS_CONNECTED: Final = (".connect_tcp.complete", ".start_tls.complete")

if find_spec("sniffio") is None:
    # httpcore looks for it six times in a request. To search the disk in vain is a quarter of its work.
    sys.modules["sniffio"] = None  # type: ignore[assignment] # that it is absent is then known


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One try at one request, to be sent once, within `connect_s` to connect and `answer_s` to answer.

    `was_not_sent` is True only from when the transport says that it connects (TCP, a proxy's tunnel, TLS)
    until it begins the request, which it says before the first byte of it is written. Exceptions tell less:
    ConnectError, ConnectTimeout and ProxyError do come before that byte, but so may those that a lost answer
    raises, where a tunnel is cut. `heard` is what came first and last on the connection.
    """

    connect_s: float
    answer_s: float
    was_not_sent: bool = False
    heard: bytearray = field(default_factory=bytearray)
    _deadline: asyncio.Timeout = field(init=False)

    async def send(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> ReceivedAnswer:
        """Send `request` and return what arrived; `transport` is used for nothing else, and closed.

        Raises anything if what arrived holds no status line, TimeoutError if it takes too long. The head of
        an answer may take `answer_s`, and its body as long again.
        """
        request.extensions["trace"] = self._note
        try:
            async with asyncio.timeout(self.connect_s) as self._deadline:
                response = await transport.handle_async_request(request)
            kept = Kept()
            fault = await read_body(response, kept, within_s=self.answer_s)
        finally:
            with suppress(Exception):  # what came stands, however the connection ends
                await transport.aclose()
        headers = tuple((text_of(name).lower(), text_of(value)) for name, value in response.headers.raw)
        phrase = text_of(response.extensions.get("reason_phrase", b""))
        answer = ReceivedAnswer(
            status=response.status_code,
            headers=(*headers, ("", phrase)),
            body=kept.start,
            end=b"\n".join((kept.end, self.heard)),
            fault=fault,
        )
        if fault:
            return answer
        body, fault = decode(kept.start, answer.header("content-encoding") or "")
        return replace(answer, body=body, fault=fault)

    async def _note(self, step: str, details: Mapping[str, Any]) -> None:
        """Follow the transport, which calls this before and after each of its steps."""
        if step.endswith(_CONNECTS):
            self.was_not_sent = True
        elif step.endswith(_IS_CONNECTED):
            self._attach(details["return_value"])
        elif step.endswith(".send_request_headers.started") and details["request"].method != b"CONNECT":
            await self._begin()

    async def _begin(self) -> None:
        """Let the request be sent: a connection stands, and not a byte has left.

        Nothing is sent if this raises, and the connection is closed. It is the one place for a last look.
        """
        self._deadline.reschedule(asyncio.get_running_loop().time() + self.answer_s)
        self.was_not_sent = False

    def _attach(self, stream: Any) -> None:
        """Keep what comes on `stream`, and have a request leave on it in one write.

        httpx shows neither a head that nobody can read, nor what stands around a body, such as trailers.
        """
        read, write = stream.read, stream.write
        unsent = bytearray()
        self.heard.clear()  # a proxy may have said something before

        async def keeping(max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
            data: bytes = await read(max_bytes, timeout)
            self.heard += data
            if len(self.heard) > _HEAD_BYTES + END_BYTES:
                del self.heard[_HEAD_BYTES:-END_BYTES]
            return data

        async def joining(data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
            is_head = not unsent
            unsent.extend(data)
            if not is_head:
                await write(bytes(unsent), timeout)
                unsent[:] = b""

        stream.read, stream.write = keeping, joining
