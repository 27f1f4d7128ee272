"""The sandbox as an ASGI application: the documented call, and some paths for people and tests.

    POST /v1/installs/{installSid}/courses/{courseSid}/exams    the vendor's, as documented

The other paths are not part of the vendor's API:

    GET /                     a page for a browser
    GET /exams.json           {"count", "requests", "exams": [{"sid", "applicationInstallSid", "courseSid",
                              "createdDate", "body"}]}, oldest first; `requests` counts every POST
    GET, PUT, DELETE /faults  {"faults": [SPEC, …]}; PUT takes a JSON list of specs and resets the counts
"""

import asyncio
import logging
from typing import Final, cast

from jsonschema.protocols import Validator
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from reconciler.sandbox.contract import (
    MAX_BODY_BYTES,
    Refusal,
    check_body,
    check_content_type,
    check_path,
    check_token,
    parse_json,
    title_of,
)
from reconciler.sandbox.fault_schedule import FaultSchedule
from reconciler.sandbox.faults import parse_fault
from reconciler.sandbox.ledger import CreatedExam, Ledger
from reconciler.sandbox.page import HEADERS, render_page
from reconciler.sandbox.replies import JsonReply, answer_for, error_answer, reply

_CREATE_PATH: Final = "/v1/installs/{installSid}/courses/{courseSid}/exams"
_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
_LOG: Final = logging.getLogger("reconciler.sandbox")


class Sandbox:
    """The service: its exams, its faults, and a method for each path."""

    def __init__(
        self, *, ledger: Ledger, faults: FaultSchedule, validator: Validator, token: str | None
    ) -> None:
        self.ledger = ledger
        self.faults = faults
        self.requests = 0
        self._validator = validator
        self._token = token

    async def create(self, request: Request) -> Response:
        """Answer one Create Exam call, as documented or with the fault that applies."""
        self.requests += 1
        data = await _body(request)
        drawn = self.faults.draw(title_of(data))
        if drawn.delay_s:
            await asyncio.sleep(drawn.delay_s)
        return reply(drawn.effect, request.url.path, lambda: answer_for(self._store(request, data)))

    async def page(self, request: Request) -> Response:
        """Return the page with the exams, for people."""
        del request
        return HTMLResponse(
            render_page(self.ledger.exams, self.faults.faults, self.requests), headers=HEADERS
        )

    async def exams(self, request: Request) -> Response:
        """Return the exams as JSON, for tests."""
        del request
        exams = [exam.as_json() for exam in self.ledger.exams]
        return JsonReply({"count": len(exams), "requests": self.requests, "exams": exams})

    async def show_faults(self, request: Request) -> Response:
        """Return the active faults."""
        del request
        return JsonReply({"faults": [fault.spec for fault in self.faults.faults]})

    async def set_faults(self, request: Request) -> Response:
        """Replace the active faults; an invalid spec changes nothing."""
        specs = parse_json(await _body(request))
        if not (isinstance(specs, list) and all(isinstance(spec, str) for spec in specs)):
            raise Refusal(400, "the body must be a JSON list of fault specs, each a string")
        try:
            self.faults.replace([parse_fault(spec) for spec in specs])
        except ValueError as error:
            raise Refusal(400, str(error)) from error
        return await self.show_faults(request)

    async def clear_faults(self, request: Request) -> Response:
        """Remove all faults."""
        self.faults.replace([])
        return await self.show_faults(request)

    def _store(self, request: Request, data: bytes) -> CreatedExam:
        """Create the exam and return it. Raises Refusal if the documentation does not allow the request."""
        check_token(request.headers.get("token"), self._token)
        install_sid, course_sid = request.path_params["installSid"], request.path_params["courseSid"]
        check_path(install_sid, course_sid)
        check_content_type(request.headers.get("content-type"))
        return self.ledger.add(install_sid, course_sid, check_body(parse_json(data), self._validator))


def build_app(sandbox: Sandbox, host: str) -> Starlette:
    """Return `sandbox` as an application that accepts only loopback names and `host` as Host header.

    Otherwise a web page could read the sandbox through a domain that resolves to loopback (DNS rebinding).
    """
    app = Starlette(
        routes=[
            Route(_CREATE_PATH, sandbox.create, methods=["POST"]),
            Route("/", sandbox.page, methods=["GET"]),
            Route("/exams.json", sandbox.exams, methods=["GET"]),
            Route("/faults", sandbox.show_faults, methods=["GET"]),
            Route("/faults", sandbox.set_faults, methods=["PUT"]),
            Route("/faults", sandbox.clear_faults, methods=["DELETE"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=sorted({*_HOSTS, host}), www_redirect=False)
        ],
        exception_handlers={Refusal: _refused, HTTPException: _not_served, Exception: _crashed},
    )
    app.router.redirect_slashes = False
    return app


async def _body(request: Request) -> bytes:
    """Return the request's body. Raises Refusal if it is too large or incomplete."""
    data = bytearray()
    try:
        async for piece in request.stream():
            data += piece
            if len(data) > MAX_BODY_BYTES:
                raise Refusal(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
    except ClientDisconnect as error:
        raise Refusal(400, "the body ended early") from error
    return bytes(data)


async def _refused(request: Request, error: Exception) -> Response:
    del request
    refusal = cast("Refusal", error)
    return error_answer(refusal.status, refusal.message, refusal.problems)


async def _not_served(request: Request, error: Exception) -> Response:
    wrong = cast("HTTPException", error)
    reply = error_answer(wrong.status_code, f"the sandbox does not serve {request.method} on this path")
    reply.headers.update(wrong.headers or {})
    return reply


async def _crashed(request: Request, error: Exception) -> Response:
    del request
    _LOG.error("the sandbox failed", exc_info=error)
    return error_answer(500, "the sandbox failed; its log says how")
