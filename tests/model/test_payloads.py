"""The canonical bytes of JSON values, on which digests, fingerprints and saved plans depend."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from reconciler.model.payloads import Json, canonical_bytes

_TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    [
        '\x00\x08\t\n\x0b\x0c\r\x1f\x7f\x85"\\/',
        "\u2028\u2029\ufeff",
        "\uffff",
        "\U0001f600",
        "\ud800",
        "é",
        "Z",
    ]
)
_VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**53, 2**80) | st.floats() | _TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner),
    max_leaves=20,
)


def _spelt_by_json(value: Json) -> bytes | type[Exception]:
    try:
        return json.dumps(
            value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
        ).encode()
    except ValueError as error:
        return type(error)


@given(_VALUES)
@example({"\uffff": 1, "\U0001f600": 2, "é": 3, "a": {"Z": [], "": {}}})
@example([1e16, {"a": [1e-07, 1.0, -0.0]}])
@example([10**4299, -(2**63) - 1, 2**64, True, None])
@example({"title": "\ud800"})
@example({"\udc00": 1})
@example({"a": [{"b": float("nan")}]})
@example((1, (2.5, "é")))
def test_canonical_bytes_are_those_of_json(value: Json) -> None:
    """Whatever the library, a value has the one spelling that its digest was made of, or the same error."""
    expected = _spelt_by_json(value)
    if isinstance(expected, bytes):
        assert canonical_bytes(value) == expected
    else:
        with pytest.raises(expected):
            canonical_bytes(value)
