"""The text of snapshots: what orjson reads and writes is what `json` reads and writes."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from json_cases import ODD_TEXTS, VALUES, answer
from state_builders import COURSE, INSTALL, LINEAGE, NOW, sid, state

from reconciler import json_text
from reconciler.model.payloads import digest_of
from reconciler.model.state import Entry
from reconciler.statefile import fields, snapshot_text, state_format
from reconciler.statefile.state_format import decode_state, encode_state


@pytest.fixture(autouse=True)
def every_size_is_large(monkeypatch):
    """Texts of tests are small; take the way of large ones."""
    monkeypatch.setattr(snapshot_text, "_SMALL_BYTES", -1)
    monkeypatch.setattr(json_text, "_FEW", -1)


def as_json_writes(document: object) -> bytes:
    """The format as it is documented."""
    return f"{json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)}\n".encode()


def spelt(spell, document: object) -> bytes | type[Exception]:
    """What `spell` writes, or what it raises."""
    try:
        return spell(document)
    except ValueError as error:
        return type(error)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
@example({"float": 1e-07, "large": 1e16, "small": 0.00001, "not": float("nan")})
@example({"integer": 2**64, "text": '\u2028\x7f\x00"\\/é😀', "empty": [{}, []]})
@example({"surrogate": "\ud800"})
def test_what_is_written_is_what_json_writes(document):
    """Byte for byte, whatever a payload holds; and what `json` cannot write is refused as before."""
    assert spelt(snapshot_text.spell, document) == spelt(as_json_writes, document)


@given(VALUES)
@example([1e-07, {"b": 1, "a": 2}])
@example({"surrogate": "\ud800", "integer": 2**70})
def test_documents_are_spelt_as_json_spells_them(document):
    """Keys in their order, and lone surrogates and all numbers as before."""
    assert json_text.indented(document) == json.dumps(document, indent=2, ensure_ascii=False)


@given(VALUES, st.integers(0, 400), st.binary(max_size=2))
def test_what_is_read_is_what_json_reads(document, at, put):
    """Of a text in the format, and of one that was damaged anywhere, with the same complaint."""
    try:
        whole = as_json_writes(document)
    except UnicodeEncodeError:
        whole = json.dumps(document, indent=2, sort_keys=True).encode()
    for data in (whole, whole[:at] + put + whole[at:], whole[:at] + put + whole[at + len(put) :]):
        assert answer(snapshot_text.parse, data) == answer(fields.decode_json, data)


@pytest.mark.parametrize("data", ODD_TEXTS, ids=lambda data: repr(data[:20]))
def test_odd_texts_are_read_as_before(data):
    """Doubled keys, numbers without bounds, escapes, depths: what was refused is, and what was taken is."""
    for text in (data, b'{\n  "a": ' + data + b"\n}\n", b"[\n  " + data + b"\n]\n"):
        assert answer(snapshot_text.parse, text) == answer(fields.decode_json, text)


def test_a_text_that_is_nested_too_deeply_is_refused_as_before():
    """Even one that is spelt as the format asks for, which orjson would take."""
    data = b"[\n"
    for depth in range(1, 1015):
        data += b"  " * depth + b"[\n"
    assert answer(snapshot_text.parse, data) == answer(fields.decode_json, data)
    whole = data + b"  " * 1015 + b"1\n" + b"".join(b"  " * depth + b"]\n" for depth in range(1014, -1, -1))
    assert answer(snapshot_text.parse, whole) == answer(fields.decode_json, whole)


ENTRY = {
    "sid": sid(1),
    "installSid": INSTALL,
    "courseSid": COURSE,
    "digest": digest_of({}),
    "createdAt": "2031-09-01T12:00:00.000Z",
    "payload": {},
}
ODD = st.one_of(
    VALUES,
    st.sampled_from([sid(1) + "\n", sid(1).upper(), f"{sid(1)} {INSTALL}", "", "2031-09-01T14:00:00+02:00"]),
    st.sampled_from(
        ["2031-09-01", "2031-09-01T12:00:00", "2031-09-01T12:00:00Z", "0001-01-01T00:00:00+14:00"]
    ),
)


@given(
    st.dictionaries(st.sampled_from([*ENTRY, "secrets", "extra"]), ODD, max_size=3),
    st.sets(st.sampled_from([*ENTRY])),
)
def test_the_short_way_takes_nothing_that_the_long_way_refuses(changes, missing):
    """An entry that the one pattern takes is the one that every single check lets through."""
    found = {key: value for key, value in (ENTRY | changes).items() if key not in missing or key in changes}
    short = state_format._decode_common_entry(found)
    if short is not None:
        assert short == state_format._decode_any_entry(found, "x")


def test_the_short_way_is_the_common_one():
    """What this product writes is read by it."""
    assert state_format._decode_common_entry(ENTRY) == state_format._decode_any_entry(ENTRY, "x")


@given(VALUES)
def test_a_state_is_written_as_before_and_read_back(value):
    """Whatever a payload holds that can be written at all."""
    payload = {"title": "Midterm", "value": value}
    held = Entry(
        sid=sid(1),
        install_sid=INSTALL,
        course_sid=COURSE,
        digest=digest_of("x"),
        payload=payload,
        created_at=NOW,
    )
    try:
        data = encode_state(state({"a": held}))
    except UnicodeEncodeError:
        return
    assert data == as_json_writes(json.loads(data))
    if b"NaN" not in data and b"Infinity" not in data:
        assert decode_state(data, location="here").exams["a"].payload == payload
        assert decode_state(data, location="here").lineage == LINEAGE
