"""The snapshot's format: what is written is read back, and nothing else is."""

import json

import jsonschema
import pytest
from hypothesis import example, given
from json_cases import VALUES
from msgspec.structs import replace
from state_builders import NOW, entry, intent, sid, state

from reconciler import schemas
from reconciler.model.errors import StateDamaged, StateTooNew
from reconciler.model.identities import ConfigurationSid
from reconciler.model.payloads import digest_of
from reconciler.model.state import Acceptance, UnclearAnswer
from reconciler.state.state_format import decode_state, empty_state, encode_state
from reconciler.state.strict_json import decode_json

FULL = state({"a/one": entry(1), "b": entry(2)}, {"c": intent("t1")})
EVERYTHING = replace(
    FULL,
    service="https://api.example.edu/proctoring",
    exams={"a": replace(entry(1), configuration_sid=ConfigurationSid("EC" + "4" * 32))},
    intents={
        "c": replace(
            intent("t1"), answer=UnclearAnswer(status=409, reason="it exists", sids=(sid(7), sid(8)))
        )
    },
    acceptances=(
        Acceptance(
            address="a",
            sid=sid(1),
            before=entry(1).digest,
            digest=entry(2, "Final").digest,
            by="someone@somewhere",
            at=NOW,
            reason="the date was moved by hand",
        ),
    ),
)


def test_decode_after_encode_is_identity():
    """A state survives being written and read, with and without what is optional."""
    assert decode_state(encode_state(FULL), location="here") == FULL
    assert decode_state(encode_state(EVERYTHING), location="here") == EVERYTHING


@given(VALUES)
@example({"numbers": [1e16, 1e-07, -0.0, 2**70], "text": '\u2028\x7f\x00"\\/é😀', "empty": [{}, []]})
def test_any_payload_is_written_as_documented_and_read_back(value):
    """As `json` spells it, keys sorted, whatever it holds that can be written at all."""
    payload = {"title": "Midterm", "value": value}
    try:
        data = encode_state(state({"a": replace(entry(1), payload=payload)}))
    except UnicodeEncodeError:
        return
    assert data.decode() == json.dumps(json.loads(data), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if b"NaN" not in data and b"Infinity" not in data:
        assert repr(decode_state(data, location="here").exams["a"].payload) == repr(
            json.loads(json.dumps(payload, sort_keys=True))
        )


def test_known_payloads_are_held_once():
    """An entry holds the very payload that is known, whatever the order of its keys; no other is touched."""
    payload = {"url": "u", "title": "One", "configuration": {"b": [1, {}], "a": "é"}}
    edited = {**payload, "title": "Edited"}
    written = {
        "a": replace(entry(1), payload=payload, digest=digest_of(payload)),
        "b": replace(entry(2), payload=edited, digest=digest_of(payload)),
        "c": entry(3),
    }
    found = decode_state(
        encode_state(state(written)), location="here", payloads={digest_of(payload): payload}
    )
    assert found.exams == written
    assert found.exams["a"].payload is payload


def test_a_known_payload_takes_the_place_of_an_equal_one_while_json_is_read():
    """So the payloads of a large state are never in memory twice; any other value stays what it is."""
    payload = {"title": "One", "configuration": {}}
    known = {digest_of(payload): payload}
    for digest, written, is_shared in (
        (digest_of(payload), payload, True),
        (digest_of(payload), {**payload, "title": "Edited"}, False),
        ("sha256:0", payload, False),
        (["sha256:0"], None, False),
    ):
        document = {"digest": digest, "payload": written}
        read = decode_json(json.dumps([document]).encode(), known)
        assert read == [document]
        assert (read[0]["payload"] is payload) is is_shared


def test_a_state_of_version_1_is_read():
    """It is bound to no service, and is what it was in all else; the next write upgrades it."""
    document = json.loads(encode_state(FULL)) | {"formatVersion": 1}
    del document["service"]
    assert decode_state(json.dumps(document).encode(), location="here") == FULL


@pytest.mark.parametrize("by", ["Ren\ud83d", "a\u202eb\x1b[2J", "x\ny", "l" * 9_000])
def test_text_of_hosts_and_servers_that_an_earlier_version_took_as_it_came_is_tamed(by):
    """A state that holds half a character can be read, and written again."""
    document = json.loads(encode_state(FULL))
    document["intents"]["c"]["by"] = by
    document["intents"]["c"]["answer"] = {"status": 500, "reason": by, "requestId": by}
    found = decode_state(json.dumps(document).encode(), location="here")
    intent = found.intents["c"]
    assert intent.by == intent.answer.reason == intent.answer.request_id
    assert intent.by.isprintable()
    assert intent.by.encode()
    assert decode_state(encode_state(found), location="here") == found


def test_bytes_review_well():
    """Keys are sorted, the text is indented, and one newline ends it."""
    text = encode_state(FULL).decode()
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_what_is_written_satisfies_the_published_schema():
    """The schema that ships describes the file that is written."""
    jsonschema.Draft202012Validator(schemas.load("state")).validate(json.loads(encode_state(FULL)))
    jsonschema.Draft202012Validator(schemas.load("state")).validate(json.loads(encode_state(EVERYTHING)))
    jsonschema.Draft202012Validator(schemas.load("state")).validate(
        json.loads(encode_state(empty_state(FULL.lineage)))
    )


def _edited(**changes):
    document = json.loads(encode_state(FULL))
    document.update(changes)
    return json.dumps(document).encode()


def _entry(**changes):
    document = json.loads(encode_state(FULL))
    document["exams"]["a/one"].update(changes)
    return json.dumps(document).encode()


def _without(key):
    document = json.loads(encode_state(FULL))
    del document["exams"]["a/one"][key]
    return json.dumps(document).encode()


NONSENSE = {
    "empty": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "not UTF-8": b"\xff\xfe{}",
    "deep": b"[" * 100_000,
    "long number": b'{"formatVersion": ' + b"9" * 5000 + b"}",
    "NaN": b'{"formatVersion": NaN}',
    "a key twice": b'{"formatVersion": 1, "formatVersion": 1}',
    "version 0": _edited(formatVersion=0),
    "version true": _edited(formatVersion=True),
    "unknown key": _edited(extra=1),
    "serial negative": _edited(serial=-1),
    "serial text": _edited(serial="3"),
    "lineage empty": _edited(lineage=""),
    "exams a list": _edited(exams=[]),
    "exams null": _edited(exams=None),
    "bad address": _edited(exams={"../x": {}}),
    "entry null": _edited(exams={"x": None}),
    "an EX SID twice": _entry(sid=sid(2)),
    "a wrong SID": _entry(sid="EX123"),
    "a wrong course": _entry(courseSid="AI" + "1" * 32),
    "a wrong digest": _entry(digest="md5:1"),
    "a date that is none": _entry(createdAt="yesterday"),
    "a date before the calendar": _entry(createdAt="0001-01-01T00:00:00+14:00"),
    "a date without offset": _entry(createdAt="2031-09-01T12:00:00"),
    "payload text": _entry(payload="x"),
    "entry with an unknown key": _entry(password="x"),
    "a wrong configuration": _entry(configurationSid="EX" + "4" * 32),
    "service a number": _edited(service=1),
    "version 1 with a service": _edited(formatVersion=1),
    "acceptances an object": _edited(acceptances={}),
    "acceptance of nothing": _edited(acceptances=[{}]),
    "a wrong SID in an answer": _edited(
        intents={
            "c": json.loads(encode_state(FULL))["intents"]["c"]
            | {"answer": {"status": 500, "reason": "", "sids": ["EX1"]}}
        }
    ),
    "no sid": _without("sid"),
    "no payload": _without("payload"),
    "created and in doubt": _edited(intents={"b": json.loads(encode_state(FULL))["intents"]["c"]}),
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_refused(data):
    """A state that this product would not have written is reported with its place, never repaired."""
    with pytest.raises(StateDamaged) as caught:
        decode_state(data, location="file:x.json")
    assert "file:x.json" in caught.value.message
    assert "`reconciler state restore`" in caught.value.hint


def test_the_line_where_a_state_was_cut_is_named():
    """In plain words, and not in those of the parser."""
    cut = encode_state(FULL)[:300]
    with pytest.raises(StateDamaged) as caught:
        decode_state(cut, location="file:x.json")
    line = cut.count(b"\n") + 1
    assert f": line {line} is cut off, or was edited by hand" in caught.value.message


def test_a_newer_version_is_refused_as_such():
    """The remedy for a newer format is an upgrade, not a restore."""
    with pytest.raises(StateTooNew) as caught:
        decode_state(_edited(formatVersion=5), location="file:x.json")
    assert "Upgrade" in caught.value.hint
