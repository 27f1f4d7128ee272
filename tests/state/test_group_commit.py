"""Group commit: what waits at one time is written at once, and nobody waits for ever."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from memory_store import MemoryStore
from session_stores import FaultyStore, begun, session
from state_builders import began, created, failed

from reconciler.host import SystemClock
from reconciler.model.errors import OutcomeUnknown, StateError, StateUnavailable
from reconciler.model.records import CreatedRecord, IntentRecord
from reconciler.state.group_commit import GroupCommit
from reconciler.state.locking import find
from reconciler.state.session import load_state

ODD = [
    OSError(5, "I/O"),
    ValueError("x"),
    MemoryError(),
    RecursionError(),
    StopIteration(),
    ExceptionGroup("x", [ValueError("x")]),
    asyncio.CancelledError(),
    KeyboardInterrupt(),
    SystemExit(0),
    GeneratorExit(),
    BaseException("x"),
    type("OddError", (BaseException,), {})(),
]
"""What a store may raise that is no error of this product."""


@pytest.fixture
def store():
    """A store with an empty state."""
    return begun()


class Plugged(MemoryStore):
    """A store of somebody else: once `is_begun`, its changes raise `error`, or wait until `is_open`."""

    def __init__(self, cell):
        super().__init__(cell)
        self.error = None
        self.is_begun = False
        self.count = 0
        self.is_open = threading.Event()
        self.is_open.set()

    def append(self, records, *, at, note=""):
        """Append, or fail."""
        self.meet()
        return super().append(records, at=at, note=note)

    def replace(self, snapshot, log, *, at, note=""):
        """Replace, or fail."""
        self.meet()
        return super().replace(snapshot, log, at=at, note=note)

    def meet(self):
        """Fail or hang as planned."""
        self.count += 1
        if self.is_begun:
            self.is_open.wait(20)
            if self.error is not None:
                raise self.error


class Spare:
    """A recovery file that notes what it is given, in order with what is `stored`."""

    def __init__(self, stored):
        self.events = []
        self.is_owed = False
        self._stored = stored

    def keep_outcomes(self, records):
        """Note the outcomes."""
        self.note("outcomes", [one for one in records if not isinstance(one, IntentRecord)])

    def keep_intents(self, records):
        """Note the intents."""
        self.note("intents", [one for one in records if isinstance(one, IntentRecord)])

    def owe(self, records):
        """Note that outcomes are owed."""
        self.is_owed = self.is_owed or any(not isinstance(one, IntentRecord) for one in records)

    def note(self, what, records):
        """Note how many records the log had by then."""
        if records:
            self.events.append((what, [one.address for one in records], len(find(self._stored).records) - 1))


def opened_on(client):
    """A log on a session that holds the lock; from now on `client` fails as planned."""
    opened = session(client)
    client.is_begun = True
    return opened


def log_of(opened, recovery=None):
    """A log of the session."""
    return GroupCommit(opened, clock=SystemClock(), recovery=recovery)


def test_what_waits_at_one_time_is_one_write(store):
    """And in the order of the calls."""
    client = Plugged(store.cell)

    async def run(log):
        await asyncio.gather(*(log.append(began(f"a{n}", f"t{n}")) for n in range(20)))
        await asyncio.gather(*(log.append(created(f"a{n}", f"t{n}", n)) for n in range(20)))
        assert await log.finish() is None

    opened = opened_on(client)
    asyncio.run(run(log_of(opened)))
    assert client.count <= 5
    assert len(load_state(store).exams) == 20
    assert find(store).lock is None


async def test_a_record_is_as_old_as_its_write(store):
    """A store may take it at once, and answer late."""
    client = Plugged(store.cell)
    log = log_of(opened_on(client))
    assert (await log.append(began("a", "t1")))() < 0.2
    client.is_open.clear()
    waiting = asyncio.create_task(log.append(began("b", "t2")))
    await asyncio.sleep(0.3)
    client.is_open.set()
    assert 0.2 < (await waiting)() < 5


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
async def test_an_append_never_hangs_whatever_the_store_raises(store, error):
    """All who wait are told, those of the same write and those of the next; then the lock is released."""
    client = Plugged(store.cell)
    client.error = error
    log = log_of(opened_on(client))
    for first, second in (("a", "b"), ("c", "d")):
        waiting = (log.append(began(address, address)) for address in (first, second))
        told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), timeout=5)
        assert all(isinstance(one, OutcomeUnknown) for one in told)
        assert type(error).__name__ in told[0].message
    assert isinstance(await asyncio.wait_for(log.finish(), timeout=5), StateError)
    client.error = None
    assert load_state(store).intents == {}


async def test_a_fold_that_fails_leaves_the_log_and_releases_the_lock(store):
    """The next run folds it."""
    client = Plugged(store.cell)
    log = log_of(opened_on(client))
    await log.append(began("a", "t1"))
    client.replace = FaultyStore(store.cell, *["down"] * 9).replace
    failure = await log.finish()
    assert failure.message == "the store fails"
    found = find(store)
    assert (found.lock, list(found.state.intents)) == (None, ["a"])


async def test_an_append_waits_for_nobody_who_looks_up_a_name(store):
    """The threads of the event loop are all taken, as by a slow name server, and the log is written."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    answered = threading.Event()
    looking_up = loop.run_in_executor(None, answered.wait)
    try:
        await asyncio.wait_for(log_of(session(store)).append(began("a", "t1")), timeout=5)
    finally:
        answered.set()
        await looking_up
    assert list(load_state(store).intents) == ["a"]


async def test_a_failed_append_is_told_and_leaves_no_trace(store):
    """Who waits for a batch that failed is told so, and the next batch takes its place."""
    client = Plugged(store.cell)
    log = log_of(opened_on(client))
    client.error = StateUnavailable("the disk is full", hint="Make room.")
    with pytest.raises(StateUnavailable, match="full"):
        await log.append(began("a", "t1"))
    client.error = None
    await log.append(began("b", "t2"))
    assert await log.finish() is None
    assert set(load_state(store).intents) == {"b"}


async def test_without_a_thread_the_log_is_written_all_the_same(store, monkeypatch):
    """A limit on threads costs no SID."""

    def start(_):
        raise RuntimeError("can't start new thread")

    log = log_of(session(store))
    monkeypatch.setattr(threading.Thread, "start", start)
    await log.append(began("a", "t1"))
    await log.append(created("a", "t1", 1))
    assert await log.finish() is None
    assert list(load_state(store).exams) == ["a"]


async def test_outcomes_are_kept_here_before_the_store_has_them_and_intents_after(store):
    """A file never says that an exam is under way of which the store knows nothing, or knows the end."""
    spare = Spare(store)
    log = log_of(session(store), spare)
    await asyncio.gather(log.append(began("a", "t1")), log.append(began("b", "t2")))
    await asyncio.gather(log.append(created("a", "t1", 1)), log.append(began("c", "t3")))
    await log.append(failed("b", "t2"))
    assert spare.events == [
        ("intents", ["a", "b"], 2),
        ("outcomes", ["a"], 2),
        ("intents", ["c"], 4),
        ("outcomes", ["b"], 4),
    ]
    assert not spare.is_owed


async def test_an_outcome_that_the_store_refused_is_owed(store):
    """An intent is not: nothing was sent."""
    client = Plugged(store.cell)
    spare = Spare(store)
    log = log_of(opened_on(client), spare)
    await log.append(began("a", "t1"))
    client.error = StateUnavailable("it is broken", hint="mend it")
    with pytest.raises(StateUnavailable):
        await log.append(began("b", "t2"))
    assert not spare.is_owed
    with pytest.raises(StateUnavailable):
        await log.append(created("a", "t1", 1))
    assert spare.is_owed
    assert spare.events[-1] == ("outcomes", ["a"], 1)


async def test_a_call_that_hangs_can_be_given_up(store):
    """All who wait are told, nothing is called any more, and what the call still does changes nothing."""
    client = Plugged(store.cell)
    spare = Spare(store)
    opened = opened_on(client)
    log = log_of(opened, spare)
    await log.append(began("a", "t1"))
    client.is_open.clear()
    first = asyncio.create_task(log.append(created("a", "t1", 1)))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(log.append(began("b", "t2")))
    await asyncio.sleep(0.05)
    log.give_up()
    told = await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), timeout=5)
    assert all("has not answered" in one.message and "unlock" in one.hint for one in told)
    assert "has not answered" in (await log.finish()).message
    count = client.count
    opened.close()
    assert client.count == count
    assert spare.is_owed
    client.is_open.set()
    await asyncio.sleep(0.1)
    assert [type(one) for one in find(store).records[1:]] == [IntentRecord, CreatedRecord]
    assert len(spare.events) == 2


HANGING = """
import asyncio, threading
from session_stores import begun, session
from state_builders import began
from reconciler.host import SystemClock
from reconciler.state.group_commit import GroupCommit

async def run():
    store = begun()
    opened = session(store)
    store.append = lambda *_, **__: threading.Event().wait()
    log = GroupCommit(opened, clock=SystemClock())
    asyncio.get_running_loop().call_later(0.1, log.give_up)
    print(await asyncio.gather(log.append(began("a", "t1")), return_exceptions=True))

asyncio.run(run())
"""


def test_a_call_that_hangs_keeps_no_process_alive():
    """Its thread ends with the process."""
    done = subprocess.run(
        [sys.executable, "-c", HANGING],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "has not answered" in done.stdout
