"""The transport against servers of bytes: it hears what httpx's own does, and writes nothing too early."""

import asyncio
import socket
import ssl
import time

import httpx
import pytest
import tls_material
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_server import answer_well, ok, raw_server

from reconciler.api import HttpExamApi
from reconciler.api.answers import Answer
from reconciler.api.connection import Connection, open_connection
from reconciler.api.direct_transport import DirectTransport
from reconciler.api.exchange import Exchange
from reconciler.model.verdicts import Created, NotSent, Unknown

INSTALL, COURSE = "AI" + "0" * 32, "CU" + "0" * 32
BODY = b'{"sid": "EX%s"}' % (b"ab" * 16)
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

WHOLE = {
    "length": ok(BODY),
    "chunked": CHUNKED + b"9\r\n%s\r\n24;x=y\r\n%s\r\n0\r\nx-trailer: 1\r\n\r\n" % (BODY[:9], BODY[9:]),
    "informational": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\n" + ok(BODY),
}
"""Answers of which every byte counts."""


def request_to(url, body=b"{}", **extensions):
    """A request with what an exchange does not add itself."""
    timeouts = httpx.Timeout(2.0).as_dict()
    return httpx.Request("POST", url, content=body, extensions={"timeout": timeouts, **extensions})


async def exchange(transport, url):
    """What arrived, or None where no answer did."""
    try:
        return await Exchange(connect_s=2, answer_s=2).send(transport.handle_async_request, request_to(url))
    except (httpx.TransportError, TimeoutError):
        return None


async def in_turn(url, count):
    """The verdicts of so many creates, one after the other."""
    async with HttpExamApi(url, "a.token.x", timeout_s=2) as api:
        return [await api.create(INSTALL, COURSE, b"{}", confidential=[]) for _ in range(count)]


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


@pytest.mark.parametrize("name", WHOLE)
async def test_an_answer_may_come_in_any_two_parts(name):
    """At whichever byte the second begins."""
    whole = WHOLE[name]
    places = iter(range(1, len(whole)))

    def converse(conversation):
        conversation.read_request()
        place = next(places)
        conversation.send(whole[:place])
        time.sleep(0.001)
        conversation.send(whole[place:])

    with raw_server(converse) as server:
        verdicts = await in_turn(server.url, len(whole) - 1)
    assert {type(verdict) for verdict in verdicts} == {Created}


async def test_an_answer_may_come_byte_by_byte():
    """Each in a packet of its own, where the system lets it."""

    def converse(conversation):
        conversation.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conversation.read_request()
        for byte in WHOLE["chunked"]:
            conversation.send(bytes([byte]))

    with raw_server(converse) as server:
        assert isinstance((await in_turn(server.url, 1))[0], Created)


LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 201 Created\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n",
        b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: /\r\n",
        b"HTTP/1.1 422 No\r\n",
        b"content-length: 45\r\n",
        b"content-length: 7\r\n",
        b"content-length: -1\r\n",
        b"Transfer-Encoding: Chunked\r\n",
        b"transfer-encoding: gzip\r\n",
        b"connection: keep-alive\r\n",
        b"Retry-After: 5\r\n",
        b"X-Request-Id: r1\r\n",
        b" folded\r\n",
        b"no colon\r\n",
        b"\r\n",
        BODY,
        b"2d\r\n" + BODY + b"\r\n",
        b"0\r\n\r\n",
        ok(BODY),
    ]
)
ANSWERS = st.lists(LINES | st.binary(max_size=30), max_size=8).map(b"".join)


@pytest.fixture(scope="module")
def saying():
    """A server, and the parts in which it says its next answers."""
    parts = []

    def converse(conversation):
        if conversation.read_request():
            for part in parts:
                conversation.send(part)

    with raw_server(converse) as server:
        yield server.url, parts


@settings(max_examples=200)
@given(answer=ANSWERS, first_bytes=st.integers(min_value=1, max_value=60))
async def test_it_hears_what_httpx_hears(saying, answer, first_bytes):
    """Whatever comes, and however it is cut up, both read the same out of it, or nothing."""
    url, parts = saying
    parts[:] = answer[:first_bytes], answer[first_bytes:]
    ours = await exchange(DirectTransport(None), url)
    async with httpx.AsyncHTTPTransport(verify=False) as transport:
        theirs = await exchange(transport, url)
    assert heard(ours) == heard(theirs)


def heard(answer: Answer | None):
    """All of an answer but the words for what is wrong with its body, and how much came before that."""
    if answer is None:
        return None
    return answer.status, answer.headers, None if answer.fault else answer.body


async def test_no_byte_is_written_before_it_is_told():
    """Who is told that the request begins can still say that nothing was sent."""

    async def refuse(step, _):
        if "send_request" in step:
            raise OSError("stop")

    with raw_server(lambda conversation: conversation.read()) as server:
        transport = DirectTransport(None)
        with pytest.raises(OSError, match="stop"):
            await transport.handle_async_request(request_to(server.url, trace=refuse))
        await asyncio.sleep(0)
    assert [one.received for one in server.conversations] == [b""]


async def test_steps_are_told_as_httpcore_tells_them():
    """So that one account of what was sent holds for both."""

    async def steps_of(transport, url):
        told = []

        async def note(step, details):
            told.append((step, getattr(details.get("request"), "method", None) is not None))

        response = await transport.handle_async_request(request_to(url, trace=note))
        await response.aclose()
        return told

    with raw_server(answer_well) as server:
        ours = await steps_of(DirectTransport(None), server.url)
        async with httpx.AsyncHTTPTransport(verify=False) as transport:
            theirs = await steps_of(transport, server.url)
    assert len(ours) == 2
    assert [step for step in theirs if step in ours] == ours


async def test_an_early_answer_is_read_though_the_rest_is_not_taken():
    """A server that refuses for the head alone, and closes on a body that is still being sent."""

    def converse(conversation):
        conversation.read_head()
        conversation.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        conversation.ended.wait(0.2)

    with raw_server(converse, buffer_bytes=4096) as server:
        request = request_to(server.url, body=b"x" * 7_000_000)
        answer = await Exchange(connect_s=2, answer_s=2).send(
            DirectTransport(None).handle_async_request, request
        )
    assert answer.status == 413


async def test_what_nobody_reads_does_not_pile_up():
    """The sender is held up, and goes on once it is read."""
    most = 20_000_000
    seen = [-1, 0]

    with raw_server(lambda conversation: conversation.flood(b" " * 65536, most=most)) as server:
        connection = await open_connection("127.0.0.1", server.port, tls=None, step_s=5)
        while not server.conversations or seen[-1] == 0 or seen[-1] != seen[-2]:
            await asyncio.sleep(0.05)
            seen.append(server.conversations[0].sent if server.conversations else 0)
        assert seen[-1] < most
        received = 0
        while data := await connection.read():
            received += len(data)
        connection.abort()
        assert received == server.conversations[0].sent >= most


async def test_a_name_of_several_addresses_is_tried_on_each():
    """Nobody listens on the first of them."""
    with raw_server(answer_well) as server:
        [verdict] = await in_turn(server.url.replace("127.0.0.1", "localhost"), 1)
    assert isinstance(verdict, Created)


async def test_what_came_before_a_connection_broke_is_read_first():
    """And that it broke is not taken for an end: a body that ends with its connection would seem whole."""
    connection = Connection()
    connection.data_received(b"HTTP/1.0 200")
    connection.connection_lost(ConnectionResetError("reset"))
    assert await connection.read() == b"HTTP/1.0 200"
    with pytest.raises(ConnectionResetError):
        await connection.read()


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
        async with HttpExamApi(server.url.replace("http:", "https:"), "a.token.x", timeout_s=0.3) as api:
            verdict = await api.create(INSTALL, COURSE, b"{}", confidential=[])
    assert verdict == NotSent(reason="ConnectTimeout")


async def test_what_was_said_in_the_clear_is_never_read_as_said_under_tls():
    """Anybody on the way could have said it."""
    connection = Connection()
    connection.data_received(ok(BODY))
    with pytest.raises(ConnectionError, match="before TLS"):
        await connection.start_tls(ssl.create_default_context(), "localhost")


@pytest.mark.usefixtures("trusting")
async def test_an_answer_in_the_clear_before_tls_creates_nothing():
    """Whether it comes before the hello or in the place of the server's."""

    def converse(conversation):
        conversation.send(ok(BODY))
        conversation.ended.wait(0.2)

    with raw_server(converse) as server:
        verdicts = await in_turn(server.url.replace("http:", "https:"), 5)
    assert {type(verdict) for verdict in verdicts} == {NotSent}
