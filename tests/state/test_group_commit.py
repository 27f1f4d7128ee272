"""Group commit: what waits at one time is written at once, and nobody waits for ever."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from memory_store import MemoryStore
from session_stores import begun, session
from state_builders import began, created

from reconciler.model.errors import StateUnavailable
from reconciler.state.group_commit import GroupCommit
from reconciler.state.session import load_state


@pytest.fixture
def store():
    """A store with an empty state."""
    return begun()


class Failing(MemoryStore):
    """A store whose appends raise `error` from the second on; the first is the lock."""

    error = None
    count = 0

    def append(self, records, *, at, note=""):
        """Append, or fail."""
        self.count += 1
        if self.error is not None and self.count > 1:
            raise self.error
        return super().append(records, at=at, note=note)


def failing(store, error):
    """A session on a client of `store` that fails with `error`."""
    client = Failing(store.cell)
    client.error = error
    return session(client)


def test_what_waits_at_one_time_is_one_write(store):
    """And in the order of the calls."""
    client = Failing(store.cell)

    async def run(log):
        await asyncio.gather(*(log.append(began(f"a{n}", f"t{n}")) for n in range(20)))
        await asyncio.gather(*(log.append(created(f"a{n}", f"t{n}", n)) for n in range(20)))
        await log.close()

    opened = session(client)
    asyncio.run(run(GroupCommit(opened)))
    assert client.count <= 5
    assert len(opened.finish().exams) == 20


@pytest.mark.parametrize(
    "error",
    [
        OSError(5, "I/O"),
        ValueError("x"),
        KeyError("x"),
        MemoryError(),
        RuntimeError("can't start new thread"),
    ],
)
def test_an_append_never_hangs_whatever_the_store_raises(store, error):
    """All who wait are told, those of the same write and those of the next."""

    async def run(log):
        for first, second in (("a", "b"), ("c", "d")):
            waiting = (log.append(began(address, address)) for address in (first, second))
            told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), timeout=5)
            assert all(isinstance(one, Exception) for one in told)
            assert str(error) in str(told[0])
        await log.close()

    asyncio.run(run(GroupCommit(failing(store, error))))
    assert load_state(store).intents == {}


def test_an_append_waits_for_nobody_who_looks_up_a_name(store):
    """The threads of the event loop are all taken, as by a slow name server, and the log is written."""

    async def run(log):
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        answered = threading.Event()
        looking_up = loop.run_in_executor(None, answered.wait)
        try:
            await asyncio.wait_for(log.append(began("a", "t1")), timeout=5)
        finally:
            answered.set()
            await looking_up
        await log.close()

    asyncio.run(run(GroupCommit(session(store))))
    assert list(load_state(store).intents) == ["a"]


def test_a_failed_append_is_told_and_leaves_no_trace(store):
    """Who waits for a batch that failed is told so, and the next batch takes its place."""
    client = Failing(store.cell)
    opened = session(client)

    async def run(log):
        client.error = StateUnavailable("the disk is full", hint="Make room.", location="x")
        with pytest.raises(StateUnavailable, match="full"):
            await log.append(began("a", "t1"))
        client.error = None
        await log.append(began("b", "t2"))
        await log.close()

    asyncio.run(run(GroupCommit(opened)))
    opened.finish()
    assert set(load_state(store).intents) == {"b"}
