"""Expectations: apply makes nothing that was not reviewed."""

import pytest
from msgspec.structs import replace
from planning_cases import (
    OTHER_COURSE,
    adopts,
    created,
    declaring,
    exam,
    moves,
    payload,
    planned,
    removes,
    state,
)

from reconciler.model.errors import ExpectationFailed
from reconciler.planning.expectations import check_expectation

REVIEWED = planned(declaring("a", "b"))


def at(plan, **changes):
    """`plan`, which goes elsewhere."""
    return replace(plan, destination=replace(plan.destination, **changes))


@pytest.mark.parametrize("reviewed", [REVIEWED, REVIEWED.fingerprint])
def test_same_plan_is_expected(reviewed):
    """The reviewed plan itself is accepted, and so is its fingerprint."""
    check_expectation(REVIEWED, reviewed)


def test_part_that_was_applied_may_be_missing():
    """A plan of which some was applied since is accepted against the plan, not against the fingerprint."""
    rest = planned(declaring("a", "b"), state(created("a")))
    check_expectation(rest, REVIEWED)
    with pytest.raises(ExpectationFailed, match="fingerprint"):
        check_expectation(rest, REVIEWED.fingerprint)


@pytest.mark.parametrize("reviewed", [REVIEWED, REVIEWED.fingerprint])
def test_nothing_to_make_is_always_expected(reviewed):
    """Where nothing is left to make, nothing can be unexpected."""
    check_expectation(planned(declaring("a"), state(created("a", "orphan"))), reviewed)


def test_other_fingerprint_is_refused():
    """A fingerprint of another plan is refused, and the message holds both."""
    with pytest.raises(ExpectationFailed) as caught:
        check_expectation(planned(declaring("a")), REVIEWED.fingerprint)
    assert REVIEWED.fingerprint in caught.value.message
    assert planned(declaring("a")).fingerprint in caught.value.message


def test_other_lineage_is_refused():
    """A plan over another state is refused, even with nothing to make."""
    elsewhere = replace(REVIEWED, lineage="b" * 8)
    with pytest.raises(ExpectationFailed, match="another state"):
        check_expectation(REVIEWED, elsewhere)
    with pytest.raises(ExpectationFailed, match="another state"):
        check_expectation(planned(declaring()), elsewhere)


@pytest.mark.parametrize(
    ("here", "words"), [("staging", "the environment staging"), (None, "no environment")]
)
def test_other_environment_is_refused(here, words):
    """A plan for another environment is refused, whatever its lineage, even with nothing to make."""
    reviewed = replace(at(REVIEWED, environment="production"), lineage="b" * 8)
    for plan in (REVIEWED, planned(declaring())):
        with pytest.raises(ExpectationFailed) as caught:
            check_expectation(at(plan, environment=here), reviewed)
        assert "is for the environment production" in caught.value.message
        assert words in caught.value.message
        assert "Check --env" in caught.value.hint


def test_a_plan_without_an_environment_is_refused_in_one():
    """That there is none is part of what was reviewed."""
    with pytest.raises(ExpectationFailed, match="is for no environment, and this is one for the environment"):
        check_expectation(at(REVIEWED, environment="production"), REVIEWED)


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "https://api.example.edu/v2", "http://api.example.edu"]
)
def test_other_service_is_refused(url):
    """A plan for another service is refused, by the file and by the fingerprint."""
    with pytest.raises(
        ExpectationFailed, match=f"goes to {REVIEWED.destination.api_url}, and this one to {url}"
    ):
        check_expectation(at(REVIEWED, api_url=url), REVIEWED)
    with pytest.raises(ExpectationFailed, match="fingerprint"):
        check_expectation(at(REVIEWED, api_url=url), REVIEWED.fingerprint)


def test_a_plan_of_another_lineage_has_another_fingerprint():
    """The fingerprint alone holds apply to the state that was planned from."""
    with pytest.raises(ExpectationFailed, match="fingerprint"):
        check_expectation(replace(REVIEWED, lineage="b" * 8), REVIEWED.fingerprint)


def test_a_plan_from_a_copy_of_the_state_is_expected():
    """Where the state was read from is told, and is no part of what was reviewed."""
    copied = at(REVIEWED, state="file:copy.json")
    check_expectation(REVIEWED, copied)
    check_expectation(REVIEWED, copied.fingerprint)


def test_a_plan_that_does_not_say_its_service_is_refused():
    """One of format 1 cannot hold apply to a service."""
    with pytest.raises(ExpectationFailed, match="format 1"):
        check_expectation(REVIEWED, at(REVIEWED, api_url=None))


def test_later_serial_is_expected():
    """State may have been written since, if what is left to make was reviewed."""
    check_expectation(replace(REVIEWED, serial=99), REVIEWED)


@pytest.mark.parametrize(
    ("plan", "reviewed", "message"),
    [
        (planned(declaring("a", "b", "c")), REVIEWED, "c was not in it, and is now to create"),
        (planned(declaring(exam("a", payload("x")))), REVIEWED, "a has another content"),
        (
            planned(declaring(exam("a", payload("x"), course=OTHER_COURSE))),
            REVIEWED,
            "a has another course and content",
        ),
        (
            planned(declaring("a", imports=[adopts("a", 9)])),
            REVIEWED,
            "a was create in it, and is now to import",
        ),
        (
            planned(declaring("a", imports=[adopts("a", 9)])),
            planned(declaring("a", imports=[adopts("a", 8)])),
            "a has another SID",
        ),
        (
            planned(declaring("n", moved=moves(("o", "n"))), state(created("o"))),
            planned(declaring("n", moved=moves(("p", "n"))), state(created("p"))),
            "n has another former address",
        ),
        (
            planned(declaring(removed=removes("a")), state(created("a"))),
            planned(declaring(), state(created("a"))),
            "a was orphaned in it, and is now to forget",
        ),
        (
            planned(declaring("a")),
            planned(declaring("a"), state(created("a"))),
            "a was noop in it, and is now to create",
        ),
    ],
)
def test_change_that_was_not_reviewed_is_refused(plan, reviewed, message):
    """Whatever a change does otherwise than reviewed, the error names the address and says what."""
    with pytest.raises(ExpectationFailed) as caught:
        check_expectation(plan, reviewed)
    assert message in caught.value.message


def test_only_a_few_differences_are_named():
    """A message stays short however many changes were not reviewed."""
    many = planned(declaring(*(f"new{number}" for number in range(9))))
    with pytest.raises(ExpectationFailed, match=r"new4 .*; and 4 more$") as caught:
        check_expectation(many, REVIEWED)
    assert "new5" not in caught.value.message
