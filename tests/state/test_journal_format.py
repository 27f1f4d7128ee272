"""The journal's format, and replay: torn tails are tolerated, everything else is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from state_builders import LINEAGE, began, created, doubted, entry, failed, intent, sid, state

from reconciler.model.errors import StateDamaged, StateTooNew
from reconciler.model.identities import ConfigurationSid
from reconciler.state.journal_format import _encode_line, decode_journal, encode_header, encode_record
from reconciler.state.replay import replay
from reconciler.state.strict_json import MalformedError

RECORDS = (
    began("a", "t1"),
    created("a", "t1", 1),
    began("b", "t2"),
    failed("b", "t2"),
    began("b", "t3"),
    doubted("b", "t3"),
    began("c", "t4"),
)
LINES = [
    encode_header(LINEAGE, 3),
    *(encode_record(record, number=number) for number, record in enumerate(RECORDS, start=1)),
]
WHOLE = b"".join(LINES)


def test_decode_after_encode_is_identity():
    """A journal survives being written and read."""
    journal = decode_journal(WHOLE, location="x")
    assert journal is not None
    assert (journal.lineage, journal.serial, journal.records) == (LINEAGE, 3, RECORDS)
    assert journal.size_bytes == len(WHOLE)


def test_what_binds_a_state_and_what_configures_an_exam_are_in_the_journal():
    """The service with each intent, and the configuration's SID with a created exam; replay has both."""
    configuration = ConfigurationSid("EC" + "4" * 32)
    records = (
        replace(began("a", "t1"), service="https://api.example.edu"),
        replace(created("a", "t1", 1), configuration_sid=configuration),
    )
    lines = [encode_record(record, number=number) for number, record in enumerate(records, start=1)]
    journal = decode_journal(b"".join([LINES[0], *lines]), location="x")
    assert journal is not None
    assert journal.records == records
    after = replay(state(), journal.records)
    assert after.service == "https://api.example.edu"
    assert after.exams["a"].configuration_sid == configuration


def test_a_journal_of_version_1_is_read():
    """It binds its state to no service."""
    header = {"number": 0, "type": "journal", "formatVersion": 1, "lineage": LINEAGE, "serial": 3}
    journal = decode_journal(b"".join([_encode_line(header), *LINES[1:]]), location="x")
    assert journal is not None
    assert journal.records == RECORDS
    assert replay(state(), journal.records).service is None


def test_no_bytes_are_no_journal():
    """An empty journal and one whose header is torn say nothing."""
    assert decode_journal(b"", location="x") is None
    assert decode_journal(LINES[0][:20], location="x") is None


@given(st.integers(min_value=0, max_value=len(WHOLE)))
def test_any_prefix_replays_to_a_valid_state(length):
    """Torn anywhere, the whole records before the tear count, and give a state that can be."""
    journal = decode_journal(WHOLE[:length], location="x")
    if journal is None:
        assert length < len(LINES[0])
        return
    assert journal.records == RECORDS[: len(journal.records)]
    assert len(WHOLE[:length]) - journal.size_bytes < max(map(len, LINES))
    after = replay(state(), journal.records)
    assert not set(after.exams) & set(after.intents)


def test_a_last_record_that_lacks_only_its_newline_counts():
    """Cut exactly at its end, an intent still says that a request may have been sent."""
    journal = decode_journal(WHOLE[:-1], location="x")
    assert journal is not None
    assert journal.records == RECORDS


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
    "an unknown type": LINES[0] + _encode_line({"number": 1, "type": "x", "address": "a", "attempt": "t"}),
    "a bad address": LINES[0] + _encode_line({"number": 1, "type": "failed", "address": "../a"}),
    "a list for a record": LINES[0] + _encode_line([1]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("data", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_reported(data):
    """Anything but a torn tail stops, with the line and the remedy, because it may hide a SID."""
    with pytest.raises(StateDamaged, match=r"journal of file:x.json is damaged: .*line \d") as caught:
        decode_journal(data, location="file:x.json")
    assert "Keep the journal" in caught.value.hint


def test_a_newer_version_is_refused_as_such():
    """The remedy for a newer format is an upgrade."""
    newer = _encode_line({"number": 0, "type": "journal", "formatVersion": 3})
    with pytest.raises(StateTooNew):
        decode_journal(newer, location="x")


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
        "created in this journal, and once more",
        "SID taken",
        "in doubt already",
    ],
)
def test_a_record_that_cannot_follow_is_refused(before, records):
    """Replay never makes up a history that the protocol cannot have written."""
    with pytest.raises(MalformedError):
        replay(before, records)
