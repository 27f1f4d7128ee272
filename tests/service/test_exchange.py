"""Exchanges with servers of bytes: whole answers count, nothing is written too early or sent twice."""

import asyncio
import time

import pytest
import tls_material
from raw_server import answer_well, ok, raw_server

from reconciler.model.verdicts import Created, NotSent, Unknown
from reconciler.service.client import HttpExamApi
from reconciler.service.exchange import Exchange

INSTALL, COURSE = "AI" + "0" * 32, "CU" + "0" * 32
BODY = b'{"sid": "EX%s"}' % (b"ab" * 16)
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

WHOLE = {
    "length": ok(BODY),
    "chunked": CHUNKED + b"9\r\n%s\r\n24;x=y\r\n%s\r\n0\r\nx-trailer: 1\r\n\r\n" % (BODY[:9], BODY[9:]),
    "informational": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\n" + ok(BODY),
}
"""Answers of which every byte counts."""


def fine():
    """Nothing speaks against the request."""


async def in_turn(url, count):
    """The verdicts of so many creates, one after the other."""
    api = HttpExamApi(url, "a.token.x", timeout_s=2)
    return [await api.create(INSTALL, COURSE, b"{}", confidential=[], look=fine) for _ in range(count)]


@pytest.mark.parametrize("name", WHOLE)
async def test_an_answer_that_is_cut_creates_nothing(name):
    """At whichever byte: only the whole answer is one, and all else is in doubt."""
    whole = WHOLE[name]
    places = iter(range(len(whole) + 1))

    def converse(conversation):
        conversation.read_request()
        conversation.send(whole[: next(places)])

    with raw_server(converse) as server:
        *cut, last = await in_turn(server.url, len(whole) + 1)
    assert isinstance(last, Created)
    assert {type(verdict) for verdict in cut} == {Unknown}


def look_that_fails():
    """A look that ends in an error of its own."""
    raise LookupError("gone")


@pytest.mark.parametrize(
    ("look", "reason"), [(lambda: "too late", "too late"), (look_that_fails, "LookupError: gone")]
)
async def test_a_create_can_be_called_off_once_its_connection_stands(look, reason):
    """Then not a byte of it is written, the connection is closed, and nothing is in doubt."""
    with raw_server(lambda conversation: conversation.read()) as server:
        api = HttpExamApi(server.url, "a.token.x", timeout_s=2)
        verdict = await api.create(INSTALL, COURSE, b"{}", confidential=[], look=look)
        assert verdict == NotSent(reason=reason)
        await asyncio.sleep(0.1)  # it is accepted by another thread
    assert [one.received for one in server.conversations] == [b""]


async def test_what_fails_once_a_request_has_begun_is_sent_by_nobody_again(monkeypatch):
    """Whichever step of the transport fails after that, and however."""
    note = Exchange._note
    steps = [
        "http11.send_request_headers.complete",
        "http11.send_request_body.started",
        "http11.send_request_body.complete",
        "http11.receive_response_headers.started",
        "http11.receive_response_headers.complete",
        "http11.receive_response_body.started",
    ]
    reached = []

    async def fail(exchange, step, details):
        await note(exchange, step, details)
        if step == steps[0]:
            reached.append(steps.pop(0))
            raise ConnectionError(step)

    monkeypatch.setattr(Exchange, "_note", fail)
    with raw_server(answer_well) as server:
        verdicts = await in_turn(server.url, 6)
        assert {type(verdict) for verdict in verdicts} == {Unknown}
        assert len(reached) == len(server.conversations) == 6
        assert max(len(one.courses) for one in server.conversations) == 1


async def test_an_early_answer_is_read_before_the_body_is():
    """A server that refuses for the head alone, and closes."""

    def converse(conversation):
        conversation.read_head()
        conversation.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        conversation.ended.wait(0.2)

    with raw_server(converse, buffer_bytes=4096) as server:
        api = HttpExamApi(server.url, "a.token.x", timeout_s=2)
        verdict = await api.create(INSTALL, COURSE, b"x" * 1_000_000, confidential=[], look=fine)
    assert verdict.status == 413


async def test_a_name_of_several_addresses_is_tried_on_each():
    """Nobody listens on the first of them."""
    with raw_server(answer_well) as server:
        [verdict] = await in_turn(server.url.replace("127.0.0.1", "localhost"), 1)
    assert isinstance(verdict, Created)


async def test_a_body_that_ends_with_its_connection_ends_well_or_not_at_all():
    """A reset is no end."""

    def converse(conversation):
        conversation.read_request()
        conversation.send(b"HTTP/1.0 200 OK\r\n\r\n" + BODY)
        time.sleep(0.05)
        if len(server.conversations) > 1:
            conversation.reset()

    with raw_server(converse) as server:
        well, broken = await in_turn(server.url, 2)
    assert isinstance(well, Created)
    assert isinstance(broken, Unknown)


@pytest.mark.parametrize(("header_bytes", "verdict"), [(90_000, Created), (110_000, Unknown)])
async def test_a_head_has_a_hundred_kilobytes_at_most(header_bytes, verdict):
    """As with httpx."""

    def converse(conversation):
        conversation.read_request()
        conversation.send(b"HTTP/1.1 200 OK\r\nx: " + b"y" * header_bytes)
        time.sleep(0.05)
        conversation.send(b"\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY))

    with raw_server(converse) as server:
        assert isinstance((await in_turn(server.url, 1))[0], verdict)


@pytest.fixture
def trusting(monkeypatch, tmp_path):
    """A client of these tests trusts their authority."""
    for name, value in tls_material.trust_in(tmp_path).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("trusting")
async def test_a_secured_connection_is_as_good_as_a_plain_one():
    """Each create has its own, and closes it."""
    with raw_server(answer_well, tls=tls_material.good()) as server:
        verdicts = await in_turn(server.url, 3)
        assert {type(verdict) for verdict in verdicts} == {Created}
        assert len(server.conversations) == 3


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize(
    "tls", [tls_material.of_a_stranger, tls_material.for_another_host, tls_material.expired]
)
async def test_whoever_cannot_show_who_it_is_gets_nothing(tls):
    """Not even a request."""
    with raw_server(answer_well, tls=tls()) as server:
        [verdict] = await in_turn(server.url, 1)
        assert isinstance(verdict, NotSent)
        assert "certificate" in verdict.reason
    assert server.conversations == []
    assert len(server.refused_handshakes) == 1


@pytest.mark.usefixtures("trusting")
async def test_a_handshake_has_its_time_and_no_more():
    """A server that says nothing to a hello is given up, and nothing was sent."""
    with raw_server(lambda conversation: conversation.ended.wait(5)) as server:
        api = HttpExamApi(server.url.replace("http:", "https:"), "a.token.x", timeout_s=0.3)
        verdict = await api.create(INSTALL, COURSE, b"{}", confidential=[], look=fine)
    assert verdict == NotSent(reason="ConnectTimeout")


@pytest.mark.usefixtures("trusting")
async def test_an_answer_in_the_clear_before_tls_creates_nothing():
    """Whether it comes before the hello or in the place of the server's."""

    def converse(conversation):
        conversation.send(ok(BODY))
        conversation.ended.wait(0.2)

    with raw_server(converse) as server:
        verdicts = await in_turn(server.url.replace("http:", "https:"), 5)
    assert {type(verdict) for verdict in verdicts} == {NotSent}
