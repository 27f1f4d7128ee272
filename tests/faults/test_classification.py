"""Each row of the classification table, end to end: the installed command against servers that misbehave."""

import json
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from exam_workspace import SECRET, Workspace
from recording_server import RecordingServer


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams and a state."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare("a", "b")
    return made


@pytest.fixture
def server():
    """A server that answers as a test says."""
    with RecordingServer() as opened:
        yield opened


def answers(server, **by_name):
    """Have `server` give the exams of these names these answers, once each; all others are created."""
    left = {f"Exam {name}": list(given) for name, given in by_name.items()}

    def respond(request):
        if given := left.get(request.body["title"]):
            return given.pop(0)
        return 200, {}, json.dumps({"sid": request.sid}).encode()

    server.respond = respond


def outcomes(report):
    """The report's outcomes by address."""
    return {exam["address"]: exam["outcome"] for exam in report["exams"]}


def sent(server, name):
    """How often the exam `name` was sent."""
    return [request.body["title"] for request in server.requests].count(f"Exam {name}")


@pytest.mark.parametrize(
    "retry_after", ["1", format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True), None, "soon"]
)
def test_429_is_waited_out_and_sent_again(workspace, server, retry_after):
    """Refused for its rate: nothing was created, so it is sent again, as late as the server asks."""
    headers = {} if retry_after is None else {"retry-after": retry_after}
    answers(server, a=[(429, headers, b"")])
    report = workspace.apply(server.url)
    assert outcomes(report) == {"cs/a": "created", "cs/b": "created"}
    assert sent(server, "a") == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_stops_the_run(workspace, server, status):
    """The exam failed, the rest is not attempted, and state is as before."""
    answers(server, a=[(status, {}, b'{"message": "token"}')])
    report = workspace.apply(server.url, "--parallelism", "1", expect=1)
    assert outcomes(report) == {"cs/a": "failed", "cs/b": "not-attempted"}
    assert len(server.requests) == 1
    assert workspace.state["intents"] == {}


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_refused_exam_fails_with_the_servers_message(workspace, server, status):
    """The message is shown without what it echoes, and the next apply sends the exam again."""
    echoed = json.dumps({"message": f"bad title; password {SECRET}; token a.token.x"}).encode()
    answers(server, a=[(status, {}, echoed)])
    report = workspace.apply(server.url, expect=1)
    assert outcomes(report) == {"cs/a": "failed", "cs/b": "created"}
    assert report["exams"][0]["status"] == status
    assert "bad title" in report["exams"][0]["message"]
    assert workspace.state["intents"] == {}
    assert outcomes(workspace.apply(server.url)) == {"cs/a": "created"}


UNKNOWN = {
    "204 without a body": (204, {}, b""),
    "200 with an empty body": (200, {}, b""),
    "200 without sid": (200, {}, b"{}"),
    "200 with null sid": (200, {}, b'{"sid": null}'),
    "200 with another resource's sid": (200, {}, json.dumps({"sid": "EC" + "0" * 32}).encode()),
    "200 with a proxy's HTML": (200, {"content-type": "text/html"}, b"<html><h1>Sign in</h1></html>"),
    "200 that says gzip and is not": (200, {"content-encoding": "gzip"}, b'{"sid": "EX1"}'),
    "200 with a body of 2 MiB": (200, {}, b" " * 2_000_000),
    "301": (301, {"location": "/elsewhere"}, b""),
    "302": (302, {"location": "http://127.0.0.1:1/"}, b""),
    "307": (307, {"location": "/v1/other"}, b""),
    "500": (500, {}, b"oops"),
    "502": (502, {"content-type": "text/html"}, b"<h1>Bad gateway</h1>"),
    "503 with Retry-After": (503, {"retry-after": "1"}, b""),
    "504": (504, {}, b""),
}


@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_unknown_outcome_is_in_doubt_for_good(workspace, server, answer):
    """The exam may exist: it is never sent again, the others go on, and the exit code says so."""
    answers(server, a=[answer])
    report = workspace.apply(server.url, expect=3)
    assert outcomes(report) == {"cs/a": "in-doubt", "cs/b": "created"}
    assert set(workspace.state["intents"]) == {"cs/a"}
    workspace.apply(server.url, expect=3)
    assert sent(server, "a") == 1


@contextmanager
def raw_server(converse):
    """A listener on loopback that hands each connection to `converse` and keeps what was received."""
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        ended = threading.Event()

        def serve():
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(5)
                    data = b""
                    while b"\r\n\r\n" not in data or not data.rstrip().endswith(b"}"):
                        more = connection.recv(65536)
                        if not more:
                            break
                        data += more
                    seen.append(data)
                    converse(connection, ended)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
        finally:
            ended.set()
            thread.join()


def _reset(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def _close(_connection, _ended):
    """Say nothing."""


def _cut_short(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n" + b'{"sid": "EX' + b"a" * 32 + b'"')


def _cut_chunk(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{")


def _not_http(connection, _):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def _silence(_connection, ended):
    ended.wait(20)


def _trickle(connection, ended):
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n")
    while not ended.wait(0.2):
        try:
            connection.sendall(b" ")
        except OSError:
            return


def _endless_headers(connection, ended):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    try:
        while not ended.is_set():
            connection.sendall(b"x: " + b"y" * 10_000 + b"\r\n")
    except OSError:
        return


@pytest.mark.parametrize(
    "converse",
    [_reset, _close, _cut_short, _cut_chunk, _not_http, _silence, _trickle, _endless_headers],
    ids=lambda converse: converse.__name__,
)
def test_a_lost_answer_is_in_doubt_and_never_sent_again(workspace, converse):
    """However the connection ends once the request left, there is one request and one doubt."""
    workspace.declare("a")
    with raw_server(converse) as (url, seen):
        report = workspace.apply(url, "--timeout", "1", expect=3)
        assert outcomes(report) == {"cs/a": "in-doubt"}
        workspace.apply(url, "--timeout", "1", expect=3)
        assert len([data for data in seen if b"POST" in data]) == 1
    assert set(workspace.state["intents"]) == {"cs/a"}


def test_what_never_connected_failed_and_is_sent_by_the_next_apply(workspace, server):
    """A refused connection is tried again, then given up without doubt."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free_port = listener.getsockname()[1]
    report = workspace.apply(f"http://127.0.0.1:{free_port}", expect=1)
    assert outcomes(report) == {"cs/a": "failed", "cs/b": "failed"}
    assert report["exams"][0]["status"] is None
    assert workspace.state["intents"] == {}
    assert workspace.apply(server.url)["summary"]["created"] == 2


def test_a_host_that_does_not_speak_tls_was_not_sent_anything(workspace, server):
    """A failed handshake comes before the first byte of a request."""
    report = workspace.apply(server.url.replace("http://", "https://"), expect=1)
    assert outcomes(report) == {"cs/a": "failed", "cs/b": "failed"}
    assert server.requests == []


def test_a_closed_keep_alive_connection_is_not_written_to_blindly(workspace):
    """A server that closes after each answer, without saying so, costs no doubt and no second request."""

    def converse(connection, _):
        number = next(numbers)
        body = json.dumps({"sid": f"EX{number:032x}"}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    numbers = iter(range(1, 100))
    workspace.declare(*"abcdef")
    with raw_server(converse) as (url, seen):
        workspace.run("apply", "--auto-approve", "--parallelism", "1", "--api-url", url, expect=0)
        assert len(seen) == 6


def test_a_proxy_from_the_environment_never_sees_a_token_in_the_clear(workspace, server):
    """Plain http to loopback goes there directly, whatever HTTP_PROXY says."""
    with RecordingServer() as proxy:
        workspace.variables |= {"HTTP_PROXY": proxy.url, "ALL_PROXY": proxy.url}
        workspace.apply(server.url)
        assert proxy.requests == []
    assert len(server.requests) == 2
