"""One exchange: a request on a connection of its own, and what arrived on it.

A connection carries one request in its life. So no answer can be taken for that of another exam, whatever a
server or proxy sends unasked, and no connection can be closed under a request because it had idled (how far
one may be opened ahead, `spares` says). httpcore keeps what follows an answer in the connection's buffer and
takes it for the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx
from msgspec.structs import replace

from reconciler.api.answers import Answer
from reconciler.api.bodies import Kept, decode, read_body
from reconciler.api.spellings import text_of

Line: TypeAlias = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""Sends one request and gives the head of its answer, telling the request's `trace` as httpcore does."""

_BEGINS_TO_CONNECT = (".connect_tcp.started", ".start_tls.started")


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One try at one request, to be posted once.

    `is_connecting` is True only while the transport said that it connects (TCP, a proxy's tunnel, TLS) and
    has not yet begun the request, which it says before the first byte of it is written. Exceptions tell less:
    ConnectError, ConnectTimeout and ProxyError do come before that byte (from connect_tcp, start_tls and the
    answer to CONNECT alone), but so may those that a lost answer raises, where a tunnel is cut.
    `heard` is what came first and last on the connection, as far as the transport tells.
    """

    connect_s: float
    answer_s: float
    is_connecting: bool = False
    heard: bytearray = field(default_factory=bytearray)
    _deadline: asyncio.Timeout = field(init=False)

    async def send(self, line: Line, request: httpx.Request) -> Answer:
        """What arrived. Raises anything if that holds no status line, TimeoutError if it takes too long.

        There are `connect_s` to connect, then `answer_s` for the head of an answer, and as long for its body.
        """
        request.extensions["trace"] = self._note
        request.extensions["heard"] = self.heard
        async with asyncio.timeout(self.connect_s) as self._deadline:
            response = await line(request)
        kept = Kept()
        try:
            fault = await read_body(response, kept, within_s=self.answer_s)
        finally:
            with suppress(Exception):  # what came stands, however the connection ends
                await response.aclose()
        headers = tuple((text_of(name).lower(), text_of(value)) for name, value in response.headers.raw)
        phrase = text_of(response.extensions.get("reason_phrase", b""))
        answer = Answer(
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

    async def _note(self, step: str, details: Mapping[str, object]) -> None:
        """Called by the transport before each of its steps; by httpcore after each as well."""
        method = getattr(details.get("request"), "method", None)
        if method is None:
            self.is_connecting = self.is_connecting or step.endswith(_BEGINS_TO_CONNECT)
        elif method == b"CONNECT":
            self.is_connecting = True
        else:
            self.is_connecting = False
            if step.endswith(".send_request_headers.started"):
                self._deadline.reschedule(asyncio.get_running_loop().time() + self.answer_s)
