"""Responses to Create Exam calls, correct and faulty, as ASGI responses."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final, cast

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from reconciler.sandbox.faults import Effect, Kind
from reconciler.sandbox.ledger import CreatedExam

TRANSPORT: Final = "transport"
"""The key in a request's state under which the server puts the connection's transport."""

_PROXY_PAGE: Final = (
    "<!doctype html><html><head><title>Please wait</title></head>"
    "<body><h1>Please wait</h1><p>A proxy's page, where an answer should be.</p></body></html>"
)
_SLICES: Final = 20
"""The number of pieces in which a slow response is sent."""
_BODILESS: Final = frozenset({204, 205, 304})
# SO_LINGER with a time of zero: closing the socket sends a reset.
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)

ANSWER_FIELDS: Final = (
    "sessionStatus",
    "sid",
    "courseSid",
    "applicationInstallSid",
    "title",
    "bVirtualTitle",
    "type",
    "description",
    "useProctorManager",
    "requireApproval",
    "enableAppointmentSuggestions",
    "url",
    "status",
    "createdDate",
    "editDate",
    "contactUserSid",
    "examDeliverySystemModule",
    "summary",
    "pendingApprovals",
    "openSessionEvents",
    "course",
    "configuration",
    "examSession",
    "instructorName",
    "courseName",
    "totalSessions",
    "needsProctorSessions",
    "scriptName",
    "systemName",
    "isLimitedScope",
    "platformVersion",
)

_ANSWER_DEFAULTS: Final = {"status": "active", "isLimitedScope": False}
_COUNTS_OF_NEW_EXAM: Final = {
    "pendingApprovals": 0,
    "openSessionEvents": 0,
    "totalSessions": 0,
    "needsProctorSessions": 0,
}


class JsonReply(Response):
    """A JSON response."""

    def __init__(self, content: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = b"" if status in _BODILESS else json.dumps(content).encode("ascii")
        super().__init__(data, status, headers, "application/json")


class CutConnection(Response):
    """No response: the connection is closed, or reset, before the first byte."""

    def __init__(self, *, by_reset: bool = False) -> None:
        super().__init__()
        self._by_reset = by_reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """End the connection."""
        del send
        transport = _transport(scope)
        with suppress(OSError):  # a killed client has closed the connection already
            if self._by_reset:
                transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
                )
        transport.abort()
        await _wait_for_disconnect(receive)


class TornReply(JsonReply):
    """A JSON response that ends in the middle of its body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of the body, then end the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _transport(scope).close()
        await _wait_for_disconnect(receive)


def answer_for(exam: CreatedExam) -> dict[str, Any]:
    """Return the documented response for `exam`: every field, with null for unknown values.

    `configuration` is null: the documentation does not say what its text holds, and the password must not be
    returned.
    """
    known = {
        **_ANSWER_DEFAULTS,
        **{name: value for name, value in exam.body.items() if name != "configuration"},
        **_COUNTS_OF_NEW_EXAM,
        "sid": exam.sid,
        "courseSid": exam.course_sid,
        "applicationInstallSid": exam.application_install_sid,
        "createdDate": exam.created_date,
        "editDate": exam.created_date,
    }
    return {name: known.get(name) for name in ANSWER_FIELDS}


def error_answer(status: int, message: str, problems: tuple[Any, ...] = ()) -> JsonReply:
    """Return an error in the sandbox's own form; the documentation shows none."""
    return JsonReply({"error": {"status": status, "message": message, "problems": list(problems)}}, status)


def reply(effect: Effect | None, path: str, store: Callable[[], dict[str, Any]]) -> Response:
    """Return the response to a create at `path`; `store` stores the exam and returns its correct response."""
    if effect is None:
        return JsonReply(store())
    match effect.kind:
        case Kind.THROTTLED | Kind.RATE:
            return _throttled(effect)
        case Kind.REDIRECT:
            return Response(status_code=effect.code, headers={"location": path})
        case Kind.DROP_BEFORE:
            return CutConnection(by_reset=True)
        case Kind.STATUS | Kind.HTML if not effect.stored:
            return _in_place_of({}, effect)
        case _:
            return _in_place_of(store(), effect)


def _in_place_of(answer: dict[str, Any], effect: Effect) -> Response:
    """Return the faulty response that is sent in place of the correct `answer`."""
    match effect.kind:
        case Kind.STATUS:
            return error_answer(effect.code, "the sandbox was told to answer so")
        case Kind.HTML:
            return Response(_PROXY_PAGE, media_type="text/html")
        case Kind.DROP_AFTER:
            return CutConnection()
        case Kind.NO_SID:
            return JsonReply({**answer, "sid": None})
        case Kind.TRUNCATED:
            return TornReply(answer)
        case _:
            return _slow(answer, effect.seconds)


def _throttled(effect: Effect) -> Response:
    reply = error_answer(429, "too many requests")
    if effect.retry_after_s is not None:
        moment = datetime.now(UTC) + timedelta(seconds=effect.retry_after_s)
        header = format_datetime(moment, usegmt=True) if effect.as_date else str(effect.retry_after_s)
        reply.headers["retry-after"] = header
    return reply


def _slow(answer: dict[str, Any], seconds: float) -> Response:
    """Return `answer` as a response whose body takes `seconds` to send."""
    data = json.dumps(answer).encode("ascii")
    step = max(1, len(data) // _SLICES)
    slices = [data[start : start + step] for start in range(0, len(data), step)]

    async def trickle() -> AsyncIterator[bytes]:
        for piece in slices:
            await asyncio.sleep(seconds / len(slices))
            yield piece

    return StreamingResponse(
        trickle(), media_type="application/json", headers={"content-length": str(len(data))}
    )


def _transport(scope: Scope) -> asyncio.Transport:
    return cast("asyncio.Transport", scope["state"][TRANSPORT])


async def _wait_for_disconnect(receive: Receive) -> None:
    # uvicorn logs an unfinished response as an error unless it has seen the disconnect.
    while (await receive())["type"] != "http.disconnect":
        pass
