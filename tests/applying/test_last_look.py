"""The last look before a request leaves: a run that was paused, or that lost its lock, sends nothing."""

import asyncio

import pytest
from applying_fakes import World

from reconciler.host import SystemClock
from reconciler.model.records import CreatedRecord, FailedRecord, IntentRecord
from reconciler.model.report import Outcome


@pytest.fixture
def world():
    """An executor that creates one exam at a time."""
    made = World()
    made.parallelism = 1
    return made


def suspend(world, *seconds):
    """Suspend the machine while connections are opened: so long in the first, the second and so on."""
    left = iter(seconds)

    async def connect(_title):
        world.clock.suspended_s += next(left, 0)

    world.api.connect = connect


async def test_an_exam_whose_intent_is_old_is_tried_again_with_a_new_one(world):
    """A machine sleeps between intent and request: by then the intent may be settled."""
    suspend(world, 3600)
    report = await world.apply("a", "b")
    assert report.created == ["a", "b"]
    assert (world.sent("a"), world.sent("b")) == (1, 1)
    of_a = [record for record in world.log.records if record.address == "a"]
    assert [type(record) for record in of_a] == [IntentRecord, FailedRecord, IntentRecord, CreatedRecord]
    assert "3600 seconds passed between its intent and its request" in of_a[1].reason
    assert world.clock.sleeps == [world.retry.delay_s(2, None, world.clock.now())]


async def test_ten_seconds_are_not_too_long(world):
    """A slow connection is no pause."""
    suspend(world, 10)
    assert (await world.apply("a")).created == ["a"]
    assert len(world.log.records) == 2


async def test_the_write_of_the_intent_counts(world):
    """The store may have taken it at once, and its answer come late."""
    append = world.log.append

    async def append_slowly(record):
        age_s = await append(record)
        if len(world.log.records) == 1:
            world.clock.suspended_s += 11
        return age_s

    world.log.append = append_slowly
    assert (await world.apply("a")).created == ["a"]
    assert len(world.log.records) == 4


async def test_such_tries_count_as_those_that_did_not_connect(world):
    """After five of them the exam failed, and nothing was sent."""
    suspend(world, *[11] * 5)
    report = await world.apply("a", "b")
    assert report.failed == ["a"]
    assert report.created == ["b"]
    assert world.sent("a") == 0


async def test_once_the_lock_is_lost_nothing_more_is_sent(world):
    """Also nothing that has its intent, and the report says why."""
    world.is_ours = lambda: world.sent("a") == 0
    report = await world.apply("a", "b", "c")
    assert [world.sent(name) for name in "abc"] == [1, 0, 0]
    assert [exam.outcome for exam in report.exams] == [
        Outcome.CREATED,
        Outcome.FAILED,
        Outcome.NOT_ATTEMPTED,
    ]
    assert all("this run has lost the lock" in exam.message for exam in report.exams[1:])
    assert world.clock.sleeps == []


async def test_where_the_end_of_its_intent_is_refused_the_exam_is_in_doubt(world):
    """Whoever broke the lock may have settled it, or not; why nothing was sent is told all the same."""
    world.is_ours = lambda: False
    world.log.fails_at = 2
    report = await world.apply("a", "b")
    assert (report.in_doubt, report.not_attempted) == (["a"], ["b"])
    assert all("this run has lost the lock" in exam.message for exam in report.exams)
    assert world.api.bodies == []


async def test_what_connects_when_the_log_fails_is_not_sent(world):
    """Its outcome could not be recorded either, and the lock may be lost."""
    world.parallelism = 2
    world.log.fails_at = 3
    told = asyncio.Event()
    world.progress.tried = lambda _: told.set()

    async def connect(title):
        if title == "b":
            await told.wait()

    world.api.connect = connect
    report = await world.apply("a", "b", "c")
    assert (world.sent("a"), world.sent("b"), world.sent("c")) == (1, 0, 0)
    assert report.in_doubt == ["a", "b"]
    assert all("no space left" in exam.message for exam in report.exams)


async def test_a_look_that_fails_keeps_the_exam_back(world):
    """Nothing is sent as long as nobody can say that it may be."""
    world.is_ours = lambda: 1 / 0
    report = await world.apply("a")
    assert report.in_doubt == ["a"]
    assert world.api.bodies == []


def test_the_machines_clock_sees_a_suspended_machine_and_a_clock_set_back(monkeypatch):
    """The clock that went further counts."""
    boot_s, day_s = [100.0], [5000.0]
    monkeypatch.setattr("time.clock_gettime", lambda _: boot_s[0])
    monkeypatch.setattr("time.time", lambda: day_s[0])
    age_s = SystemClock().stopwatch()
    assert age_s() == 0
    boot_s[0] += 20
    day_s[0] -= 3600
    assert age_s() == 20
    day_s[0] += 3700
    assert age_s() == 100


def test_a_stopwatch_goes(monkeypatch):
    """By clocks that exist here."""
    monkeypatch.undo()
    age_s = SystemClock().stopwatch()
    assert 0 <= age_s() < 5
