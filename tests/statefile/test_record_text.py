"""The text of records: what orjson reads is what `json` reads, and what it writes says the same."""

import json
from itertools import count

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from json_cases import ODD_TEXTS, VALUES, answer, whole

from reconciler.statefile import fields, record_text


@pytest.fixture(autouse=True)
def many_were_told(monkeypatch):
    """Records of tests are few; take the way of many."""
    monkeypatch.setattr(record_text, "_told", count(1_000_000))


def as_json_writes(document: object) -> bytes:
    """How `json` spells a record."""
    return json.dumps(document, separators=(",", ":")).encode()


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
@example({"float": 1e-07, "large": 1e16, "small": 0.00001, "zero": -0.0})
@example({"integer": 2**64, "text": '\u2028\x7f\x00"\\/é😀', "empty": [{}, []]})
@example({"surrogate": "\ud800"})
def test_what_is_written_says_what_was_meant(document):
    """To whoever reads it by `json`, and on one line; but for NaN, which no record has.

    We read half a character as U+FFFD.
    """
    if "NaN" in json.dumps(document) or "Infinity" in json.dumps(document):
        return
    text = record_text.spell(document)
    assert repr(json.loads(text)) == repr(document)
    assert b"\n" not in text
    assert repr(record_text.parse(text)) == repr(whole(document))


@given(VALUES, st.integers(0, 200), st.binary(max_size=2))
def test_what_is_read_is_what_json_reads(document, at, put):
    """Of a record, and of one that was damaged anywhere, with the same complaint."""
    whole = as_json_writes(document)
    for data in (whole, whole[:at] + put + whole[at:], whole[:at] + put + whole[at + len(put) :]):
        assert answer(record_text.parse, data) == answer(fields.decode_json, data)


@pytest.mark.parametrize("data", ODD_TEXTS, ids=lambda data: repr(data[:20]))
def test_odd_texts_are_read_as_before(data):
    """Doubled keys, numbers without bounds, escapes, depths: what was refused is, and what was taken is."""
    for text in (data, b'{"a":' + data + b"}", b"[" + data + b"]"):
        assert answer(record_text.parse, text) == answer(fields.decode_json, text)


@pytest.mark.parametrize("depth", [90, 99, 101, 900, 1100])
def test_a_record_that_is_nested_too_deeply_is_refused_as_before(depth):
    """Even one that orjson would take."""
    text = b"[" * depth + b"1" + b"]" * depth
    assert answer(record_text.parse, text) == answer(fields.decode_json, text)
