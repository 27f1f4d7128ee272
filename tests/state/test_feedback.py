"""Feedback: an outcome from a recovery file changes a state only where its create is still open there."""

import zlib

import msgspec
import pytest
from reconciler.state.journal_format import (
    decode_recovery,
    encode_header,
    encode_record,
    encode_recovery_header,
)
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

from reconciler.model.errors import StateTooNew
from reconciler.model.report import RecoveryVerdict
from reconciler.state.feedback import feed
from reconciler.state.strict_json import MalformedError

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


def test_intents_say_nothing():
    """A journal's own records of intents are passed over."""
    assert feed(OPEN, [began("a", "t1")]) == (OPEN, ())


HEADER = encode_recovery_header(LINEAGE, 3, location="file:s.json")
LINES = HEADER + encode_record(CREATED, number=1) + encode_record(failed("b", "t2"), number=2)


def test_a_recovery_file_is_read_back():
    """Lineage, serial and outcomes, in order."""
    found = decode_recovery(LINES, name="r")
    assert (found.lineage, found.serial) == (LINEAGE, 3)
    assert found.records == (CREATED, failed("b", "t2"))


def test_a_torn_end_is_left_out():
    """Every cut gives the whole lines before it, and no error."""
    counts = [
        -1 if (found := decode_recovery(LINES[:cut], name="r")) is None else len(found.records)
        for cut in range(len(LINES) + 1)
    ]
    assert counts == sorted(counts)
    assert set(counts) == {-1, 0, 1, 2}


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (LINES.replace(b'"created"', b'"creaTed"'), "line 2"),
        (HEADER + encode_record(CREATED, number=2), "line 2"),
        (encode_header(LINEAGE, 3) + encode_record(CREATED, number=1), "line 1"),
        (b"[]\n", "line 1"),
    ],
)
def test_other_damage_is_told_with_its_place(data, place):
    """A journal is no recovery file either."""
    with pytest.raises(MalformedError, match=place):
        decode_recovery(data, name="r")


def test_a_later_format_is_refused():
    """It may hold what this version does not understand."""
    text = HEADER[9:].replace(b'"formatVersion":2', b'"formatVersion":3')
    with pytest.raises(StateTooNew):
        decode_recovery(b"%08x %s" % (zlib.crc32(text.rstrip(b"\n")), text), name="r")
