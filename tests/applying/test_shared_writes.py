"""What an exam's outcome and the next one's intent share: one write of the log, in this order."""

import asyncio
import threading

import pytest
from applying_fakes import World
from memory_store import MemoryStore
from session_stores import begun, session

from reconciler.host import SystemClock
from reconciler.model.errors import StateUnavailable
from reconciler.model.records import CreatedRecord, IntentRecord
from reconciler.model.verdicts import Refused, Unknown
from reconciler.state.group_commit import GroupCommit
from reconciler.state.locking import find


class SlowStore(MemoryStore):
    """A store of which each append waits until it is let go; `fails_at` says which of them fails."""

    def __init__(self):
        super().__init__(begun().cell)
        self.writes = 0
        self.fails_at = None
        self.open = threading.Event()
        self.open.set()
        self.second_begun = threading.Event()

    def append(self, records, *, at, note=""):
        """Append, or fail."""
        self.writes += 1
        if self.writes > 1:
            self.second_begun.set()
        assert self.open.wait(5)
        if self.writes == self.fails_at:
            raise StateUnavailable("no space left", hint="")
        return super().append(records, at=at, note=note)

    @property
    def records(self):
        """What is durable, behind the lock."""
        return find(self).records[1:]


@pytest.fixture
def store():
    """A store that keeps a log."""
    return SlowStore()


@pytest.fixture
def world(store):
    """An executor that creates one exam at a time, with a real log in the store."""
    made = World()
    made.parallelism = 1
    made.log = GroupCommit(session(store), clock=SystemClock())
    store.writes = 0
    store.second_begun.clear()
    return made


async def test_a_create_costs_one_write(world, store):
    """Its outcome is written with the intent of the next, which cannot be sent before."""
    report = await world.apply(*"abcde")
    assert len(report.created) == 5
    assert store.writes == 6
    kinds = [(type(record), record.address) for record in store.records]
    assert kinds == [(kind, address) for address in "abcde" for kind in (IntentRecord, CreatedRecord)]


async def test_nothing_is_sent_while_the_outcome_before_it_is_written(world, store):
    """However long the store takes."""
    running = asyncio.create_task(world.apply("a", "b"))
    await world.api.began.wait()
    store.open.clear()
    await asyncio.to_thread(store.second_begun.wait)
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert world.sent("b") == 0
    assert not [told for told in world.progress.told if told[0] == "settled"]
    store.open.set()
    assert (await running).created == ["a", "b"]


async def test_where_the_shared_write_fails_the_next_exam_is_not_attempted(world, store):
    """The SID is told with the command that records it, and nothing more is sent."""
    store.fails_at = 2
    report = await world.apply(*"abc")
    assert report.in_doubt == ["a"]
    assert report.not_attempted == ["b", "c"]
    assert report.exams[0].sid in report.exams[0].message
    assert (world.sent("b"), world.sent("c")) == (0, 0)
    assert [type(record) for record in store.records] == [IntentRecord]


@pytest.mark.parametrize(
    "verdict", [Unknown(status=502, reason="HTTP 502"), Refused(status=422, reason="HTTP 422")]
)
async def test_after_any_other_outcome_the_next_exam_waits(world, store, verdict):
    """What it means for the run is decided first."""
    world.script("a", verdict)
    await world.apply("a", "b")
    assert store.writes == 2 * len(world.api.bodies)


async def test_who_answers_at_once_shares_a_write(world, store):
    """Ten exams in flight whose answers come together cost as many writes as one."""
    world.parallelism = 10
    report = await world.apply(*(f"e{number}" for number in range(30)))
    assert len(report.created) == 30
    assert store.writes == 4
