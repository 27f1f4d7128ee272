"""The HTTP server around the application: listening, stopping on signals, logging requests."""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Any, Final

import uvicorn
from jsonschema.validators import validator_for
from msgspec import Struct
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.sandbox.app import Sandbox, build_app
from reconciler.sandbox.fault_schedule import FaultSchedule
from reconciler.sandbox.faults import parse_fault
from reconciler.sandbox.ledger import open_ledger
from reconciler.sandbox.replies import TRANSPORT
from reconciler.sandbox.settings import SandboxUnusable, Settings, check_settings
from reconciler.schemas import load

_PATIENCE_S: Final = 1
"""How many seconds unfinished responses may take after the sandbox is told to stop."""


class RunningSandbox(Struct, frozen=True, kw_only=True):
    """A sandbox with its server. `url` is its base URL, without a final slash."""

    service: Sandbox
    url: str
    server: "SandboxServer"
    listener: socket.socket

    @property
    def created(self) -> list[dict[str, Any]]:
        """The exams created so far, oldest first, as in `/exams.json`."""
        return [exam.as_json() for exam in self.service.ledger.exams]

    @property
    def requests(self) -> int:
        """The number of Create Exam calls so far, including refused and dropped ones."""
        return self.service.requests

    def misbehave(self, *specs: str) -> None:
        """Replace the active faults by those of `specs`; without arguments, remove all.

        Raises ValueError for an invalid spec.
        """
        self.service.faults.replace([parse_fault(spec) for spec in specs])

    def serve(self) -> None:
        """Serve until `stop` is called."""
        self.server.run(sockets=[self.listener])

    def stop(self) -> None:
        """Make `serve` return soon. May be called from any thread."""
        self.server.should_exit = True


class SandboxServer(uvicorn.Server):
    """uvicorn's server, which calls `on_listening` once it accepts requests."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept requests, then call `on_listening`."""
        await super().startup(sockets)
        self._on_listening()


class _Protocol(H11Protocol):
    """uvicorn's HTTP protocol; it also puts the connection's transport into the request's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as its base has it
        super().connection_made(transport)
        # asyncio sets this only for sockets created with an explicit protocol, unlike this listener. Without
        # it each response body waits 40 ms for the acknowledgement of the head.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, TRANSPORT: transport}


def run(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM and return 0; return 1 if the sandbox cannot start."""
    try:
        with opened(settings, lambda url: _say(f"listening on {url}")) as made, _stopped_by_signals(made):
            made.serve()
    except SandboxUnusable as error:
        _say(f"error: {error}")
        return 1
    return 0


@contextmanager
def opened(settings: Settings, on_listening: Callable[[str], None]) -> Iterator[RunningSandbox]:
    """Open a sandbox that is ready to serve; `on_listening` is called with its URL once it serves.

    Raises SandboxUnusable if `settings`, the store or the address are unusable.
    """
    check_settings(settings)
    with open_ledger(settings.store) as ledger, closing(_listener(settings)) as listener:
        url = _url(listener)
        schema = load("create-exam")
        service = Sandbox(
            ledger=ledger,
            faults=FaultSchedule(settings.faults),
            validator=validator_for(schema)(schema),
            token=settings.token,
        )
        app = _Outermost(build_app(service, settings.host), verbose=settings.verbose)
        server = SandboxServer(_config(app), lambda: on_listening(url))
        yield RunningSandbox(service=service, url=url, server=server, listener=listener)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        # The application logs its own errors; the others come from requested faults.
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE_S,
    )


def _listener(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise SandboxUnusable(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; "
            "with port 0 a free one is chosen"
        ) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _stopped_by_signals(sandbox: RunningSandbox) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        sandbox.stop()

    # uvicorn raises the signals again at its end; they must not kill the process then.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Outermost:
    """Ends the responses that a stopping server abandons, and logs a line per request if `verbose`."""

    def __init__(self, app: ASGIApp, *, verbose: bool) -> None:
        self._app = app
        self._verbose = verbose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began_s = time.monotonic()
        status = "no answer"

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except asyncio.CancelledError:
            scope["state"][TRANSPORT].abort()
        if self._verbose:
            path = scope["raw_path"].decode("ascii", "backslashreplace")
            _say(f"{scope['method']} {path} {status} in {(time.monotonic() - began_s) * 1000:.0f} ms")


def _say(line: str) -> None:
    sys.stderr.write(f"sandbox: {line}\n")
    sys.stderr.flush()
