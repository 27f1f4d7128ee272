"""TLS that fails: before the request nothing was sent, after it the exam is in doubt."""

import contextlib
import socket
import ssl
from types import SimpleNamespace

import fault_runs
import pytest
import tls_material
from many_runs import apply_all, workspaces
from raw_server import answer_well, ok, raw_server

SAID = {
    "wrong host": "Hostname mismatch",
    "wrong address": "IP address mismatch",
    "expired": "certificate has expired",
    "self-signed": "self-signed certificate",
    "unknown authority": "unable to get local issuer certificate",
    "no TLS": "SSL: ",
    "cut in the handshake": "",
    "reset in the handshake": "",
    "silent in the handshake": "ConnectTimeout",
    "refused": "Connect call failed",
    "no such name": "",
}
"""What is told of each reason for which no request was sent."""

TRIED_AGAIN = ("wrong host", "wrong address", "expired", "self-signed", "unknown authority")

LONG_NAME = f"{'a' * 64}.invalid"
"""The resolver refuses it by itself: a label has 63 characters at most."""


def half_a_hello(conversation):
    """The begin of a TLS record."""
    conversation.socket.recv(65536)
    conversation.send(b"\x16\x03\x03\x00\x7a\x02")


def plain_http(conversation):
    """What a web server without TLS says to a hello."""
    conversation.socket.recv(65536)
    conversation.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")


def reset_hello(conversation):
    """A RST in place of the server's hello."""
    conversation.socket.recv(65536)
    conversation.reset()


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """How runs ended that could not even begin to send, then how they ended with a server that works."""
    root = tmp_path_factory.mktemp("tls")
    spaces = workspaces(root, SAID)
    trust = tls_material.trust_in(root)
    for space in spaces.values():
        space.variables |= trust
    with contextlib.ExitStack() as stack:

        def port(converse=answer_well, **options):
            servers.append(stack.enter_context(raw_server(converse, **options)))
            return servers[-1].port

        servers = []
        ports = {
            "wrong address": port(tls=tls_material.for_another_host()),
            "expired": port(tls=tls_material.expired()),
            "self-signed": port(tls=tls_material.self_signed(root)),
            "unknown authority": port(tls=tls_material.of_a_stranger()),
            "no TLS": port(plain_http),
            "cut in the handshake": port(half_a_hello),
            "reset in the handshake": port(reset_hello),
            "silent in the handshake": port(lambda conversation: conversation.ended.wait(60)),
            "refused": refusing_port(stack),
        }
        urls = {name: f"https://127.0.0.1:{number}" for name, number in ports.items()}
        urls["wrong host"] = f"https://localhost:{ports['wrong address']}"
        urls["no such name"] = f"https://{LONG_NAME}"
        runs = apply_all(spaces, urls, "--timeout", "1", "--target", "cs/a")
        arrived = [title for server in servers for title in server.sent_titles()]
        states = {name: space.state for name, space in spaces.items()}
        good = stack.enter_context(raw_server(answer_well, tls=tls_material.good()))
        again = apply_all({name: spaces[name] for name in TRIED_AGAIN}, dict.fromkeys(TRIED_AGAIN, good.url))
    return SimpleNamespace(runs=runs, arrived=arrived, states=states, again=again, good=good)


def refusing_port(stack):
    """A port that is taken, so that nobody else gets it, and where nobody listens."""
    taken = stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    return taken.getsockname()[1]


@pytest.mark.parametrize("name", SAID)
def test_what_fails_before_the_request_was_not_sent(before, name):
    """The exams failed for the reason that there was, and state holds no doubt."""
    run = before.runs[name]
    assert run.code == 1
    assert run.outcomes == {"a": "failed"}
    assert SAID[name] in run.exams["a"]["message"]
    assert run.exams["a"]["status"] is None
    assert before.states[name]["intents"] == {}
    assert before.states[name]["exams"] == {}
    assert before.arrived == []


@pytest.mark.parametrize("name", TRIED_AGAIN)
def test_what_was_not_sent_is_sent_by_the_next_apply(before, name):
    """With a certificate that is right the very same client creates: the fault was what failed it."""
    assert before.again[name].outcomes == {"a": "created", "b": "created"}
    assert before.good.sent_titles().count("a") == len(TRIED_AGAIN)


def below_tls(conversation, data):
    """Send bytes on the connection that are no TLS records of this session."""
    with socket.socket(fileno=conversation.socket.detach()) as bare:
        bare.sendall(data)
        bare.recv(65536)


AFTER = {
    "close-without-a-word": lambda _: None,
    "close-notify": lambda conversation: conversation.socket.unwrap(),
    "reset": lambda conversation: conversation.reset(),
    "cut-in-the-body": lambda conversation: conversation.send(ok(conversation.exam)[:-9]),
    "cut-in-a-chunk": lambda conversation: conversation.send(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n"
    ),
    "broken-record": lambda conversation: below_tls(conversation, b"\x17\x03\x03\x00\x20" + bytes(32)),
    "broken-record-in-the-body": lambda conversation: (
        conversation.send(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"),
        below_tls(conversation, b"\x17\x03\x03\x00\x20" + bytes(32)),
    ),
    "plain-HTTP": lambda conversation: below_tls(conversation, ok(conversation.exam)),
    "alert": lambda conversation: below_tls(conversation, b"\x15\x03\x03\x00\x02\x02\x50"),
}


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams, a state, and trust in the tests' authority."""
    made = workspaces(tmp_path, ["only"])["only"]
    made.variables |= tls_material.trust_in(tmp_path)
    return made


@pytest.fixture(scope="module")
def after(tmp_path_factory):
    """What two applies made of TLS that breaks after a request, each exam's in its own way."""
    root = tmp_path_factory.mktemp("tls-after")
    return fault_runs.apply_twice(
        root,
        AFTER | {"no-fault": lambda conversation: conversation.send(ok(conversation.exam))},
        course_of=lambda conversation: conversation.read_request() and conversation.courses[0],
        trust=tls_material.trust_in(root),
        tls=tls_material.good(),
    )


@pytest.mark.parametrize("name", AFTER)
def test_tls_that_breaks_after_the_request_leaves_a_doubt(after, name):
    """However it breaks, the other exams go on, and nothing is sent twice."""
    assert after.first[name]["outcome"] == "in-doubt"
    assert after.first["no-fault"]["outcome"] == "created"
    assert set(after.state["intents"]) == {f"cs/{name}" for name in AFTER}
    assert after.after_second.count(name) == 1


def test_a_client_certificate_that_is_asked_for_leaves_a_doubt(workspace):
    """In TLS 1.3 the server refuses once the client already sends: who knows what it has read."""
    tls = tls_material.good()
    tls.verify_mode = ssl.CERT_REQUIRED
    tls_material.AUTHORITY.configure_trust(tls)
    with raw_server(answer_well, tls=tls) as server:
        report = workspace.apply(server.url, "--timeout", "1", expect=3)
        workspace.apply(server.url, "--timeout", "1", expect=3)
        assert len(server.refused_handshakes) == 2
    assert {exam["outcome"] for exam in report["exams"]} == {"in-doubt"}


@pytest.mark.parametrize("content", [None, b"no certificate"], ids=["absent", "garbage"])
def test_authorities_that_cannot_be_read_stop_the_run_first(tmp_path, content):
    """The command says which variable names them; nothing is sent and nothing is in doubt."""
    workspace = workspaces(tmp_path, ["only"])["only"]
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_bytes(content)
    workspace.variables |= {"SSL_CERT_FILE": str(path)}
    with raw_server(answer_well, tls=tls_material.good()) as server:
        workspace.run("apply", "--auto-approve", "--api-url", server.url, expect=1)
        assert server.conversations == []
        assert server.refused_handshakes == []
    assert "SSL_CERT_FILE" in workspace.printed
    assert workspace.state["intents"] == {}
