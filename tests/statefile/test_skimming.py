"""A snapshot that is read along known payloads says what it says to who reads all of it."""

import json

import pytest
import state_builders
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from state_builders import COURSE, INSTALL, intent, sid, state

from reconciler.model.errors import ReconcilerError
from reconciler.model.identities import ConfigurationSid
from reconciler.model.payloads import digest_of
from reconciler.model.secret_marks import SecretMarks
from reconciler.statefile import skimming, snapshot_text, state_format
from reconciler.statefile.state_format import decode_state, encode_state

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PAYLOADS = st.dictionaries(st.sampled_from(["title", "url", "configuration"]), VALUES, max_size=3)
MARKS = SecretMarks(key_id="0" * 8, attempt="t1", digests={"x": f"hmac-sha256:{'a' * 64}"})
ADDRESSES = st.sampled_from(["a", "a-b", "a.b", "a/b", "a/b/c", "b", "B", "9"])


@pytest.fixture(autouse=True)
def every_size_is_large(monkeypatch):
    """Texts of tests are small; take the way of large ones."""
    monkeypatch.setattr(snapshot_text, "_SMALL_BYTES", -1)


def entry(number, payload, secrets=None):
    """An entry that holds `payload`."""
    made = state_builders.entry(number)
    return replace(made, payload=payload, digest=digest_of(payload), secrets=secrets)


@st.composite
def states(draw):
    """A state, and the payloads of it that are known, copied."""
    drawn = draw(
        st.dictionaries(ADDRESSES, st.tuples(PAYLOADS, st.booleans(), st.booleans()), min_size=1, max_size=5)
    )
    held = {
        address: entry(number, payload, MARKS if has_marks else None)
        for number, (address, (payload, has_marks, _)) in enumerate(drawn.items())
    }
    known = {
        digest_of(payload): json.loads(json.dumps(payload))
        for payload, _, is_known in drawn.values()
        if is_known
    }
    return state(held, draw(st.sampled_from([{}, {"doubted": intent("t1")}]))), known


def in_order(value):
    """`value`, keys sorted: that is all that may differ."""
    match value:
        case dict():
            return {key: in_order(value[key]) for key in sorted(value)}
        case list():
            return [in_order(one) for one in value]
    return value


def answer(data, payloads=None):
    """What is read of `data`, types and all, or how it is refused."""
    try:
        read = decode_state(data, location="here", payloads=payloads)
        exams = {
            address: replace(held, payload=in_order(held.payload)) for address, held in read.exams.items()
        }
        return repr(replace(read, exams=exams))
    except ReconcilerError as error:
        return f"refused: {error} {error.hint}"


@given(states())
def test_a_state_is_what_it_was(drawn):
    """Whichever of its payloads are known, a state is read as it was written."""
    known_state, known = drawn
    data = encode_state(known_state)
    assert decode_state(data, location="here", payloads=known) == known_state
    assert answer(data, known) == answer(data)


@given(states(), st.integers(0), st.integers(0, 40), st.binary(max_size=3))
def test_a_text_that_was_changed_is_read_or_refused_as_before(drawn, at, gone, put):
    """Wherever something was cut out of it or put into it, with the same complaint."""
    known_state, known = drawn
    data = encode_state(known_state)
    at %= len(data)
    changed = data[:at] + put + data[at + gone :]
    assert answer(changed, known) == answer(changed)


@given(states(), st.data())
def test_lines_that_were_changed_are_read_or_refused_as_before(drawn, data):
    """Lines left out, doubled, swapped or taken from elsewhere are what a merge leaves."""
    known_state, known = drawn
    lines = encode_state(known_state).splitlines(keepends=True)
    places = st.integers(0, len(lines) - 1)
    one, other = data.draw(places), data.draw(places)
    for changed in (
        [*lines[:one], *lines[one + 1 :]],
        [*lines[:one], lines[other], *lines[one:]],
        [*lines[:one], lines[other], *lines[one + 1 :]],
    ):
        assert answer(b"".join(changed), known) == answer(b"".join(changed))


CONFIGURED = replace(entry(1, {"title": "One"}), configuration_sid=ConfigurationSid("EC" + "4" * 32))
FULL = encode_state(state({"a": CONFIGURED, "b": entry(2, {"title": "Two"})}))
KNOWN = {digest_of({"title": title}): {"title": title} for title in ("One", "Two")}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"b": {', b'"a": {'),
        (b'"a": {', b'"c": {'),
        (b'"a": {', b'"a//c": {'),
        (b'"a": {', b'"\\u0061": {'),
        (b'"title": "One"', b'"title": "Other"'),
        (b'"title": "One"', b'"title": "Uno"'),
        (b'"title": "One"', b'"title": "O\\u006ee"'),
        (b'"title": "One"', b'"title": "One", "title": "One"'),
        (b'"title": "One"\n', b'"title": "One",\n        "url": "u"\n'),
        (b'"title": "One"', b'"title":  "One"'),
        (b"12:00:00", b"99:00:00"),
        (b"12:00:00.000Z", b"14:00:00.0+02:00"),
        (b"12:00:00.000Z", b"12:00:00.0000000"),
        (b"12:00:00.000Z", b"12:00:00Z"),
        (b"12:00:00.000Z", b"12:00:00.0000"),
        (b"12:00:00.000Z", b"14:00:00+0200"),
        (sid(1).encode(), sid(2).encode()),
        (b"EX0", b"Ex0"),
        (INSTALL.encode(), INSTALL.encode() + b"1"),
        (COURSE.encode(), COURSE.encode()[:-1]),
        (b"sha256:", b"SHA256:"),
        (b"    },\n", b"    }\n"),
        (b"    }\n  },\n", b"    },\n  },\n"),
        (b"    }\n  },\n", b"    }\n  ],\n"),
        (b"    }\n  },\n", b"    }\n  }\n}\n"),
        (b'"formatVersion": 4', b'"formatVersion": 9'),
        (b'"formatVersion": 4', b'"exams": {},\n  "formatVersion": 4'),
        (b'"formatVersion"', b'"other": 1,\n  "formatVersion"'),
        (b'{\n  "exams": {', b'{\n  "absent": 1,\n  "exams": {'),
        (b'  "service": null\n}\n', b'  "service": null\n}\n\n'),
        (b'  "service": null\n}\n', b'  "service": null\n}'),
    ],
)
def test_what_is_not_as_written_is_read_or_refused_as_before(old, new):
    """Other keys, orders, spellings, moments, identities and ends."""
    changed = FULL.replace(old, new)
    assert changed != FULL
    assert answer(changed, KNOWN) == answer(changed)


@given(VALUES)
@example(1e16)
@example({"deep": [[[1e-07, -0.0, 2**70, "\u2028"]]]})
def test_a_payload_is_taken_for_what_it_spells(value):
    """Numbers that `json` and orjson spell otherwise included."""
    payload = {"value": value}
    data = encode_state(state({"a": entry(1, payload)}))
    assert answer(data, {digest_of(payload): payload}) == answer(data)


def test_known_payloads_are_held_once():
    """An entry holds the very payload that is known, whatever the order of its keys; no other is made."""
    payload = {"url": "u", "title": "One", "configuration": {"b": [1, {}], "a": "é"}}
    data = encode_state(state({"a": entry(1, payload), "b": entry(2, {"title": "Two"})}))

    def refuse(_value, address):
        raise AssertionError(address)

    skimmed = skimming.skim(data, KNOWN | {digest_of(payload): payload}, refuse)
    assert skimmed is not None
    assert skimmed.entries["a"].payload is payload
    assert skimmed.entries["b"].payload is KNOWN[digest_of({"title": "Two"})]
    assert skimmed.rest == json.loads(data) | {"exams": {}}


def test_what_is_not_known_is_read_by_itself():
    """One exam that differs does not have all others read anew."""
    read = []

    def decode(value, address):
        read.append(address)
        return state_format._decode_entry(value, address)

    (known, *_) = KNOWN
    skimmed = skimming.skim(FULL, {known: KNOWN[known]}, decode)
    assert skimmed is not None
    assert read == ["b"]
    assert skimmed.entries == decode_state(FULL, location="here").exams
