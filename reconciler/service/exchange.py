"""One request on its own connection, and the response that arrived.

Each connection carries one request only. On a shared connection, httpcore keeps the bytes after a response
in a buffer and reads them as the next response, which would be taken for another exam. And a server may close
an idle connection just when a request is sent on it.

httpcore never resends a request here; this was read in its source, and tests/faults tries it with real
sockets. It retries a request only if its connection was busy (ConnectionNotAvailable), which does not happen
with one request per connection. Its `retries` (0 here) are for connecting. After a failed write it still
reads a response that the server may have sent early.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

import httpx
from msgspec.structs import replace

from reconciler.service.answers import ReceivedAnswer
from reconciler.service.bodies import END_BYTES, Kept, decode, read_body
from reconciler.service.decodings import text_of

_HEAD_BYTES: Final = 100 * 1024  # h11 accepts a response head of this size
_CONNECTS: Final = (".connect_tcp.started", ".start_tls.started")
_IS_CONNECTED: Final = (".connect_tcp.complete", ".start_tls.complete")

if find_spec("sniffio") is None:
    # httpcore tries to import it six times in a request, which takes a quarter of its time.
    sys.modules["sniffio"] = None  # type: ignore[assignment] # makes the import fail at once


class CalledOff(Exception):
    """The request must not be sent any more; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One try at one request: `connect_s` is the limit to connect, `answer_s` to receive the response head.

    `look` is called between the two. If it returns a reason, CalledOff is raised and nothing is sent.
    `was_not_sent` is True from the moment that the transport starts to connect (TCP, a proxy's tunnel, TLS)
    until it starts to write the request; the transport reports both by trace events. The kind of exception is
    not enough to tell: one after the request was sent can look like one of a broken tunnel. `heard` holds the
    first and last bytes that arrived on the connection.
    """

    connect_s: float
    answer_s: float
    look: Callable[[], str | None]
    was_not_sent: bool = False
    heard: bytearray = field(default_factory=bytearray)
    _deadline: asyncio.Timeout = field(init=False)

    async def send(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> ReceivedAnswer:
        """Send `request` over `transport`, close it, and return the response.

        Raises TimeoutError after `answer_s` without a response head, and any other exception if no readable
        head arrives. The body may take `answer_s` again.
        """
        request.extensions["trace"] = self._note
        try:
            async with asyncio.timeout(self.connect_s) as self._deadline:
                response = await transport.handle_async_request(request)
            kept = Kept()
            fault = await read_body(response, kept, within_s=self.answer_s)
        finally:
            with suppress(Exception):  # an error of closing does not change what arrived
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
        """Handle a trace event; httpcore sends one before and after each of its steps."""
        if step.endswith(_CONNECTS):
            self.was_not_sent = True
        elif step.endswith(_IS_CONNECTED):
            self._attach(details["return_value"])
        elif step.endswith(".send_request_headers.started") and details["request"].method != b"CONNECT":
            await self._begin()

    async def _begin(self) -> None:
        """Allow the request: the connection is open, and no byte of the request was sent.

        If this raises, nothing is sent and the connection is closed.
        """
        if (reason := self.look()) is not None:
            raise CalledOff(reason)
        self._deadline.reschedule(asyncio.get_running_loop().time() + self.answer_s)
        self.was_not_sent = False

    def _attach(self, stream: Any) -> None:
        """Keep the bytes that arrive on `stream`, and send the request's head and body in one write.

        The bytes are needed because httpx shows neither a malformed head nor what surrounds a body. A process
        that is stopped between two writes would send the rest whenever it goes on, without another look.
        """
        read, write = stream.read, stream.write
        unsent = bytearray()
        self.heard.clear()  # drops what a proxy sent before

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
