"""A proxy on loopback in front of an HTTP store, which makes requests fail, get lost or take long.

A fault is a function of one `Exchange`; the common ones are at the end of this module.
`proxy.meet(fault)` applies it to every matching request, or only to the n-th one.
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
    """An answer of the store, or of the proxy instead."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class Exchange:
    """A request in the proxy. A fault may change `headers` and `body` before it calls `forward`."""

    def __init__(self, handler, upstream):
        self.method = handler.command
        self.path = handler.path
        self.headers = dict(handler.headers.items())
        self.body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        self._handler = handler
        self._upstream = upstream

    def forward(self):
        """Send the request to the store and return its answer."""
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
        """Close the connection without an answer."""
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_RDWR)


Fault = Callable[[Exchange], None]


@dataclass
class _Rule:
    """A fault and its requests: the `nth` matching one and those after it, `times` in all."""

    fault: Fault
    method: str | None
    path: re.Pattern[str]
    nth: int
    times: float
    seen: int = 0

    def fits(self, exchange):
        """Return whether the fault applies to `exchange`, and count `exchange` if it matches."""
        if self.method not in {None, exchange.method} or not self.path.search(exchange.path):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class FaultProxy:
    """The proxy. `requests` has the method and path of each request that it received."""

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
                """Log nothing."""

        for method in _METHODS:
            setattr(Handler, f"do_{method}", Handler._relay)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self):
        """Return the port on which it listens."""
        return self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def meet(self, fault, *, method=None, path="", nth=1, times=float("inf")):
        """Apply `fault` to requests of this method whose path matches the pattern `path`, from now on.

        It applies to the `nth` of them and to the following ones, `times` in all. Earlier rules win.
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
    """Pass the request to the store and its answer to the client."""
    exchange.reply(exchange.forward())


def answering(status, body=b"", **headers):
    """Return a fault that answers instead of the store; names in `headers` have underscores for hyphens."""
    spelled = [(name.replace("_", "-"), text) for name, text in headers.items()]
    return lambda exchange: exchange.reply(Answer(status, spelled, body))


def sign_in_page(exchange):
    """Answer with status 200 and an HTML page, as a captive portal does."""
    exchange.reply(Answer(200, [("content-type", "text/html")], b"<html><p>Please sign in</p></html>"))


def cut_before(exchange):
    """Close the connection; the store never gets the request."""
    exchange.cut()


def cut_after(exchange):
    """Let the store carry out the request, and close the connection instead of answering."""
    exchange.forward()
    exchange.cut()


def failing_after(status):
    """Return a fault: the store carries out the request, and the proxy answers with the error `status`."""

    def fault(exchange):
        exchange.forward()
        exchange.reply(Answer(status))

    return fault


def slow(seconds):
    """Return a fault that delays the request by `seconds`."""

    def fault(exchange):
        time.sleep(seconds)
        through(exchange)

    return fault


class Late:
    """A fault: the connection closes at once, and the store gets the request when `arrive` is called."""

    def __init__(self):
        self._due = threading.Event()
        self._done = threading.Event()

    def __call__(self, exchange):
        """Close the connection; forward the request after `arrive` was called."""
        exchange.cut()
        self._due.wait(30)
        exchange.forward()
        self._done.set()

    def arrive(self):
        """Let the request reach the store, and return once the store has answered."""
        self._due.set()
        assert self._done.wait(30)


def forgetting(*names):
    """Return a fault that removes these headers from the request."""

    def fault(exchange):
        exchange.headers = {
            name: text for name, text in exchange.headers.items() if name.lower() not in names
        }
        through(exchange)

    return fault


def twice(exchange):
    """Send the request to the store twice, and give the second answer."""
    exchange.forward()
    through(exchange)
