"""The log's format, and replay: torn tails are tolerated, everything else is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from session_stores import a_lock
from state_builders import LINEAGE, began, created, doubted, entry, failed, intent, replay, sid, state

from reconciler.model.errors import StateDamaged, StateTooNew
from reconciler.model.identities import ConfigurationSid
from reconciler.model.records import BrokenRecord, LockRecord, UnlockRecord
from reconciler.state.log_format import decode_log, encode_line, encode_log, encode_records
from reconciler.state.strict_json import MalformedError

LOCK = LockRecord(lock=a_lock())
RECORDS = (
    LOCK,
    began("a", "t1"),
    created("a", "t1", 1),
    began("b", "t2"),
    failed("b", "t2"),
    began("b", "t3"),
    doubted("b", "t3"),
    began("c", "t4"),
)
WHOLE = encode_log(LINEAGE, 3, RECORDS)
LINES = WHOLE.splitlines(keepends=True)
EARLY_HEADER = {"number": 0, "type": "journal", "formatVersion": 1, "lineage": LINEAGE, "serial": 3}


def test_decode_after_encode_is_identity():
    """A log survives being written and read."""
    log = decode_log(WHOLE, location="x")
    assert log is not None
    assert (log.lineage, log.serial, log.records) == (LINEAGE, 3, RECORDS)


def test_a_known_payload_is_held_once():
    """An intent holds the very payload that is known by its digest."""
    known = dict(RECORDS[1].intent.payload)
    log = decode_log(WHOLE, location="x", payloads={RECORDS[1].intent.digest: known})
    assert log is not None
    assert log.records == RECORDS
    assert log.records[1].intent.payload is known


def test_what_binds_a_state_and_what_configures_an_exam_are_in_the_log():
    """The service with each intent, and the configuration's SID with a created exam; replay has both."""
    configuration = ConfigurationSid("EC" + "4" * 32)
    records = (
        replace(began("a", "t1"), service="https://api.example.edu"),
        replace(created("a", "t1", 1), configuration_sid=configuration),
    )
    log = decode_log(encode_log(LINEAGE, 3, (LOCK, *records)), location="x")
    assert log is not None
    assert log.records == (LOCK, *records)
    after = replay(state(), log.records)
    assert after.service == "https://api.example.edu"
    assert after.exams["a"].configuration_sid == configuration


@pytest.mark.parametrize("version", [1, 2])
def test_a_log_of_an_earlier_version_is_read(version):
    """It has no locks; that of version 1 binds its state to no service."""
    header = encode_line(EARLY_HEADER | {"formatVersion": version})
    log = decode_log(header + encode_records(RECORDS[1:], after=0), location="x")
    assert log is not None
    assert (log.records, log.is_early, log.lock) == (RECORDS[1:], True, None)
    assert replay(state(), log.records).service is None


def test_no_bytes_are_no_log():
    """An empty log and one whose header is torn say nothing."""
    assert decode_log(b"", location="x") is None
    assert decode_log(LINES[0][:20], location="x") is None


@given(st.integers(min_value=0, max_value=len(WHOLE)))
def test_any_prefix_replays_to_a_valid_state(length):
    """Torn anywhere, the whole records before the tear count, and give a state that can be."""
    log = decode_log(WHOLE[:length], location="x")
    if log is None:
        assert length < len(LINES[0])
        return
    assert log.records == RECORDS[: len(log.records)]
    kept = len(encode_log(LINEAGE, 3, log.records))
    assert 0 <= length - kept + 1 < max(map(len, LINES)) + 1
    after = replay(state(), log.records)
    assert not set(after.exams) & set(after.intents)


def test_a_last_record_that_lacks_only_its_newline_counts():
    """Cut exactly at its end, an intent still says that a request may have been sent."""
    log = decode_log(WHOLE[:-1], location="x")
    assert log is not None
    assert log.records == RECORDS


def test_replay_gives_what_happened():
    """Created exams are entries, open and doubtful intents stay, failed ones go."""
    after = replay(state(), RECORDS)
    assert after.exams["a"].sid == sid(1)
    assert after.intents["b"].answer is not None
    assert after.intents["b"].answer.status == 502
    assert after.intents["c"].attempt == "t4"
    assert after.serial == 3


DAMAGE = {
    "a flipped bit": WHOLE.replace(b"created", b"creatad", 1),
    "a line lost": b"".join(LINES[:2] + LINES[3:]),
    "a line doubled": b"".join([*LINES[:2], LINES[1], *LINES[2:]]),
    "two lines swapped": b"".join([LINES[0], LINES[2], LINES[1]]),
    "no header": b"".join(LINES[1:]),
    "an alien line": LINES[0] + b"hello\n",
    "an empty line": LINES[0] + b"\n",
    "NUL bytes and a newline": LINES[0] + b"\0" * 40 + b"\n",
    "a torn line in the middle": LINES[0] + LINES[1][:30] + b"\n" + LINES[2],
    "an unknown type": LINES[0] + encode_line({"number": 1, "type": "x", "address": "a", "attempt": "t"}),
    "a bad address": LINES[0] + encode_line({"number": 1, "type": "failed", "address": "../a"}),
    "a header of two minds": encode_line(EARLY_HEADER | {"formatVersion": 3}),
    "an early header of the present type": encode_line(EARLY_HEADER | {"type": "log"}),
    "a record without a lock": encode_log(LINEAGE, 3, RECORDS[1:]),
    "a lock that is taken twice": encode_log(LINEAGE, 3, (LOCK, LOCK)),
    "the end of another lock": encode_log(LINEAGE, 3, (LOCK, UnlockRecord(lock_id="l2"))),
    "a record behind the lock": encode_log(LINEAGE, 3, (LOCK, UnlockRecord(lock_id="l1"), began("a", "t"))),
    "a list for a record": LINES[0] + encode_line([1]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("data", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_reported(data):
    """Anything but a torn tail stops, with the line and the remedy, because it may hide a SID."""
    with pytest.raises(StateDamaged, match=r"log of file:x.json is damaged: .*line \d") as caught:
        decode_log(data, location="file:x.json")
    assert "Keep the log" in caught.value.hint


def test_a_newer_version_is_refused_as_such():
    """The remedy for a newer format is an upgrade."""
    newer = encode_line({"number": 0, "type": "log", "formatVersion": 4})
    with pytest.raises(StateTooNew):
        decode_log(newer, location="x")


@pytest.mark.parametrize(
    ("before", "records"),
    [
        (state(), [created("a", "t1", 1)]),
        (state(), [began("a", "t1"), created("a", "t2", 1)]),
        (state(), [began("a", "t1"), began("a", "t2")]),
        (state({"a": entry(1)}), [began("a", "t1")]),
        (state({"a": entry(1)}), [began("a", "t1"), failed("a", "t1")]),
        (state({"a": entry(1)}), [began("a", "t1"), created("a", "t1", 2)]),
        (state(), [began("a", "t1"), created("a", "t1", 1), began("a", "t2"), created("a", "t2", 2)]),
        (state({"x": entry(1)}), [began("a", "t1"), created("a", "t1", 1)]),
        (state({}, {"a": intent("t1")}), [began("a", "t2")]),
    ],
    ids=[
        "no intent",
        "other attempt",
        "second intent",
        "created already",
        "created already, and refused",
        "created already, and once more",
        "created in this log, and once more",
        "SID taken",
        "in doubt already",
    ],
)
def test_a_record_that_cannot_follow_is_refused(before, records):
    """Replay never makes up a history that the protocol cannot have written."""
    with pytest.raises(MalformedError):
        replay(before, records)


def test_the_lock_is_that_of_the_last_record_about_it():
    """Taken, broken, taken by another run, released."""
    other = LockRecord(lock=a_lock("l2"))
    broken = BrokenRecord(lock_id="l1", by="me", at=LOCK.lock.since)
    steps = [(LOCK, "l1"), (broken, None), (other, "l2"), (UnlockRecord(lock_id="l2"), None)]
    for count, (_, holder) in enumerate(steps, start=1):
        log = decode_log(encode_log(LINEAGE, 3, [record for record, _ in steps[:count]]), location="x")
        assert log is not None
        assert (None if log.lock is None else log.lock.lock_id) == holder
