"""Marks of secrets in snapshot and log: kept by all that makes an entry, and absent where none are."""

import json

import jsonschema
import pytest
from msgspec.structs import replace
from session_stores import a_lock
from state_builders import began, created, entry, intent, replay, state

from reconciler import schemas
from reconciler.model.errors import StateDamaged
from reconciler.model.records import LockRecord
from reconciler.model.secret_fingerprints import SecretFingerprints
from reconciler.planning import state_edits
from reconciler.planning.state_edits import Editor
from reconciler.state.log_format import decode_log, encode_log
from reconciler.state.state_format import decode_state, encode_state

MARKS = SecretFingerprints(
    key_id="0a1b2c3d", attempt="t1", digests={"configuration.password": "hmac-sha256:" + "5" * 64}
)
SCHEMA = jsonschema.Draft202012Validator(schemas.load("state"))


def test_decode_after_encode_is_identity():
    """In entries and intents alike, and what is written fits the schema."""
    known = state(
        {"a": replace(entry(1), secrets=MARKS), "b": entry(2)},
        {"c": replace(intent("t1"), secrets=MARKS), "d": intent("t2")},
    )
    data = encode_state(known)
    assert decode_state(data, location="here") == known
    assert SCHEMA.is_valid(json.loads(data))


def test_without_marks_the_document_has_no_key_for_them():
    """A state of a workspace without a key is byte for byte what it was before there were marks."""
    data = encode_state(state({"a": entry(1)}, {"c": intent("t1")}))
    assert b"secrets" not in data
    assert decode_state(data, location="here").exams["a"].secrets is None


def test_marks_go_through_the_log():
    """An intent's marks are those of the entry that its outcome makes."""
    known = state()
    begun = began("a", "t1")
    records = (replace(begun, intent=replace(begun.intent, secrets=MARKS)), created("a", "t1", 7))
    data = encode_log(known.lineage, known.serial, [LockRecord(lock=a_lock()), *records])
    log = decode_log(data, location="here")
    assert replay(known, log.records).exams["a"].secrets == MARKS


def test_a_doubt_that_is_settled_with_its_sid_keeps_its_marks():
    """What was sent is what is recorded, and so is what its password was."""
    known = state(intents={"a": replace(intent("t1"), secrets=MARKS)})
    editor = Editor(by="a test", at=intent("t1").started_at)
    left = state_edits.settle(known, "a", entry(1).sid, editor)
    assert state_edits.move(left, "a", "b").exams["b"].secrets == MARKS


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"keyId": "0a1b2c3d", "attempt": "t1"},
        {"keyId": "nothex!!", "attempt": "t1", "digests": {}},
        {"keyId": "0a1b2c3d", "attempt": "", "digests": {}},
        {"keyId": "0a1b2c3d", "attempt": "t1", "digests": {"p": "sha256:" + "5" * 64}},
        {"keyId": "0a1b2c3d", "attempt": "t1", "digests": {"p": 5}},
        {"keyId": "0a1b2c3d", "attempt": "t1", "digests": {}, "value": "x"},
    ],
)
def test_marks_of_another_shape_are_damage(broken):
    """Nothing is guessed: an unkeyed digest in the place of a keyed one is refused as well."""
    document = json.loads(encode_state(state({"a": replace(entry(1), secrets=MARKS)})))
    document["exams"]["a"]["secrets"] = broken
    with pytest.raises(StateDamaged, match=r"exams\.a\.secrets"):
        decode_state(json.dumps(document).encode(), location="here")
    assert not SCHEMA.is_valid(document)
