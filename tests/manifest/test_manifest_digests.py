"""The fast spelling of a payload is the canonical one, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import digests
from reconciler.manifest.effective import body_of
from reconciler.manifest.shells import context_of
from reconciler.manifest.yaml_documents import read
from reconciler.manifest.yaml_nodes import Mapping
from reconciler.model import payloads
from reconciler.model.environment import Environment

NUMBERS = st.integers() | st.integers(-(2**70), 2**70)
TEXTS = (
    st.text()
    | st.text(alphabet=st.characters(max_codepoint=0x2F))
    | st.sampled_from(["\u2028", "\x7f", '\\"/', "é"])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
FRACTIONS = st.floats(allow_nan=False, allow_infinity=False).map(repr)


@given(payload=st.dictionaries(TEXTS, VALUES, max_size=6))
def test_both_spellings_are_one(payload):
    """Whatever a payload without a float holds, the bytes and so the digest are the canonical ones."""
    assert digests.canonical_bytes(payload) == payloads.canonical_bytes(payload)
    assert digests.digest_of(payload) == payloads.digest_of(payload)


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_numbers_that_orjson_does_not_take(number):
    """Numbers of more than 64 bits are spelt as Python spells them."""
    assert digests.canonical_bytes({"n": number}) == payloads.canonical_bytes({"n": number})


def test_half_a_character_has_no_spelling():
    """What the canonical form refuses is refused."""
    with pytest.raises(ValueError, match="surrogates"):
        digests.canonical_bytes({"title": "\ud800"})


def body(text: str) -> object:
    """The body of an exam written as `text`."""
    findings, document = read("f", text.encode())
    assert document is not None
    context = context_of([document.root], Environment(), findings, are_whole=False)
    return body_of(document.root, context)


@given(
    number=FRACTIONS
    | st.integers(-(10**20), 10**20).map(str)
    | st.sampled_from(["1e16", "1e-5", "5e-324", "0.1", "1.0"]),
    place=st.sampled_from(
        ["a: {}", "configuration: {{a: {}}}", "configuration: {{a: [1, {{b: {}}}]}}", "a: [[{}]]"]
    ),
)
def test_digests_are_canonical_wherever_a_number_stands(number, place):
    """Whole or with a fraction, at any depth: the digest of a body is that of its canonical form."""
    found = body(place.format(number))
    assert found.digest == payloads.digest_of(found.payload)


def test_a_body_is_as_it_was_written():
    """Keys keep their order but for the configuration, and nothing has marks any more."""
    found = body("z: 1.0\nconfiguration: {b: [x, {c: 2}], a: ~}\ntitle: t\ncourse: c\n")
    assert found.payload == {"z": 1, "title": "t", "configuration": {"b": ["x", {"c": 2}], "a": None}}
    assert not any(isinstance(value, Mapping) for value in found.payload.values())
    assert type(found.payload["z"]) is int
