"""Feedback: a record changes a state only where its create is open, or where state knows nothing of it."""

import msgspec
import pytest
from state_builders import (
    LINEAGE,
    began,
    created,
    doubted,
    entry,
    failed,
    intent,
    resolution,
    sid,
    state,
)

from reconciler.model.report import RecoveryVerdict
from reconciler.state.feedback import feed

OPEN = state(intents={"a": intent("t1")})
GONE = state()
HOLDING = state(exams={"a": entry(1)})
ELSEWHERE = state(exams={"b": entry(1)})
OTHER = state(exams={"a": entry(2)})
BOTH = state(exams={"b": entry(1)}, intents={"a": intent("t1")})
LATER = state(intents={"a": intent("t2")})
ANSWERED = state(intents={"a": msgspec.structs.replace(intent("t1"), answer=doubted("a", "t1").answer)})
RIGHT = GONE.with_resolutions(resolution("a", "t1", 1))
WRONG = GONE.with_resolutions(resolution("a", "t1", 2))
ABSENT = GONE.with_resolutions(resolution("a", "t1", None))
CREATED, FAILED, DOUBTED = created("a", "t1", 1), failed("a", "t1"), doubted("a", "t1")


def test_an_open_create_gets_its_sid():
    """Its entry is what was sent, with the SID that came back; nothing else changes."""
    before = state(exams={"b": entry(2)}, intents={"a": intent("t1")})
    after, (fed,) = feed(before, [CREATED])
    assert after.exams["a"] == intent("t1").as_created(sid(1), CREATED.at)
    assert after.exams["b"] == before.exams["b"]
    assert (after.intents, after.serial, after.lineage) == ({}, before.serial, LINEAGE)
    assert (fed.verdict, fed.sid, fed.hint) == (RecoveryVerdict.RECORDED, sid(1), "")


def test_an_open_create_that_failed_is_cleared():
    """Nothing came of it, so the next apply may send it again."""
    after, (fed,) = feed(OPEN, [FAILED])
    assert after == GONE
    assert fed.verdict is RecoveryVerdict.RECORDED


def test_an_open_create_in_doubt_keeps_what_came_back():
    """It stays in doubt; whoever settles it reads the answer."""
    after, (fed,) = feed(OPEN, [DOUBTED])
    assert after == ANSWERED
    assert fed.verdict is RecoveryVerdict.RECORDED


@pytest.mark.parametrize(
    ("before", "record"),
    [
        (HOLDING, CREATED),
        (ELSEWHERE, CREATED),
        (RIGHT, CREATED),
        (GONE, FAILED),
        (HOLDING, FAILED),
        (ABSENT, FAILED),
        (LATER, FAILED),
        (ANSWERED, DOUBTED),
        (RIGHT, DOUBTED),
        (ABSENT, DOUBTED),
    ],
)
def test_what_state_knows_changes_nothing(before, record):
    """Neither an outcome that it has nor one that a person settled in the same way."""
    after, (fed,) = feed(before, [record])
    assert after == before
    assert (fed.verdict, fed.hint) == (RecoveryVerdict.KNOWN, "")


@pytest.mark.parametrize(
    ("before", "record", "verdict", "said"),
    [
        (GONE, CREATED, RecoveryVerdict.UNKNOWN, f"created as {sid(1)}, and state does not know"),
        (GONE, DOUBTED, RecoveryVerdict.UNKNOWN, "state does not know"),
        (HOLDING, DOUBTED, RecoveryVerdict.UNKNOWN, "state does not know"),
        (LATER, CREATED, RecoveryVerdict.CONTRADICTS, "another attempt is in doubt"),
        (OTHER, CREATED, RecoveryVerdict.CONTRADICTS, f"state holds {sid(2)}"),
        (BOTH, CREATED, RecoveryVerdict.CONTRADICTS, f"{sid(1)}, which b holds"),
        (WRONG, CREATED, RecoveryVerdict.CONTRADICTS, f"settled it as {sid(2)}"),
        (ABSENT, CREATED, RecoveryVerdict.CONTRADICTS, "settled it as absent"),
        (WRONG, FAILED, RecoveryVerdict.CONTRADICTS, f"settled it as {sid(2)}"),
    ],
)
def test_what_does_not_fit_is_told_and_changes_nothing(before, record, verdict, said):
    """No person and no state is overruled; what to do is said."""
    after, (fed,) = feed(before, [record])
    assert after == before
    assert fed.verdict is verdict
    assert said in fed.message
    assert fed.hint


def test_feeding_twice_changes_nothing_more():
    """The same file fed to its own result is known in all that it recorded."""
    before = state(intents={"a": intent("t1"), "b": intent("t2"), "c": intent("t3")})
    records = [CREATED, failed("b", "t2"), doubted("c", "t3"), created("d", "t4", 4)]
    after, first = feed(before, records)
    again, second = feed(after, records)
    assert again == after
    assert [one.verdict for one in first] == [RecoveryVerdict.RECORDED] * 3 + [RecoveryVerdict.UNKNOWN]
    assert [one.verdict for one in second] == [RecoveryVerdict.KNOWN] * 3 + [RecoveryVerdict.UNKNOWN]


def test_one_sid_for_two_creates_is_recorded_once():
    """The second of them does not get what the first has."""
    before = state(intents={"a": intent("t1"), "b": intent("t2")})
    after, fed = feed(before, [CREATED, created("b", "t2", 1)])
    assert list(after.exams) == ["a"]
    assert list(after.intents) == ["b"]
    assert [one.verdict for one in fed] == [RecoveryVerdict.RECORDED, RecoveryVerdict.CONTRADICTS]


LOST = state()
INTENT = began("a", "t1")


def test_a_create_that_state_lost_is_put_back_as_it_was_sent():
    """The store lost its log: the file has the intent as well, so nothing is left to a person."""
    after, (fed,) = feed(LOST, [INTENT, CREATED])
    assert after.exams["a"] == intent("t1").as_created(sid(1), CREATED.at)
    assert fed.verdict is RecoveryVerdict.RECORDED
    assert feed(after, [INTENT, CREATED])[1][0].verdict is RecoveryVerdict.KNOWN


def test_a_create_without_an_outcome_that_state_lost_is_in_doubt():
    """It was sent, and nobody knows what became of it."""
    after, (fed,) = feed(LOST, [INTENT])
    assert after.intents == {"a": intent("t1")}
    assert (fed.verdict, fed.outcome) == (RecoveryVerdict.RECORDED, "in-doubt")
    answered, _ = feed(LOST, [INTENT, DOUBTED])
    assert answered == ANSWERED


def test_a_retry_that_state_lost_is_put_back_after_the_try_that_failed():
    """The first try was refused; the second one made the exam."""
    records = [INTENT, FAILED, began("a", "t2"), created("a", "t2", 2)]
    for before in (LOST, OPEN):
        after, fed = feed(before, records)
        assert after.exams["a"].sid == sid(2)
        assert [one.attempt for one in fed] == ["t1", "t2"]


def test_a_service_that_state_lost_is_bound_again():
    """The first intent bound it."""
    bound = msgspec.structs.replace(INTENT, service="https://api.example.edu")
    assert feed(LOST, [bound])[0].service == "https://api.example.edu"


@pytest.mark.parametrize(
    "before",
    [OPEN, ANSWERED, RIGHT, ABSENT, state(exams={"a": intent("t1").as_created(sid(1), CREATED.at)})],
)
def test_an_intent_that_state_knows_changes_nothing(before):
    """In doubt, settled, or created: its outcome may be in the store only."""
    after, (fed,) = feed(before, [INTENT])
    assert after == before
    assert (fed.verdict, fed.hint) == (RecoveryVerdict.KNOWN, "")


@pytest.mark.parametrize("before", [LATER, OTHER])
def test_an_intent_whose_address_is_taken_is_told(before):
    """By another attempt, or by another exam: the exam may exist twice."""
    after, (fed,) = feed(before, [INTENT])
    assert after == before
    assert fed.verdict is RecoveryVerdict.UNKNOWN
    assert fed.hint
