"""The fast spelling of a payload is the canonical one, byte for byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import digests
from reconciler.model import payloads

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
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


@given(payload=st.dictionaries(TEXTS, VALUES, max_size=6))
def test_both_spellings_are_one(payload):
    """Whatever a payload holds, orjson or not, the bytes and so the digest are the canonical ones."""
    assert digests.canonical_bytes(payload) == payloads.canonical_bytes(payload)
    assert digests.digest_of(payload) == payloads.digest_of(payload)


@pytest.mark.parametrize(
    "number", [1e16, 1e-5, 5e-324, 1.7976931348623157e308, 2**64, -(2**63) - 1, 0.1, 1e22]
)
def test_numbers_that_orjson_spells_otherwise(number):
    """Exponents and numbers of more than 64 bits are spelt as Python spells them, at any depth."""
    for payload in ({"n": number}, {"a": {"b": [1, {"n": number}]}}):
        assert digests.canonical_bytes(payload) == payloads.canonical_bytes(payload)


def test_half_a_character_has_no_spelling():
    """What the canonical form refuses is refused."""
    with pytest.raises(ValueError, match="surrogates"):
        digests.canonical_bytes({"title": "\ud800"})


def test_the_fast_spelling_is_taken():
    """An ordinary payload is not spelt by Python's own encoder, which takes ten times as long."""
    payload = {"title": "Été", "configuration": {"duration": 60, "types": ["live"], "on": True, "no": None}}
    assert not digests._has_fraction(payload.values())
    assert json.loads(digests.canonical_bytes(payload)) == payload
