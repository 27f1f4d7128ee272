"""An HTTP server on loopback over `git http-backend`, with a password, and optionally TLS and faults."""

import base64
import os
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from git_repositories import GIT

USER, PASSWORD = "ci", "pass-phrase-of-ci"
_LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def knowing_the_password():
    """Return the variables that give git the password, through a helper as in docs/stores/git.md."""
    helper = f'!f() {{ test "$1" = get && echo username={USER} && echo "password=$STATE_TOKEN"; }}; f'
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": helper,
        "STATE_TOKEN": PASSWORD,
    }


class GitServer(ThreadingHTTPServer):
    """Serves the repositories below a folder. `misbehave` is called before each request is answered.

    It gets the handler and the service (receive-pack or upload-pack), and returns True if it has answered
    the request itself.
    """

    daemon_threads = True
    block_on_close = True

    def __init__(self, root, *, tls=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.scheme = "http" if tls is None else "https"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.misbehave = lambda _handler, _service: False
        self.requests = []

    @property
    def address(self):
        """Return the beginning of state URLs on this server."""
        return f"git+{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Ignore errors: clients hang up, and refuse certificates."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._serve(b"")

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._serve(body)

    def _serve(self, body):
        path, _, query = self.path.partition("?")
        service = path.rpartition("/")[2] if self.command == "POST" else query
        self.body = body
        self.server.requests.append((self.command, service))
        if self.headers.get("Authorization") != _LOGIN:
            self.answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"who are you?")
        elif not self.server.misbehave(self, service):
            self.answer(*self.ask_git(path, query, body))

    def ask_git(self, path, query, body):
        """Return status, headers and body of the answer of `git http-backend`."""
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_USER": USER,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            [GIT, "http-backend"], input=body, env=environ, capture_output=True, check=False
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        status = int(headers.pop("Status", "200").split()[0])
        return status, headers, rest

    def answer(self, status, headers, body):
        """Send an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Log nothing."""


@contextmanager
def serving(root, *, tls=None):
    """Run a server for the repositories below `root` while the context lasts."""
    server = GitServer(root, tls=tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
