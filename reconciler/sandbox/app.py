"""The sandbox as an ASGI application: the documented call, and paths of its own.

    POST /v1/installs/{installSid}/courses/{courseSid}/exams    the vendor's, as documented

What follows is the sandbox's own and no part of the vendor's API:

    GET /                     a page for a browser
    GET /exams.json           {"count", "requests", "exams": [{"sid", "applicationInstallSid", "courseSid",
                              "createdDate", "body"}]}, the oldest first; `requests` counts every POST
    GET, PUT, DELETE /faults  {"faults": [SPEC, …]}; PUT takes a JSON list of specs, and counts begin anew
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
    """The service: what it holds, and how it answers."""

    def __init__(
        self, *, ledger: Ledger, faults: FaultSchedule, validator: Validator, token: str | None
    ) -> None:
        self.ledger = ledger
        self.faults = faults
        self.requests = 0
        self._validator = validator
        self._token = token

    async def create(self, request: Request) -> Response:
        """Answer one Create Exam call, well or as the faults in force want it."""
        self.requests += 1
        data = await _body(request)
        drawn = self.faults.draw(title_of(data))
        if drawn.delay_s:
            await asyncio.sleep(drawn.delay_s)
        return reply(drawn.effect, request.url.path, lambda: answer_for(self._store(request, data)))

    async def page(self, request: Request) -> Response:
        """Show the exams to a person."""
        del request
        return HTMLResponse(
            render_page(self.ledger.exams, self.faults.faults, self.requests), headers=HEADERS
        )

    async def exams(self, request: Request) -> Response:
        """List the exams for a test."""
        del request
        exams = [exam.as_json() for exam in self.ledger.exams]
        return JsonReply({"count": len(exams), "requests": self.requests, "exams": exams})

    async def show_faults(self, request: Request) -> Response:
        """List the faults in force."""
        del request
        return JsonReply({"faults": [fault.spec for fault in self.faults.faults]})

    async def set_faults(self, request: Request) -> Response:
        """Put other faults in force, all of them or none."""
        specs = parse_json(await _body(request))
        if not (isinstance(specs, list) and all(isinstance(spec, str) for spec in specs)):
            raise Refusal(400, "the body must be a JSON list of fault specs, each a string")
        try:
            self.faults.replace([parse_fault(spec) for spec in specs])
        except ValueError as error:
            raise Refusal(400, str(error)) from error
        return await self.show_faults(request)

    async def clear_faults(self, request: Request) -> Response:
        """Behave from now on."""
        self.faults.replace([])
        return await self.show_faults(request)

    def _store(self, request: Request, data: bytes) -> CreatedExam:
        """Raises Refusal for what the documentation does not allow."""
        check_token(request.headers.get("token"), self._token)
        install_sid, course_sid = request.path_params["installSid"], request.path_params["courseSid"]
        check_path(install_sid, course_sid)
        check_content_type(request.headers.get("content-type"))
        return self.ledger.add(install_sid, course_sid, check_body(parse_json(data), self._validator))


def build_app(sandbox: Sandbox, host: str) -> Starlette:
    """`sandbox` as an application that answers to loopback names and `host` only.

    Names are checked so that no web page can read the sandbox through a name of its own that leads here.
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
    """The request's body. Raises Refusal for one that is too large."""
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
