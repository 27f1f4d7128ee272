"""Proxies that fail: a tunnel that never stood carried nothing, and a page of a proxy is no exam."""

import contextlib
from types import SimpleNamespace

import pytest
import tls_material
from many_runs import apply_all, workspaces
from raw_server import ESTABLISHED, answer_well, raw_server, relay

PAGE = b"<html><h1>Sign in to the guest network</h1></html>"
HTML = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n%s" % (len(PAGE), PAGE)


def to_connect(answer):
    """A conversation that says `answer` to CONNECT and closes."""

    def converse(conversation):
        conversation.read_head()
        conversation.send(answer)

    return converse


def on_connect(act):
    """A conversation that acts once CONNECT has come."""

    def converse(conversation):
        conversation.read_head()
        act(conversation)

    return converse


def established_then(act):
    """A conversation that establishes a tunnel to itself and then acts."""
    return on_connect(lambda conversation: (conversation.send(ESTABLISHED), act(conversation)))


def established_and_cut(conversation):
    """The hello of TLS arrives, and nothing comes back."""
    conversation.socket.recv(65536)


NO_TUNNEL = {
    "403": to_connect(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"),
    "407": to_connect(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"),
    "502 with HTML": to_connect(HTML.replace(b"200 OK", b"502 Bad Gateway")),
    "302": to_connect(b"HTTP/1.1 302 Found\r\nlocation: https://login.example/\r\n\r\n"),
    "101": to_connect(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "200 with HTML": to_connect(HTML),
    "200 without a tunnel behind it": to_connect(ESTABLISHED),
    "closed": on_connect(lambda _: None),
    "reset": on_connect(lambda conversation: conversation.reset()),
    "reset at once": lambda conversation: conversation.reset(),
    "not HTTP": to_connect(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "silent": on_connect(lambda conversation: conversation.ended.wait(60)),
    "trickling": on_connect(
        lambda conversation: conversation.trickle(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 999)
    ),
    "endless informational answers": on_connect(
        lambda conversation: conversation.trickle(b"HTTP/1.1 102 Processing\r\n\r\n", every_s=0.01)
    ),
    "endless header": on_connect(lambda conversation: conversation.flood(b"HTTP/1.1 200 " + b"x" * 9999)),
    "established and cut": established_then(established_and_cut),
    "established and reset": established_then(lambda conversation: conversation.reset()),
    "established and silent": established_then(lambda conversation: conversation.ended.wait(60)),
}
TRIED_AGAIN = ("403", "closed", "established and cut")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """How runs through each proxy ended, and then through one that works."""
    root = tmp_path_factory.mktemp("proxies")
    spaces = workspaces(root, NO_TUNNEL)
    trust = tls_material.trust_in(root)
    with contextlib.ExitStack() as stack:
        proxies = {name: stack.enter_context(raw_server(converse)) for name, converse in NO_TUNNEL.items()}
        service = stack.enter_context(raw_server(answer_well, tls=tls_material.good()))
        urls = dict.fromkeys(spaces, service.url)
        for name, space in spaces.items():
            space.variables |= trust | {"HTTPS_PROXY": proxies[name].url}
        first = apply_all(spaces, urls, "--timeout", "0.3", "--target", "cs/a")
        arrived = len(service.conversations)
        states = {name: space.state for name, space in spaces.items()}
        working = stack.enter_context(raw_server(relay))
        for name in TRIED_AGAIN:
            spaces[name].variables |= {"HTTPS_PROXY": working.url}
        second = apply_all({name: spaces[name] for name in TRIED_AGAIN}, urls)
        return SimpleNamespace(
            first=first, second=second, states=states, arrived=arrived, service=service, working=working
        )


@pytest.mark.parametrize("name", NO_TUNNEL)
def test_without_a_tunnel_nothing_was_sent(runs, name):
    """Whatever a proxy says or leaves unsaid to CONNECT, the request had not begun: failed, and no doubt."""
    assert runs.first[name].outcomes == {"a": "failed"}
    assert runs.first[name].code == 1
    assert runs.states[name]["intents"] == {}
    assert runs.states[name]["exams"] == {}
    assert runs.arrived == 0


@pytest.mark.parametrize("name", TRIED_AGAIN)
def test_through_a_proxy_that_works_the_next_apply_creates(runs, name):
    """What was not sent is sent, each exam once, and all of it through the proxy."""
    assert runs.second[name].outcomes == {"a": "created", "b": "created"}
    assert sorted(runs.service.sent_titles()) == ["a"] * len(TRIED_AGAIN) + ["b"] * len(TRIED_AGAIN)
    assert len(runs.working.conversations) == 2 * len(TRIED_AGAIN)


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams, a state, and trust in the tests' authority."""
    made = workspaces(tmp_path, ["only"])["only"]
    made.variables |= tls_material.trust_in(tmp_path)
    return made


def outcomes(report):
    """The set of the report's outcomes."""
    return {exam["outcome"] for exam in report["exams"]}


def test_a_tunnel_that_is_cut_after_the_request_leaves_a_doubt(workspace):
    """The service has read the request; its answer never came through."""

    def swallow(conversation):
        conversation.read_request()

    with raw_server(swallow, tls=tls_material.good()) as service, raw_server(relay) as proxy:
        workspace.variables |= {"HTTPS_PROXY": proxy.url}
        assert outcomes(workspace.apply(service.url, expect=3)) == {"in-doubt"}
        workspace.apply(service.url, expect=3)
        assert sorted(service.sent_titles()) == ["a", "b"]


@pytest.mark.parametrize("status", [b"200 OK", b"502 Bad Gateway", b"307 Temporary Redirect"])
def test_a_page_in_place_of_the_answer_leaves_a_doubt(workspace, status):
    """A proxy between us and a test server may have passed the request on before it failed."""

    def answer_with_page(conversation):
        conversation.read_request()
        conversation.send(HTML.replace(b"200 OK", status))

    with raw_server(answer_with_page) as proxy:
        workspace.variables |= {"HTTP_PROXY": proxy.url}
        arguments = ("http://exams.example.edu", "--allow-plain-http")
        report = workspace.apply(*arguments, expect=3)
        workspace.apply(*arguments, expect=3)
        assert outcomes(report) == {"in-doubt"}
        assert "guest network" in report["exams"][0]["message"]
        assert sorted(proxy.sent_titles()) == ["a", "b"]


def test_a_proxy_that_answers_for_the_service_is_believed(workspace):
    """A good answer through a proxy creates."""
    with raw_server(answer_well) as proxy:
        workspace.variables |= {"HTTP_PROXY": proxy.url}
        report = workspace.apply("http://exams.example.edu", "--allow-plain-http")
        assert outcomes(report) == {"created"}


@pytest.mark.parametrize(
    "url", ["socks5://127.0.0.1:1", "ftp://u:hush@127.0.0.1", "http://u:hush@127.0.0.1:x"]
)
def test_a_proxy_that_cannot_be_used_stops_the_run_first(workspace, url):
    """The command says what to mend, without the proxy's password; nothing is sent, nothing in doubt."""
    workspace.variables |= {"HTTPS_PROXY": url}
    with raw_server(answer_well, tls=tls_material.good()) as server:
        workspace.run("apply", "--auto-approve", "--api-url", server.url, expect=1)
        assert server.conversations == []
    assert "HTTPS_PROXY" in workspace.printed
    assert "hush" not in workspace.printed
    assert workspace.state["intents"] == {}
