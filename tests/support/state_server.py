"""A server of Terraform's HTTP state protocol, from its documentation; it shares no code with the client.

There are two flavours, by path. `/plain/NAME` locks with LOCK and UNLOCK on the same URL, shows a refused
client what the lock's holder sent, and compares the `ID` of an update only while the state is locked.
GitLab's path locks with POST and DELETE on `…/lock`, requires a password, keeps a version of each serial,
repeats the text of the asking client, and fails with 500 if an update names another lock, locked or not.

`/control/NAME` sets faults and modes of one state, and returns what happened to it. As a script it prints its
port and serves until it is killed.
"""

import base64
import contextlib
import hashlib
import json
import re
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

USERNAME, PASSWORD = "gitlab-ci-token", "a job's token"
_GITLAB = re.compile(r"/api/v4/projects/([^/]+)/terraform/state/([^/]+?)(/lock)?")
_LOCK_FIELDS = ("ID", "Operation", "Info", "Who", "Version", "Created", "Path")


class State:
    """One state: its serials and latest version, its lock, its faults and modes, and a log of requests."""

    def __init__(self):
        self.serials = set()
        self.document = None
        self.lock = None
        self.faults = []
        self.modes = {}
        self.log = []
        self.waiting = []
        self.alone = threading.RLock()

    def store(self, serial, document):
        """Keep `document` as the version `serial`; only the highest version can be read."""
        if not self.serials or serial >= max(self.serials):
            self.document = document
        self.serials.add(serial)

    def next_fault(self, verb):
        """Return the fault for this request of `verb`, or an empty one; count the request."""
        for fault in self.faults:
            if fault["verb"] == verb and fault.get("times", 1) > 0:
                fault["nth"] = fault.get("nth", 1) - 1
                if fault["nth"] <= 0:
                    fault["times"] = fault.get("times", 1) - 1
                    return fault
        return {}


class Plain:
    """The protocol as documented."""

    @staticmethod
    def read(state, _query, _body):
        """Return 200 with the document, or 404."""
        return (404, b"") if state.document is None else (200, state.document)

    @staticmethod
    def update(state, query, body):
        """Replace the document with `body`, or return 423 if another client has the lock."""
        holder = json.loads(state.lock)["ID"] if state.lock else None
        if holder not in {None, query.get("ID")} and not state.modes.get("ignores-ids"):
            return 423, state.lock
        if not state.modes.get("forgets"):
            state.document = json.dumps(json.loads(body)).encode() if state.modes.get("rewrites") else body
        return 200, b""

    @staticmethod
    def lock(state, _query, body):
        """Lock with `body`, or return 423 and the present lock."""
        if state.lock and not state.modes.get("two-locks"):
            return 423, b"" if state.modes.get("names-nobody") else state.lock
        state.lock = body
        return 200, b""

    @staticmethod
    def unlock(state, _query, body):
        """Unlock if the lock has the ID in `body`."""
        if state.lock and json.loads(state.lock)["ID"] != json.loads(body)["ID"]:
            return 423, state.lock
        state.lock = None
        return 200, b""


class GitLab:
    """The protocol as GitLab implements it."""

    @staticmethod
    def read(state, _query, _body):
        """Return 200 with the latest version, 204 if the state is known but empty, or 404."""
        if state.document is None:
            return (204 if state.lock else 404), b""
        return 200, state.document

    @staticmethod
    def update(state, query, body):
        """Add a version if the ID is exactly that of the lock."""
        holder = json.loads(state.lock)["ID"] if state.lock else None
        if holder != query.get("ID") and not state.modes.get("ignores-ids"):
            return 500, b'{"message": "500 Internal Server Error"}'
        serial = json.loads(body).get("serial")
        if serial is None or serial in state.serials:
            return 422, b'{"message": "422 Unprocessable entity - serial"}'
        state.store(serial, body)
        return 200, b""

    @staticmethod
    def lock(state, _query, body):
        """Lock, or return 409 with the ID of the present lock and the other fields as just sent."""
        asked = json.loads(body)
        if any(not isinstance(asked.get(name), str) for name in _LOCK_FIELDS) or len(asked["ID"]) > 255:
            return 400, b'{"error": "ID is too long, or a field is missing"}'
        status = 409 if state.lock else 200
        if not state.lock:
            state.lock = body
        held = json.loads(state.lock)
        echoed = {name: asked[name] for name in ("Operation", "Info", "Version", "Path")}
        echoed |= {"ID": held["ID"], "Who": "root", "Created": "2026-11-25T22:40:00.000Z"}
        return status, json.dumps(echoed).encode()

    @staticmethod
    def unlock(state, query, _body):
        """Unlock if no ID, or that of the lock, is given."""
        holder = json.loads(state.lock)["ID"] if state.lock else ""
        if query.get("ID") not in {None, holder}:
            return 409, b""
        state.lock = None
        return 200, b""


class Handler(BaseHTTPRequestHandler):
    """A connection and its requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    states: dict[str, State]
    states_alone: threading.Lock

    def handle_any(self):
        """Answer a request of any method."""
        parts = urlsplit(self.path)
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with self.states_alone:
            if parts.path.startswith("/control/"):
                state = self.states.setdefault(parts.path.removeprefix("/control/"), State())
        if parts.path.startswith("/control/"):
            self._control(state)
            return
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if found := _GITLAB.fullmatch(parts.path):
            self._serve_gitlab(found, query)
        elif parts.path.startswith("/plain/"):
            verb = {"GET": "read", "POST": "update", "PUT": "update"}.get(self.command, self.command.lower())
            self._serve(Plain, self._state(parts.path.removeprefix("/plain/")), verb, query)
        else:
            self._answer(404, b"<html>nothing here</html>")

    def _state(self, name):
        with self.states_alone:
            return self.states.setdefault(name, State())

    def _serve_gitlab(self, found, query):
        project, name, lock = found.groups()
        wanted = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        given = self.headers.get("authorization", "")
        verbs = {"POST": "lock", "DELETE": "unlock"} if lock else {"GET": "read", "POST": "update"}
        if given != f"Basic {wanted}":
            # Some servers echo what they were sent; no error may show it.
            self._answer(401, json.dumps({"message": f"401 Unauthorized {given}"}).encode())
        elif project != "1" or self.command not in verbs:
            self._answer(404, b'{"message": "404 Project Not Found"}')
        else:
            self._serve(GitLab, self._state(name), verbs[self.command], query)

    def _serve(self, flavour, state, verb, query):
        with state.alone:
            fault = state.next_fault(verb)
        time.sleep(fault.get("delay", 0))
        if fault.get("do") == "hold-back":  # it will arrive later
            state.waiting.append((flavour, verb, query, self.body))
            self.close_connection = True
            return
        if fault.get("do") in {"cut", "answer"}:
            state.log.append([verb, fault.get("status", 0)])
            self._fail(fault)
            return
        digest = base64.b64encode(hashlib.md5(self.body, usedforsecurity=False).digest()).decode()
        if verb == "update" and self.headers.get("content-md5") != digest:
            self._answer(400, b"Content-MD5")
            return
        with state.alone:
            status, body = self._do(flavour, state, verb, query, self.body)
        if fault.get("do") in {"cut-after", "answer-after"}:
            self._fail(fault)
        elif fault.get("do") == "truncate":
            self._answer(status, body[: len(body) // 2], length=len(body))
            self.close_connection = True
        else:
            self._answer(status, body)

    def _do(self, flavour, state, verb, query, body):
        if not hasattr(flavour, verb) or (verb in {"lock", "unlock"} and state.modes.get("never-locks")):
            status, answer = state.modes.get("never-locks", 405), b""
        elif len(body) > state.modes.get("largest", len(body)):
            status, answer = 413, b"<html>Request Entity Too Large</html>"
        else:
            status, answer = getattr(flavour, verb)(state, query, body)
        state.log.append([verb, status])
        return status, answer

    def _fail(self, fault):
        if fault["do"].startswith("cut"):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._answer(fault["status"], fault.get("body", "").encode(), headers=fault.get("headers", {}))

    def _control(self, state):
        asked = json.loads(self.body or b"{}")
        with state.alone:
            state.faults += asked.get("faults", [])
            state.modes |= asked.get("modes", {})
            if "document" in asked:
                state.document = asked["document"].encode()
            if "lock" in asked:
                state.lock = json.dumps(asked["lock"]).encode() if asked["lock"] else None
            arrived = []
            while asked.get("arrive") and state.waiting:
                flavour, *request = state.waiting.pop(0)
                arrived.append(self._do(flavour, state, *request)[0])
            told = {
                "log": state.log,
                "arrived": arrived,
                "waiting": len(state.waiting),
                "serials": sorted(state.serials),
                "lock": json.loads(state.lock) if state.lock else None,
                "document": state.document.decode() if state.document is not None else None,
            }
        self._answer(200, json.dumps(told).encode())

    def _answer(self, status, body, *, headers=None, length=None):
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-type", "text/html" if body[:1] == b"<" else "application/json")
            if status != 204:
                self.send_header("content-length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_arguments):
        """Print nothing; `/control` returns the log."""


for method in ("GET", "POST", "PUT", "DELETE", "LOCK", "UNLOCK"):
    setattr(Handler, f"do_{method}", Handler.handle_any)


def main():
    """Serve until killed."""
    Handler.states, Handler.states_alone = {}, threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
