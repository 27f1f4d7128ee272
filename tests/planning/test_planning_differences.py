"""Differences, field by field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.payloads import canonical_bytes
from reconciler.model.plan import ABSENT, FieldDiff
from reconciler.planning.differences import path_of, payload_diff

KEYS = st.text(alphabet="ab.[]\"'\\_0é ", max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([1.0, 0.5]) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
PAYLOADS = st.dictionaries(KEYS, VALUES, max_size=4)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": [0, 1]}, {"a": [0, True]}, [("a[1]", 1, True)]),
        ({"a": 1}, {"a": 1.0}, [("a", 1, 1.0)]),
        ({"a": "1"}, {"a": 1}, [("a", "1", 1)]),
        ({"a": None}, {}, [("a", None, ABSENT)]),
        ({}, {"a": None}, [("a", ABSENT, None)]),
        ({"a": []}, {"a": {}}, [("a", [], {})]),
        ({"a": {}}, {"a": {"b": {"c": 1}}}, [("a.b", ABSENT, {"c": 1})]),
        (
            {"a": {"x": 1, "y": 2}},
            {"a": {"z": 3}},
            [("a.x", 1, ABSENT), ("a.y", 2, ABSENT), ("a.z", ABSENT, 3)],
        ),
        ({"a": ["x", "y"]}, {"a": ["y"]}, [("a[0]", "x", "y"), ("a[1]", "y", ABSENT)]),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, [("a[0]", "x", "y"), ("a[1]", "y", "x")]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [("a[0].b", 1, 2)]),
        ({"__a": 1}, {"__a": 2}, [("__a", 1, 2)]),
        ({"m": {"a.b": 1}}, {"m": {"a.b": 2}}, [('m["a.b"]', 1, 2)]),
        ({'a"b': 1}, {'a"b': 2}, [('["a\\"b"]', 1, 2)]),
        ({"m": {"0": 1}}, {"m": {"0": 2}}, [('m["0"]', 1, 2)]),
        ({"installSid": 1}, {"installSid": 2}, [('["installSid"]', 1, 2)]),
        ({"m": {"installSid": 1}}, {"m": {"installSid": 2}}, [("m.installSid", 1, 2)]),
    ],
)
def test_difference_is_told_by_path(before, after, expected):
    """Each field that differs is told once, with both sides as they are."""
    found = [(field.path, field.before, field.after) for field in payload_diff(before, after)]
    assert found == expected
    assert [type(field[2]) for field in found] == [type(field[2]) for field in expected]


def test_payloads_beyond_depth_have_no_shown_difference():
    """A payload nested deeper than can be compared gives no difference, and no exception."""
    before, after = 1, 2
    for _ in range(800):
        before, after = [before], [after]
    assert payload_diff({"a": before}, {"a": after}) == ()


@given(before=PAYLOADS, after=PAYLOADS)
def test_difference_is_empty_exactly_for_equal_payloads(before, after):
    """No difference goes unseen, and none is made up."""
    assert bool(payload_diff(before, after)) == (canonical_bytes(before) != canonical_bytes(after))


@given(before=PAYLOADS, after=PAYLOADS)
def test_paths_are_sorted_and_distinct(before, after):
    """No two fields share a path, whatever their keys are."""
    paths = [field.path for field in payload_diff(before, after)]
    assert paths == sorted(set(paths))


@given(before=PAYLOADS, after=PAYLOADS)
def test_difference_reverses(before, after):
    """Seen from the other side, the fields are the same and their sides are exchanged."""
    forth = payload_diff(before, after)
    back = tuple(FieldDiff(path=field.path, before=field.after, after=field.before) for field in forth)
    assert repr(payload_diff(after, before)) == repr(back)


@given(
    one=st.lists(KEYS | st.integers(0, 9), min_size=1, max_size=4),
    other=st.lists(KEYS | st.integers(0, 9), min_size=1, max_size=4),
)
def test_paths_are_unambiguous(one, other):
    """Two places never have one path."""
    assert (path_of(one) == path_of(other)) == (one == other)
