"""Each row of the classification table, end to end: the installed command against a server that answers so.

What happens below HTTP, and to HTTP itself, is tried in test_network, test_tls and test_proxies.
"""

import json
import socket
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


def test_what_never_connected_failed_and_is_sent_by_the_next_apply(workspace, server):
    """A refused connection is tried again, then given up without doubt."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free_port = listener.getsockname()[1]
    report = workspace.apply(f"http://127.0.0.1:{free_port}", expect=1)
    assert outcomes(report) == {"cs/a": "failed", "cs/b": "failed"}
    assert report["exams"][0]["status"] is None
    assert workspace.state["intents"] == {}
    assert workspace.apply(server.url)["summary"]["created"] == 2


def test_a_proxy_from_the_environment_never_sees_a_token_in_the_clear(workspace, server):
    """Plain http to loopback goes there directly, whatever HTTP_PROXY says."""
    with RecordingServer() as proxy:
        workspace.variables |= {"HTTP_PROXY": proxy.url, "ALL_PROXY": proxy.url}
        workspace.apply(server.url)
        assert proxy.requests == []
    assert len(server.requests) == 2
