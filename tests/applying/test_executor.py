"""The executor: each row of the classification table ends as written, in the order that the protocol says."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from applying_fakes import PASSWORD, World
from hypothesis import given
from hypothesis import strategies as st

from reconciler.applying import stopping
from reconciler.model.errors import OutcomeUnknown
from reconciler.model.identities import Address, ConfigurationSid, CourseSid, ExamSid
from reconciler.model.records import CreatedRecord, FailedRecord, InDoubtRecord, IntentRecord
from reconciler.model.report import Outcome
from reconciler.model.state import UnclearAnswer
from reconciler.model.verdicts import (
    Created,
    Forbidden,
    NotSent,
    Refused,
    Throttled,
    Unauthorized,
    Unknown,
)

NOT_SENT = NotSent(reason="connection refused")
THROTTLED = Throttled(reason="HTTP 429", retry_after="7")
REFUSED = Refused(status=422, reason="HTTP 422: no such course")
FORBIDDEN = Forbidden(status=403, reason="HTTP 403")
UNAUTHORIZED = Unauthorized(status=401, reason="HTTP 401")
UNKNOWN = Unknown(status=502, reason="HTTP 502")


@pytest.fixture
def world():
    """An executor among fakes."""
    return World()


async def test_intent_then_request_then_outcome(world):
    """Each step is durable before the next begins."""
    report = await world.apply("a")
    assert world.events == [("intent", "a"), ("sent", "a"), ("CreatedRecord", "a")]
    assert report.created == [Address("a")]
    assert report.exams[0].sid == "EX" + "0" * 31 + "1"


async def test_the_body_is_the_payload_with_its_secrets(world):
    """The wire carries the value; intent and outcome carry the reference."""
    await world.apply("a")
    assert world.api.bodies == [b'{"configuration":{"password":"hunter2"},"title":"a"}']
    assert PASSWORD not in repr(world.log.records)


async def test_an_unknown_outcome_is_in_doubt_and_never_sent_again(world):
    """Whether the exam exists cannot be known, so it is left to a person."""
    world.script("a", UNKNOWN)
    report = await world.apply("a", "b")
    assert report.in_doubt == ["a"]
    assert report.created == ["b"]
    assert world.sent("a") == 1
    assert [type(r) for r in world.log.records if r.address == "a"] == [IntentRecord, InDoubtRecord]


async def test_a_refused_exam_fails_and_clears_its_intent(world):
    """The server's message is passed on; the others go on."""
    world.script("a", REFUSED)
    report = await world.apply("a", "b")
    assert report.failed == ["a"]
    assert report.exams[0].message == "HTTP 422: no such course"
    assert report.exams[0].status == 422
    assert isinstance(world.log.records[-1], FailedRecord | CreatedRecord)
    assert report.created == ["b"]


async def test_a_refused_token_stops_everything(world):
    """Every other create would be refused as well, so none is sent."""
    world.parallelism = 1
    world.script("a", UNAUTHORIZED)
    report = await world.apply("a", "b", "c")
    assert report.failed == ["a"]
    assert report.not_attempted == ["b", "c"]
    assert "token" in report.exams[1].message
    assert world.sent("b") == 0


async def test_a_refused_token_stops_everything_though_the_exam_is_in_doubt(world):
    """Where a 401 names an exam, or cannot be read, the others are spared the same doubt."""
    world.parallelism = 1
    world.script("a", Unknown(status=401, reason="HTTP 401"))
    report = await world.apply("a", "b")
    assert report.in_doubt == ["a"]
    assert report.not_attempted == ["b"]


async def test_a_refused_token_is_told_with_its_variable_and_the_service(world):
    """Once, where it happened."""
    world.parallelism = 1
    world.script("a", UNAUTHORIZED)
    report = await world.apply("a", "b")
    words = "https://api.example.edu refused the token: check SMARTERPROCTORING_TOKEN"
    assert report.exams[0].message == f"HTTP 401; {words}"
    assert report.exams[1].message == "the service refused the token"


async def test_a_refused_token_is_told_once_though_many_are_in_flight(world):
    """The first answer says what to check; the others, and what was not sent, say why in a few words."""
    world.parallelism = 5
    world.token_source = "--token-command"
    for address in "abcde":
        world.script(address, UNAUTHORIZED)
    report = await world.apply(*"abcdefg")
    assert (report.failed, report.not_attempted) == (list("abcde"), list("fg"))
    told = sorted({exam.message for exam in report.exams})
    words = "HTTP 401; https://api.example.edu refused the token: check --token-command"
    assert told == [words, "the service refused the token"]
    assert [exam.message for exam in report.exams].count(words) == 1


async def test_a_doubtful_refusal_of_the_token_is_told_with_what_to_check(world):
    """Its exam stays in doubt; whichever 401 is the first one says what to check."""
    world.parallelism = 1
    world.script("a", Unknown(status=401, reason="HTTP 401"))
    report = await world.apply("a", "b")
    assert report.exams[0].message.endswith("refused the token: check SMARTERPROCTORING_TOKEN")


def in_courses(**courses):
    """The course of each of these exams, by the last digit of its SID."""
    return {address: CourseSid("CU" + str(digit) * 32) for address, digit in courses.items()}


async def test_a_refused_course_leaves_out_its_other_exams(world):
    """Nothing more of it is sent; all others are."""
    world.parallelism = 1
    world.courses = in_courses(a=1, b=2, c=1, d=2, e=1)
    world.script("a", FORBIDDEN)
    report = await world.apply(*"abcde")
    assert (report.failed, report.not_attempted) == (["a"], ["c", "e"])
    assert report.created == ["b", "d"]
    assert report.exams[0].message.endswith(f"the token may create no exam in course {'CU' + '1' * 32}")
    assert report.exams[2].message == f"the service refused its course {'CU' + '1' * 32} (HTTP 403)"


async def test_what_waits_for_another_reason_is_left_out_with_its_course(world):
    """A 429 does not bring it back."""
    world.parallelism = 2
    world.courses = in_courses(a=1, b=1, c=2)
    world.script("a", THROTTLED)
    world.script("b", FORBIDDEN)
    report = await world.apply(*"abc")
    assert report.failed == ["a", "b"]
    assert report.created == ["c"]
    assert world.sent("a") == 1
    assert "HTTP 429; then the service refused its course" in report.exams[0].message


@pytest.mark.parametrize(
    ("verdicts", "not_attempted"),
    [
        ({"a": FORBIDDEN, "b": FORBIDDEN, "c": FORBIDDEN}, ["d", "e"]),
        ({"a": FORBIDDEN, "b": FORBIDDEN, "c": UNKNOWN, "d": FORBIDDEN}, ["e"]),
        ({"a": FORBIDDEN, "b": FORBIDDEN, "d": FORBIDDEN}, []),
        ({"b": FORBIDDEN, "c": FORBIDDEN, "d": FORBIDDEN}, []),
        ({"a": FORBIDDEN, "b": FORBIDDEN, "c": REFUSED, "d": FORBIDDEN}, []),
    ],
)
async def test_three_refused_courses_in_a_row_stop_a_run_that_created_nothing(world, verdicts, not_attempted):
    """Then it is the token after all; one exam created, or refused for itself, says that it is not."""
    world.parallelism = 1
    world.courses = in_courses(a=1, b=2, c=3, d=4, e=5)
    for address, verdict in verdicts.items():
        world.script(address, verdict)
    report = await world.apply(*"abcde")
    assert report.not_attempted == not_attempted


async def test_all_that_an_answer_says_is_recorded(world):
    """The SIDs of a doubt, the configuration of an exam, and the service that each was sent to."""
    sids = (ExamSid("EX" + "d" * 32), ExamSid("EX" + "e" * 32))
    world.script("a", Unknown(status=500, reason="HTTP 500", request_id="r", sids=sids))
    configuration = ConfigurationSid("EC" + "1" * 32)
    world.script("b", Created(sid=ExamSid("EX" + "f" * 32), status=200, configuration_sid=configuration))
    await world.apply("a", "b")
    of_kind = {type(record): record for record in world.log.records}
    assert of_kind[InDoubtRecord].answer == UnclearAnswer(
        status=500, reason="HTTP 500", request_id="r", sids=sids
    )
    assert of_kind[CreatedRecord].configuration_sid == configuration
    assert of_kind[IntentRecord].service == "https://api.example.edu"
    assert [tried.sids for tried in world.progress.tries if tried.address == "a"] == [sids]


async def test_what_was_not_sent_is_tried_again(world):
    """A connection that never was has created nothing; each try has an intent of its own."""
    world.script("a", NOT_SENT, NOT_SENT)
    report = await world.apply("a")
    assert report.created == ["a"]
    attempts = [r.intent.attempt for r in world.log.records if isinstance(r, IntentRecord)]
    assert attempts == ["t0", "t1", "t2"]
    assert world.clock.sleeps == [0.25, 0.5]


async def test_trying_to_connect_ends(world):
    """After the last try the exam failed; with the service down, the others get one try each."""
    world.parallelism = 1
    for address in "abc":
        world.script(address, *[NOT_SENT] * 9)
    report = await world.apply("a", "b", "c")
    assert report.failed == ["a", "b", "c"]
    assert [world.sent(address) for address in "abc"] == [5, 1, 1]
    assert report.exams[0].status is None


async def test_one_connection_restores_patience(world):
    """A service that came back is worth the whole patience again."""
    world.parallelism = 1
    world.script("a", *[NOT_SENT] * 9)
    world.script("c", *[NOT_SENT] * 2)
    report = await world.apply("a", "b", "c")
    assert report.created == ["b", "c"]


async def test_throttling_waits_as_asked_and_sends_again(world):
    """429 created nothing; the wait is for all workers and is told."""
    world.script("a", THROTTLED)
    report = await world.apply("a")
    assert report.created == ["a"]
    assert world.clock.elapsed_s == 7
    assert ("waiting", 7.0, "HTTP 429") in world.progress.told


async def test_throttling_halves_the_room_once_a_burst(world):
    """Four refusals of one burst are one reason to slow down."""
    world.parallelism = 4
    for address in "abcd":
        world.script(address, THROTTLED)
    await world.apply(*"abcd")
    assert world.api.most_in_flight == 4
    assert len([told for told in world.progress.told if told[0] == "waiting"]) == 1


async def test_throttling_beyond_the_budget_stops_the_run(world):
    """Nobody waits an hour in a pipeline: the exam failed, and the rest is for another run."""
    world.parallelism = 1
    world.script("a", Throttled(reason="HTTP 429", retry_after="3600"))
    report = await world.apply("a", "b")
    assert report.failed == ["a"]
    assert report.not_attempted == ["b"]
    assert world.clock.elapsed_s == 0


@pytest.mark.parametrize("cut", ["quiz 1", "QUIZ  1", "Quiz \N{FULLWIDTH DIGIT ONE}"])
async def test_a_title_that_is_anothers_is_in_doubt(world, cut):
    """It is no cut one where an exam of the run has it: the answers of the two may have been crossed."""
    sid = ExamSid("EX" + "7" * 32)
    world.script("quiz 1b", Created(sid=sid, status=200, cut_title=cut))
    report = await world.apply("quiz 1", "quiz 1b")
    assert report.in_doubt == ["quiz 1b"]
    assert report.created == ["quiz 1"]
    *_, record = (each for each in world.log.records if each.address == "quiz 1b")
    assert isinstance(record, InDoubtRecord)
    assert record.answer.sids == (sid,)
    assert "another exam" in record.answer.reason


async def test_a_title_that_is_no_others_is_a_cut_one(world):
    """There is nothing that its answer could be crossed with."""
    world.script("quiz 1b", Created(sid=ExamSid("EX" + "7" * 32), status=200, cut_title="quiz"))
    report = await world.apply("quiz 1", "quiz 1b")
    assert report.created == ["quiz 1", "quiz 1b"]


async def test_a_sid_that_is_anothers_is_in_doubt(world):
    """Two addresses never hold one SID, whatever the server answers."""
    taken = ExamSid("EX" + "f" * 32)
    world.known_sids = [taken]
    world.script("a", Created(sid=taken, status=200))
    same = Created(sid=ExamSid("EX" + "e" * 32), status=200)
    world.script("b", same)
    world.script("c", same)
    world.parallelism = 1
    report = await world.apply("a", "b", "c")
    assert report.in_doubt == ["a", "c"]
    assert report.created == ["b"]
    kept = {one.address: one.answer.sids for one in world.log.records if isinstance(one, InDoubtRecord)}
    assert kept == {"a": (taken,), "c": (same.sid,)}


async def test_no_intent_no_request(world):
    """With a log that cannot be written nothing is sent."""
    world.log.fails_at = 1
    report = await world.apply("a", "b")
    assert report.not_attempted == ["a", "b"]
    assert world.api.bodies == []


@pytest.mark.parametrize("verdict", [Created(sid=ExamSid("EX" + "d" * 32), status=200), UNKNOWN, REFUSED])
async def test_an_outcome_that_cannot_be_recorded_is_in_doubt(world, verdict):
    """The run stops, and a SID that is known is told with the command that records it."""
    world.parallelism = 1
    world.script("a", verdict)
    world.log.fails_at = 2
    report = await world.apply("a", "b")
    assert report.in_doubt == ["a"]
    assert report.not_attempted == ["b"]
    if isinstance(verdict, Created):
        assert f"created as {verdict.sid}" in report.exams[0].message


async def test_the_first_signal_drains(world):
    """What is in flight ends and is recorded; nothing new begins."""
    world.parallelism = 1
    world.api.blocks.clear()
    running = asyncio.create_task(world.apply("a", "b"))
    await world.api.began.wait()
    world.stopping.request_by_signal(signal.SIGTERM)
    await asyncio.sleep(0)
    world.api.blocks.set()
    report = await running
    assert report.created == ["a"]
    assert report.not_attempted == ["b"]
    assert report.interrupted_by == signal.SIGTERM


async def test_the_second_signal_abandons(world):
    """What is in flight is given up as in doubt."""
    world.api.blocks.clear()
    running = asyncio.create_task(world.apply("a"))
    await world.api.began.wait()
    world.stopping.request(signal.SIGINT)
    world.stopping.request(signal.SIGINT)
    report = await running
    assert report.in_doubt == ["a"]
    assert isinstance(world.log.records[-1], InDoubtRecord)


async def test_a_log_that_hangs_is_given_up_a_while_after_the_second_signal(world, monkeypatch):
    """The first signal waits for it."""
    monkeypatch.setattr(stopping, "_PATIENCE_S", 0.05)
    given_up = asyncio.Event()

    async def append(_record):
        world.api.began.set()
        await given_up.wait()
        raise OutcomeUnknown("the store has not answered", hint="")

    world.log.append = append
    world.stopping.give_up = given_up.set
    running = asyncio.create_task(world.apply("a", "b"))
    await world.api.began.wait()
    world.stopping.request(signal.SIGTERM)
    await asyncio.sleep(0.1)
    assert not running.done()
    world.stopping.request(signal.SIGTERM)
    report = await asyncio.wait_for(running, timeout=5)
    assert report.not_attempted == ["a", "b"]
    assert "has not answered" in report.exams[0].message
    assert report.interrupted_by == signal.SIGTERM


async def test_a_signal_ends_a_wait(world):
    """Nobody waits out a Retry-After to learn that the run was stopped."""
    world.script("a", THROTTLED)
    world.parallelism = 1

    async def sleep(_seconds):
        world.stopping.request(signal.SIGINT)
        await asyncio.sleep(30)

    world.clock.sleep = sleep
    report = await asyncio.wait_for(world.apply("a"), timeout=5)
    assert report.failed == ["a"]
    assert "stopped" in report.exams[0].message


async def test_progress_is_told_everything(world):
    """From the start through each outcome to the end."""
    await world.apply("a", "b")
    assert world.progress.told[0] == ("started", 2)
    assert {told[1] for told in world.progress.told if told[0] == "settled"} == {"a", "b"}
    assert world.progress.told[-1] == ("finished",)


async def test_each_try_is_told_between_its_intent_and_its_outcome(world):
    """A try begins once its intent is durable, ends once its outcome is, and says whether it was the last."""
    world.script("a", THROTTLED, Created(sid=ExamSid("EX" + "d" * 32), status=201, request_id="r1"))
    await world.apply("a")
    tried = [(told[0], told[2]) for told in world.progress.told if told[0] in {"trying", "tried"}]
    assert tried == [("trying", "t0"), ("tried", "t0"), ("trying", "t1"), ("tried", "t1")]
    first, second = world.progress.tries
    assert (first.outcome, first.status, first.is_final) == (Outcome.FAILED, 429, False)
    assert (second.outcome, second.status, second.is_final) == (Outcome.CREATED, 201, True)
    assert (first.request_id, second.request_id) == (None, "r1")
    assert second.sid == "EX" + "d" * 32


async def test_a_try_that_could_not_be_recorded_is_told_as_in_doubt(world):
    """What is told agrees with what the next run will read."""
    world.log.fails_at = 2
    await world.apply("a")
    assert [(tried.outcome, tried.is_final) for tried in world.progress.tries] == [(Outcome.IN_DOUBT, True)]


async def test_a_try_without_an_intent_is_not_told(world):
    """Nothing was sent, so there is no attempt to speak of."""
    world.log.fails_at = 1
    await world.apply("a")
    assert not [told for told in world.progress.told if told[0] in {"trying", "tried"}]


async def test_the_servers_clock_is_what_its_date_is_read_by(world):
    """However wrong our own clock is, a pause is as long as the server meant."""
    answered_at = datetime(1999, 12, 31, 23, 59, tzinfo=UTC)
    until = format_datetime(answered_at + timedelta(seconds=9), usegmt=True)
    world.script("a", Throttled(reason="HTTP 429", retry_after=until, answered_at=answered_at))
    await world.apply("a")
    assert world.clock.elapsed_s == 9


async def test_parallelism_is_a_bound_and_is_used(world):
    """As many are in flight as allowed, and no more."""
    world.parallelism = 3
    report = await world.apply(*(f"e{number}" for number in range(30)))
    assert len(report.created) == 30
    assert world.api.most_in_flight == 3


VERDICTS = st.sampled_from([NOT_SENT, THROTTLED, REFUSED, UNKNOWN, UNAUTHORIZED, FORBIDDEN, ValueError()])


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.lists(VERDICTS, max_size=6), min_size=1),
    st.integers(1, 5),
    st.none() | st.integers(1, 12),
)
def test_the_promises_hold_for_any_script(scripts, parallelism, fails_at):
    """Whatever comes back: an intent before each request, none after a doubt, no SID untold."""

    async def play():
        world = World()
        world.parallelism = parallelism
        world.log.fails_at = fails_at
        for address, verdicts in scripts.items():
            world.script(address, *verdicts)
        return world, await world.apply(*scripts)

    world, report = asyncio.run(play())
    assert [exam.address for exam in report.exams] == sorted(scripts)
    begun = [told[2] for told in world.progress.told if told[0] == "trying"]
    assert sorted(begun) == sorted({tried.attempt for tried in world.progress.tries})
    assert len(begun) == len(world.progress.tries) >= len(world.api.bodies)
    for address in scripts:
        of_it = [kind for kind, about in world.events if about == address]
        for before, kind in zip([None, *of_it], of_it, strict=False):
            assert kind != "sent" or before == "intent"
        doubtful = of_it.index("InDoubtRecord") if "InDoubtRecord" in of_it else len(of_it)
        assert "sent" not in of_it[doubtful:]
        assert of_it.count("CreatedRecord") <= 1
        outcome = next(exam for exam in report.exams if exam.address == address)
        if "CreatedRecord" in of_it:
            assert outcome.outcome is Outcome.CREATED
        if of_it and of_it[-1] == "sent":
            assert outcome.outcome is Outcome.IN_DOUBT
