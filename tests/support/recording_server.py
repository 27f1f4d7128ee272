"""A server that records each request, and answers as a test decides."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class Request:
    """One request as it came, and the SID of its answer."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    sid: str


class RecordingServer:
    """A server on loopback. `respond(request)` returns status, headers and body (default: 200, the SID)."""

    def __init__(self):
        self.requests = []
        self.respond = lambda request: (200, {}, json.dumps({"sid": request.sid}).encode())
        self._lock = threading.Lock()
        recording = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                recording._answer(self)

            def log_message(self, *_):
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self):
        """Return the base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        headers = {key.lower(): value for key, value in handler.headers.items()}
        with self._lock:
            sid = f"EX{len(self.requests) + 1:032x}"
            request = Request(handler.command, handler.path, headers, body, sid)
            self.requests.append(request)
        status, more, data = self.respond(request)
        handler.send_response(status)
        handler.send_header("content-length", str(len(data)))
        for key, value in more.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(data)
