"""Bodies, and their digests, which are those of their canonical form."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.effective import body_of
from reconciler.manifest.shells import context_of
from reconciler.manifest.yaml_documents import read
from reconciler.manifest.yaml_nodes import Mapping
from reconciler.model import payloads
from reconciler.model.destination import Environment

FRACTIONS = st.floats(allow_nan=False, allow_infinity=False).map(repr)


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
