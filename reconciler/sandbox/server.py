"""The server around the application: listening, signals, the line a request."""

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
"""How long answers in the making may take once the sandbox is told to stop."""


class RunningSandbox(Struct, frozen=True, kw_only=True):
    """A sandbox with its server and address. `url` is its base URL, without a slash at its end."""

    service: Sandbox
    url: str
    server: "SandboxServer"
    listener: socket.socket

    @property
    def created(self) -> list[dict[str, Any]]:
        """The exams created so far, the oldest first, as `/exams.json` lists them."""
        return [exam.as_json() for exam in self.service.ledger.exams]

    @property
    def requests(self) -> int:
        """How many Create Exam calls have come in, the refused and the dropped included."""
        return self.service.requests

    def misbehave(self, *specs: str) -> None:
        """Put the faults of `specs` in force instead of any others; none makes it behave.

        Raises ValueError for a spec that is none.
        """
        self.service.faults.replace([parse_fault(spec) for spec in specs])

    def serve(self) -> None:
        """Serve until `stop`."""
        self.server.run(sockets=[self.listener])

    def stop(self) -> None:
        """Make `serve` return soon; from any thread."""
        self.server.should_exit = True


class SandboxServer(uvicorn.Server):
    """uvicorn's server, which calls back once it accepts requests."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept requests, then call back."""
        await super().startup(sockets)
        self._on_listening()


class _Protocol(H11Protocol):
    """HTTP as uvicorn speaks it; a request's state also holds its connection's transport, to be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as its base has it
        super().connection_made(transport)
        # asyncio does this only for sockets that name their protocol, which a listener of our own does not;
        # without it each answer's body waits 40 ms for the acknowledgement of its head.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, TRANSPORT: transport}


def run(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM; 0 then, and 1 where the sandbox could not begin."""
    try:
        with opened(settings, lambda url: _say(f"listening on {url}")) as made, _stopped_by_signals(made):
            made.serve()
    except SandboxUnusable as error:
        _say(f"error: {error}")
        return 1
    return 0


@contextmanager
def opened(settings: Settings, on_listening: Callable[[str], None]) -> Iterator[RunningSandbox]:
    """Give a sandbox that is ready to serve; `on_listening` is called with its URL once it does.

    Raises SandboxUnusable where `settings`, the store or the address cannot be used.
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
        # What goes wrong in the application is logged there; the rest tells of faults that were asked for.
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

    # uvicorn raises the signals again when it is done; by then they must not kill a process that ended well.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Outermost:
    """Ends answers quietly that a stopping server gives up, and says a line a request where asked."""

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
