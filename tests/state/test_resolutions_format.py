"""Resolutions in the snapshot: written in one order, read back, and refused where they make no sense."""

import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from state_builders import NOW, entry, intent, resolution, sid, state

from reconciler import schemas
from reconciler.model.errors import StateDamaged
from reconciler.model.identities import Address, AttemptId
from reconciler.model.outside_text import tamed
from reconciler.model.state import Resolution, ResolutionMethod
from reconciler.state.state_format import decode_state, encode_state

KNOWN = state({"a/one": entry(1)}, {"c": intent("t1")})
SCHEMA = jsonschema.Draft202012Validator(schemas.load("state"))


@st.composite
def resolutions(draw):
    """Any resolution, of a whole millisecond."""
    how = draw(st.sampled_from(ResolutionMethod))
    return Resolution(
        address=Address(draw(st.sampled_from(["a", "b/c", "c"]))),
        attempt=AttemptId(draw(st.sampled_from(["t1", "t2"]))),
        sid=sid(draw(st.integers(1, 3))) if how.found_an_exam else None,
        by=tamed(draw(st.text(st.characters(codec="utf-8"), max_size=20))),
        at=NOW + timedelta(milliseconds=draw(st.integers(-2, 2))),
        how=how,
    )


@given(st.lists(resolutions()))
def test_decode_after_encode_is_identity(settled):
    """Resolutions survive being written and read, and what is written fits the schema."""
    known = KNOWN.with_resolutions(*settled)
    data = encode_state(known)
    assert decode_state(data, location="here") == known
    assert SCHEMA.is_valid(json.loads(data))


@given(st.lists(resolutions()), st.randoms(use_true_random=False))
def test_order_of_settling_never_shows(settled, shuffle):
    """The oldest stands first, whatever order they were entered in."""
    mixed = shuffle.sample(settled, len(settled))
    one_by_one = KNOWN
    for one in mixed:
        one_by_one = one_by_one.with_resolutions(one)
    assert encode_state(one_by_one) == encode_state(KNOWN.with_resolutions(*settled))
    moments = [one["at"] for one in json.loads(encode_state(one_by_one)).get("resolutions", [])]
    assert moments == sorted(moments)


def test_equal_milliseconds_give_equal_bytes_when_written_again():
    """What is finer than the format does not decide the order."""
    early, late = datetime(2031, 1, 1, 0, 0, 0, 100, UTC), datetime(2031, 1, 1, 0, 0, 0, 900, UTC)
    known = KNOWN.with_resolutions(*(_at("b", early), _at("a", late)))
    data = encode_state(known)
    assert encode_state(decode_state(data, location="here")) == data


def _at(address, moment):
    return Resolution(
        address=Address(address),
        attempt=AttemptId("t"),
        sid=None,
        by="",
        at=moment,
        how=ResolutionMethod.ABSENT_BLOCK,
    )


def test_a_state_without_resolutions_is_as_ever():
    """The key is there only if something was settled."""
    assert "resolutions" not in json.loads(encode_state(KNOWN))


def _edited(**changes):
    document = json.loads(encode_state(KNOWN.with_resolutions(resolution("a/one", "t0", 1))))
    document["resolutions"][0].update(changes)
    return document


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "../x"},
        {"attempt": ""},
        {"sid": "EX1"},
        {"sid": None},
        {"how": "absent"},
        {"how": "guessed"},
        {"how": 1},
        {"by": None},
        {"at": "yesterday"},
        {"extra": 1},
    ],
    ids=str,
)
def test_nonsense_in_a_resolution_is_refused(changes):
    """By the code and by the schema."""
    document = _edited(**changes)
    with pytest.raises(StateDamaged, match=r"resolutions\[0\]"):
        decode_state(json.dumps(document).encode(), location="here")
    assert changes == {"address": "../x"} or not SCHEMA.is_valid(document)


@pytest.mark.parametrize("value", [{}, None, "x"])
def test_resolutions_are_a_list(value):
    """Nothing else stands for none."""
    document = json.loads(encode_state(KNOWN)) | {"resolutions": value}
    with pytest.raises(StateDamaged, match=r"state\.resolutions is not a list"):
        decode_state(json.dumps(document).encode(), location="here")
    assert not SCHEMA.is_valid(document)


def test_resolutions_of_an_address_follow_its_exam():
    """An exam that moved still tells how the doubt about it ended."""
    known = KNOWN.with_resolutions(resolution("old", "t0", 1), resolution("other", "t9", None))
    assert known.resolutions_of(Address("a/one")) == (resolution("old", "t0", 1),)
    assert known.resolutions_of(Address("other")) == (resolution("other", "t9", None),)
    assert known.resolutions_of(Address("c")) == ()
