"""A fault of this product in one exam's turn: that exam is in doubt at worst, and all others go on."""

import asyncio

import pytest
from applying_fakes import PASSWORD, Failing, World

from reconciler.applying import executor
from reconciler.fault_points import Step
from reconciler.model.errors import StateUnavailable
from reconciler.model.identities import ExamSid
from reconciler.model.records import CreatedRecord, InDoubtRecord, IntentRecord
from reconciler.model.report import Outcome
from reconciler.model.verdicts import Created, Refused, Throttled, Unknown

FAULTS = [
    ValueError(PASSWORD),
    RecursionError(PASSWORD),
    OverflowError(PASSWORD),
    MemoryError(PASSWORD),
    OSError(5, PASSWORD),
    UnicodeEncodeError("utf-8", PASSWORD, 0, 1, PASSWORD),
    ExceptionGroup(PASSWORD, [ValueError(PASSWORD)]),
]


@pytest.fixture
def world():
    """An executor among fakes."""
    return World()


def outcome_of(report, address):
    """The line of `address`."""
    return next(exam for exam in report.exams if exam.address == address)


def check_message(exam, error):
    """It names the kind and the line of code, says what to do, and never what the error says."""
    assert f"internal error: {type(error).__name__} at applying_fakes.py:" in exam.message
    assert "please report" in exam.message
    assert PASSWORD not in exam.message


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("parallelism", [1, 4])
async def test_a_fault_while_sending_leaves_that_exam_in_doubt(world, error, parallelism):
    """Its doubt is durable, it is told like any other, and its siblings are created."""
    world.parallelism = parallelism
    world.api = Failing(world.api, "create", error, nth=2)
    report = await world.apply(*"abcdef")
    assert report.in_doubt == ["b"]
    assert report.created == ["a", "c", "d", "e", "f"]
    check_message(outcome_of(report, "b"), error)
    of_b = [record for record in world.log.records if record.address == "b"]
    assert [type(record) for record in of_b] == [IntentRecord, InDoubtRecord]
    assert [tried.outcome for tried in world.progress.tries if tried.address == "b"] == [Outcome.IN_DOUBT]


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
async def test_a_fault_in_an_answer_on_its_way_cancels_no_sibling(world, error):
    """Those in flight wait for their own answers."""
    slow = world.api.create

    async def create(install_sid, course_sid, body, **more):
        if b'"title":"b"' in body:
            raise error.with_traceback(None)
        await asyncio.sleep(0.01)
        return await slow(install_sid, course_sid, body, **more)

    world.api.create = create
    report = await world.apply(*"abcd")
    assert report.in_doubt == ["b"]
    assert report.created == ["a", "c", "d"]


@pytest.mark.parametrize(("name", "nth"), [("new_attempt", 2), ("jitter", 1)])
async def test_a_fault_before_an_intent_leaves_the_exam_unattempted(world, name, nth):
    """Nothing was sent: neither by a first try, nor by a second after a 429."""
    world.parallelism = 1
    world.script("b", Throttled(reason="HTTP 429", retry_after="1"))
    setattr(
        world, name, Failing(getattr(world, name), "__call__", ZeroDivisionError(PASSWORD), nth=nth).__call__
    )
    report = await world.apply(*"abc")
    exam = outcome_of(report, "b")
    assert exam.outcome in {Outcome.NOT_ATTEMPTED, Outcome.FAILED}
    assert exam.outcome is (Outcome.NOT_ATTEMPTED if name == "new_attempt" else Outcome.FAILED)
    check_message(exam, ZeroDivisionError())
    assert report.created == ["a", "c"]


METHODS = ["started", "trying", "tried", "settled", "waiting", "finished"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("nth", [1, 2])
async def test_a_fault_in_telling_changes_no_outcome(world, method, nth):
    """Whoever listens is no part of the protocol; the report says that something was not told."""
    world.script("a", Throttled(reason="HTTP 429", retry_after="1"))
    world.script("b", Refused(status=422, reason="HTTP 422"))
    world.script("c", Unknown(status=502, reason="HTTP 502"))
    world.progress = Failing(world.progress, method, KeyError(PASSWORD), nth=nth)
    report = await world.apply(*"abcd")
    assert (report.created, report.failed, report.in_doubt) == (["a", "d"], ["b"], ["c"])
    is_reached = nth == 1 or method in {"trying", "tried", "settled"}
    assert (report.fault_in_telling is not None) == is_reached
    if report.fault_in_telling is not None:
        assert report.fault_in_telling.startswith("internal error: KeyError at applying_fakes.py:")


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Created(sid=ExamSid("EX" + "d" * 32), status=200), Outcome.CREATED),
        (Refused(status=422, reason="HTTP 422"), Outcome.FAILED),
        (Unknown(status=502, reason="HTTP 502"), Outcome.IN_DOUBT),
    ],
)
async def test_a_durable_outcome_stands_whatever_comes_after_it(world, monkeypatch, verdict, outcome):
    """Its exam is in the report as it is in the log."""
    world.parallelism = 1
    world.script("b", verdict)
    durable = iter("abc")

    def reach(step):
        if step is Step.OUTCOME_DURABLE and next(durable) == "b":
            raise LookupError

    monkeypatch.setattr(executor, "reach", reach)
    report = await world.apply(*"abc")
    exam = outcome_of(report, "b")
    assert exam.outcome is outcome
    assert "internal error: LookupError" in exam.message
    assert exam.sid == getattr(verdict, "sid", None)
    assert report.created == ["a", "c"] if outcome is not Outcome.CREATED else ["a", "b", "c"]


async def test_a_sid_that_arrived_is_told_though_a_fault_came_before_its_record(world):
    """With the command that records it: only the intent is durable."""
    world.parallelism = 1
    now = world.clock.now
    calls = iter(range(100))
    world.clock.now = lambda: 1 / 0 if next(calls) == 3 else now()
    report = await world.apply(*"abc")
    assert report.in_doubt == ["b"]
    assert report.created == ["a", "c"]
    exam = outcome_of(report, "b")
    assert exam.sid is not None
    assert f"created as {exam.sid}" in exam.message
    assert "internal error: ZeroDivisionError" in exam.message


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
async def test_a_fault_in_the_log_ends_the_run_like_a_store_that_fails(world, error, nth):
    """Nothing more is sent, each exam has an outcome, and a SID that arrived is told."""
    world.parallelism = 1
    world.log = Failing(world.log, "append", error, nth=nth)
    report = await asyncio.wait_for(world.apply(*"abc"), timeout=5)
    created = [record.sid for record in world.log.records if isinstance(record, CreatedRecord)]
    assert len(report.exams) == 3
    assert len(report.created) == len(created) == (nth - 1) // 2
    assert len(world.api.bodies) == nth // 2
    if nth % 2 == 0:
        (address,) = report.in_doubt
        assert f"created as {outcome_of(report, address).sid}" in outcome_of(report, address).message
    assert all(PASSWORD not in exam.message for exam in report.exams)
    assert report.exams[2].outcome is Outcome.NOT_ATTEMPTED


async def test_a_cancelled_run_is_cancelled(world):
    """That is no fault: whoever cancels wants the run to end."""
    world.api.blocks.clear()
    running = asyncio.create_task(world.apply("a", "b"))
    await world.api.began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_not_caught(kind):
    """Neither while sending nor in telling."""
    played = []

    async def play(name):
        played.append(asyncio.current_task())
        world = World()
        holder = Failing(getattr(world, name), {"api": "create", "progress": "trying"}[name], kind())
        setattr(world, name, holder)
        await world.apply("a", "b")

    for name in ("api", "progress"):
        with pytest.raises((kind, BaseExceptionGroup)):
            asyncio.run(play(name))
    # An exception that nobody asked for is logged when its task is collected, in whatever test that is.
    assert all(isinstance(task.exception(), kind) for task in played)


async def test_a_store_that_fails_is_no_internal_error(world):
    """It says itself what is wrong."""
    world.log = Failing(world.log, "append", StateUnavailable("no space left", hint=""), nth=2)
    report = await world.apply("a")
    assert "no space left" in report.exams[0].message
    assert "internal" not in report.exams[0].message
