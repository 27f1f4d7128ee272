"""Spare connections: there is one in time where one is wanted, and only one as good as new is used."""

import asyncio
import contextlib
import itertools
import socket
import threading
from functools import partial

import pytest
import tls_material
from raw_server import Conversation, answer_well, ok, raw_server

from reconciler.api import HttpExamApi, spares
from reconciler.api.connection import Connection, open_connection
from reconciler.api.spares import Spares
from reconciler.model.verdicts import Created

INSTALL, COURSE = "AI" + "0" * 32, "CU" + "0" * 32
FIRST, SECOND, THIRD = (f"EX{number:032x}" for number in (1, 2, 3))
TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


async def create(api):
    """One call's verdict."""
    return await api.create(INSTALL, COURSE, b"{}", confidential=[])


async def until(claim):
    """Return once `claim` holds."""
    async with asyncio.timeout(5):
        while True:
            if claim():
                return
            await asyncio.sleep(0.001)


class SlowToFirst:
    """Answers well; the first request only once the second connection has been treated as `treat` does."""

    def __init__(self, treat):
        self._treat = treat
        self._is_treated = threading.Event()

    def __call__(self, conversation):
        """Converse."""
        if conversation.sid == FIRST:
            assert conversation.read_request()
            assert self._is_treated.wait(5)
            conversation.send(ok(conversation.exam))
        elif conversation.sid == SECOND:
            self._treat(conversation)
            self._is_treated.set()
            answer_well(conversation)
        else:
            answer_well(conversation)


def requests_of(server):
    """How many requests came on each connection, in the order in which they were accepted."""
    return [len(one.courses) for one in sorted(server.conversations, key=lambda one: one.sid)]


def leave(conversation):
    """Nothing is done to the connection."""


async def two_creates(url):
    """The verdicts of two calls, of which the second is told of in advance."""
    async with HttpExamApi(url, "a.token.x", timeout_s=5) as api:
        api.expect(1)
        first = await create(api)
        for _ in range(20):  # what is accepted is not yet ready: that takes the loop some more rounds
            await asyncio.sleep(0.005)
        api.expect(0)
        return first, await create(api)


@pytest.fixture
def trusting(tmp_path, monkeypatch):
    """The server of these tests is one to be trusted."""
    for name, value in tls_material.trust_in(tmp_path).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("tls", [None, tls_material.good()], ids=["clear", "tls"])
async def test_the_next_connection_is_opened_while_a_request_is_on_its_way(tls):
    """Otherwise the first answer would never come; the second request then goes out on it."""
    with raw_server(SlowToFirst(leave), tls=tls) as server:
        verdicts = await two_creates(server.url)
    assert [type(verdict) for verdict in verdicts] == [Created, Created]
    assert requests_of(server) == [1, 1]


@pytest.mark.parametrize(
    "treat",
    [
        lambda conversation: conversation.socket.shutdown(1),
        lambda conversation: conversation.reset(),
        lambda conversation: conversation.send(TIMEOUT),
        lambda conversation: conversation.send(ok(b'{"sid": "EX%s"}' % (b"ab" * 16))),
    ],
    ids=["ended", "reset", "given-up", "answered-unasked"],
)
async def test_a_spare_on_which_anything_has_happened_is_not_used(treat):
    """The server closed it, or spoke unasked: the request goes out once, on a new one, and is in no doubt."""
    with raw_server(SlowToFirst(treat)) as server:
        verdicts = await two_creates(server.url)
    assert [type(verdict) for verdict in verdicts] == [Created, Created]
    assert [verdict.sid for verdict in verdicts] == [FIRST, THIRD]
    assert requests_of(server) == [1, 0, 1]


async def test_no_connection_is_opened_that_nobody_wants():
    """Each call has its own, and there is none behind the last."""
    with raw_server(answer_well) as server:
        async with HttpExamApi(server.url, "a.token.x", timeout_s=5) as api:
            for left in (2, 1, 0):
                api.expect(left)
                await create(api)
                await asyncio.sleep(0.02)
    assert requests_of(server) == [1, 1, 1]


async def test_spares_end_with_the_client():
    """Whoever was told of calls that never came does not keep a server waiting."""
    ended = []

    def converse(conversation):
        if conversation.read_request():
            conversation.send(ok(conversation.exam))
        else:
            ended.append(conversation)

    with raw_server(converse) as server:
        async with HttpExamApi(server.url, "a.token.x", timeout_s=5) as api:
            api.expect(1)
            await create(api)
            await until(lambda: len(server.conversations) == 2)
        await until(lambda: len(ended) == 1)


async def ready(made, server):
    """Return once the server has one connection more, and it lies ready."""
    count = len(server.conversations) + 1
    made.replenish(partial(open_connection, "127.0.0.1", server.port, tls=None, step_s=5), in_use=1)
    await until(lambda: len(server.conversations) == count)
    await asyncio.sleep(0.01)


async def test_a_spare_is_closed_when_it_is_too_old():
    """Nor is there another: a service that is so slow gains nothing by it."""
    ended = []

    def converse(conversation):
        ended.append(conversation.read_request())

    with raw_server(converse) as server:
        made = Spares(fresh_s=0.05)
        made.wanted = 5
        await ready(made, server)
        await until(lambda: ended == [False])
        assert await made.take() is None
        made.replenish(partial(open_connection, "127.0.0.1", server.port, tls=None, step_s=5), in_use=1)
        await asyncio.sleep(0.02)
        assert len(server.conversations) == 1
        await made.close()


async def test_a_spare_is_not_used_when_its_time_is_over():
    """Even if nobody has had the time to close it."""
    with raw_server(answer_well) as server:
        made = Spares(fresh_s=0.0)
        made.wanted = 1
        made.replenish(partial(open_connection, "127.0.0.1", server.port, tls=None, step_s=5), in_use=1)
        assert await made.take() is None
        await made.close()


async def test_who_comes_too_early_waits_for_the_spare_that_is_being_opened():
    """A newer one would be behind it, at a server that treats one after the other."""
    may_open = asyncio.Event()
    connection = Connection()

    async def slowly():
        await may_open.wait()
        return connection

    made = Spares()
    made.wanted = 1
    made.replenish(slowly, in_use=1)
    taking = asyncio.create_task(made.take())
    await asyncio.sleep(0.01)
    assert not taking.done()
    may_open.set()
    assert await taking is connection
    await made.close()


class Told(Connection):
    """A connection that knows whether it was closed."""

    is_aborted = False

    def abort(self):
        """Know it."""
        self.is_aborted = True


async def test_who_gives_up_in_the_moment_in_which_it_is_open_leaves_nothing_open():
    """The connection has reached nobody."""
    may_open = asyncio.Event()
    connection = Told()

    async def slowly():
        await may_open.wait()
        asyncio.get_running_loop().call_soon(taking.cancel)
        return connection

    made = Spares()
    made.wanted = 1
    made.replenish(slowly, in_use=1)
    taking = asyncio.create_task(made.take())
    await asyncio.sleep(0.01)
    may_open.set()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert connection.is_aborted
    await made.close()


@contextlib.contextmanager
def one_after_the_other(tls):
    """The URL of a server that accepts a connection only when it is done with the one before."""
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def serve():
        for number in itertools.count(1):
            connection = None
            while connection is None and not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = listener.accept()
            if connection is None:
                return
            connection.settimeout(30)
            with contextlib.suppress(OSError):
                secured = connection if tls is None else tls.wrap_socket(connection, server_side=True)
                with secured:
                    answer_well(Conversation(secured, number, ended))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        thread.join()
        listener.close()


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("tls", [None, tls_material.good()], ids=["clear", "tls"])
@pytest.mark.parametrize("at_once", [1, 4])
async def test_a_server_that_treats_one_connection_after_the_other_is_not_held_up(tls, at_once):
    """It never waits for a request on a spare while those that were sent are behind it."""
    left = iter(range(39, -1, -1))
    verdicts = []

    async def lane(api):
        for count in left:
            api.expect(count)
            verdicts.append(await create(api))

    with one_after_the_other(tls) as url:
        async with HttpExamApi(url, "a.token.x", timeout_s=1.5) as api:
            await asyncio.gather(*(lane(api) for _ in range(at_once)))
    assert [type(verdict) for verdict in verdicts] == [Created] * 40


async def test_a_spare_is_given_once():
    """The next who asks gets another one, or none."""
    with raw_server(answer_well) as server:
        made = Spares()
        made.wanted = 1
        await ready(made, server)
        given = await made.take()
        assert given is not None
        assert await made.take() is None
        given.abort()
        await made.close()


async def test_what_cannot_be_opened_ahead_is_no_failure():
    """Whoever needs a connection opens it, and learns what is wrong."""
    tries = []

    async def refuse():
        tries.append(1)
        raise ConnectionRefusedError("nobody is there")

    made = Spares()
    made.wanted = 1
    made.replenish(refuse, in_use=1)
    await until(lambda: tries)
    assert await made.take() is None
    await made.close()


def endless_opening():
    """What counts how often it was begun, and an opening that does not end by itself."""
    begun = []

    async def never():
        begun.append(1)
        await asyncio.sleep(60)
        raise AssertionError("it went on")

    return begun, never


async def test_what_is_being_opened_ends_with_the_rest():
    """However long it would have taken, and nothing is begun any more."""
    begun, never = endless_opening()
    made = Spares()
    made.wanted = 2
    made.replenish(never, in_use=1)
    await until(lambda: begun)
    made.replenish(never, in_use=1)
    await made.close()
    await asyncio.sleep(0.02)
    assert len(begun) == 1


@pytest.mark.parametrize(
    ("wanted", "in_use", "opened"), [(3, 1, 3), (1000, 1, 50), (1000, 190, 10), (9, 200, 0)]
)
async def test_spares_are_no_more_than_are_wanted_and_a_process_may_have(wanted, in_use, opened):
    """Those who send hundreds at once need every file that the system lets them open."""
    begun, never = endless_opening()
    made = Spares()
    made.wanted = wanted
    for _ in range(100):
        made.replenish(never, in_use=in_use)
    await asyncio.sleep(0.01)
    assert len(begun) == opened
    await made.close()


async def test_a_request_that_has_ended_is_in_use_no_more(monkeypatch):
    """Else there would be no spares left in a long run."""
    monkeypatch.setattr(spares, "_MOST_CONNECTIONS", 3)
    with raw_server(answer_well) as server:
        async with HttpExamApi(server.url, "a.token.x", timeout_s=5) as api:
            for left in range(6, 0, -1):
                api.expect(left)
                await create(api)
            await until(lambda: len(server.conversations) > 6)
