"""A proxy on loopback before a store that speaks HTTP: it makes that fail, forget, lie or take its time.

A fault is a function of one `Exchange`; those at the end of this module are the common ones.
`proxy.meet(fault)` puts it in the way of every request that fits, or only of the n-th one.
"""

import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

_METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "LOCK", "UNLOCK")
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass
class Answer:
    """What a server, or the proxy in its place, says."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class Exchange:
    """One request on its way through the proxy. A fault may change `headers` and `body` before it goes on."""

    def __init__(self, handler, upstream):
        self.method = handler.command
        self.path = handler.path
        self.headers = dict(handler.headers.items())
        self.body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        self._handler = handler
        self._upstream = upstream

    def forward(self):
        """What the store answers."""
        connection = http.client.HTTPConnection(*self._upstream, timeout=30)
        try:
            kept = {name: text for name, text in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(self.method, self.path, self.body or None, kept)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def reply(self, answer):
        """Send `answer` to the client."""
        handler = self._handler
        handler.send_response(answer.status)
        for name, text in answer.headers:
            if name.lower() not in _HOP_BY_HOP:
                handler.send_header(name, text)
        handler.send_header("content-length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def cut(self):
        """Hang up without an answer."""
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_RDWR)


Fault = Callable[[Exchange], None]


@dataclass
class _Rule:
    """Where a fault meets requests: the `nth` one that fits and all after it, `times` in all."""

    fault: Fault
    method: str | None
    path: re.Pattern[str]
    nth: int
    times: float
    seen: int = 0

    def fits(self, exchange):
        """Whether `exchange` meets the fault; it counts as seen."""
        if self.method not in {None, exchange.method} or not self.path.search(exchange.path):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class FaultProxy:
    """The proxy. `requests` keeps the method and path of each request that came."""

    def __init__(self, port, *, host="127.0.0.1"):
        self.requests = []
        self._rules = []
        self._alone = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _relay(self):
                proxy._relay(Exchange(self, (host, port)))

            def handle_one_request(self):
                with contextlib.suppress(OSError):
                    super().handle_one_request()

            def log_message(self, *_):
                """Keep quiet."""

        for method in _METHODS:
            setattr(Handler, f"do_{method}", Handler._relay)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self):
        """Where it listens."""
        return self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def meet(self, fault, *, method=None, path="", nth=1, times=float("inf")):
        """From now on let `fault` act on requests of this method whose path holds the pattern `path`.

        It acts on the `nth` of them and, `times` in all, on those that follow. Earlier rules go first.
        """
        with self._alone:
            self._rules.append(_Rule(fault, method, re.compile(path), nth, times))

    def heal(self):
        """Forget all faults and all requests."""
        with self._alone:
            self._rules.clear()
            self.requests.clear()

    def _relay(self, exchange):
        with self._alone:
            self.requests.append((exchange.method, exchange.path))
            fitting = [rule.fault for rule in self._rules if rule.fits(exchange)]
        (fitting[0] if fitting else through)(exchange)


def through(exchange):
    """No fault."""
    exchange.reply(exchange.forward())


def answering(status, body=b"", **headers):
    """The store is not asked; a name in `headers` is written with underscores."""
    spelled = [(name.replace("_", "-"), text) for name, text in headers.items()]
    return lambda exchange: exchange.reply(Answer(status, spelled, body))


def sign_in_page(exchange):
    """A page for people, with success, from something that stands in between."""
    exchange.reply(Answer(200, [("content-type", "text/html")], b"<html><p>Please sign in</p></html>"))


def cut_before(exchange):
    """The connection ends, and the store never hears of it."""
    exchange.cut()


def cut_after(exchange):
    """The store does it, and its answer is lost."""
    exchange.forward()
    exchange.cut()


def failing_after(status):
    """The store does it, and something in between answers with an error."""

    def fault(exchange):
        exchange.forward()
        exchange.reply(Answer(status))

    return fault


def slow(seconds):
    """The store takes its time."""

    def fault(exchange):
        time.sleep(seconds)
        through(exchange)

    return fault


class Late:
    """A fault: the connection ends at once, and the store hears of the request when `arrive` is called."""

    def __init__(self):
        self._due = threading.Event()
        self._done = threading.Event()

    def __call__(self, exchange):
        """The fault itself."""
        exchange.cut()
        self._due.wait(30)
        exchange.forward()
        self._done.set()

    def arrive(self):
        """Return once the store has answered."""
        self._due.set()
        assert self._done.wait(30)


def forgetting(*names):
    """These headers are lost on the way."""

    def fault(exchange):
        exchange.headers = {
            name: text for name, text in exchange.headers.items() if name.lower() not in names
        }
        through(exchange)

    return fault
