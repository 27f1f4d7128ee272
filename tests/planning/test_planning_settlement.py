"""Settling by hand: an in-doubt exam ends one way or the other, and nothing else can be settled."""

import pytest
from planning_cases import NOW, created, doubted, exam, sid, state

from reconciler.model.errors import ResolutionRefused
from reconciler.model.identities import Address
from reconciler.planning.settlement import Settler, adopt, settle_as_absent, settle_as_created

SETTLER = Settler(by="jdoe@desk", at=NOW)
BEFORE = state(created("a"), doubted("b", "c"))


def test_a_doubt_settled_as_created_keeps_what_was_sent():
    """The entry is the intent's, with the SID that a person found."""
    after = settle_as_created(BEFORE, Address("b"), sid(9), SETTLER)
    assert after.exams["b"].sid == sid(9)
    assert after.exams["b"].digest == BEFORE.intents["b"].digest
    assert set(after.intents) == {"c"}
    assert after.serial == BEFORE.serial


def test_a_doubt_settled_as_absent_is_gone():
    """The next plan creates it."""
    after = settle_as_absent(BEFORE, Address("b"), SETTLER)
    assert set(after.intents) == {"c"}
    assert after.exams == BEFORE.exams


def test_an_adopted_exam_is_as_declared():
    """Adopting ends a doubt too."""
    after = adopt(BEFORE, exam("b"), sid(9), SETTLER)
    assert after.exams["b"].payload == exam("b").payload
    assert set(after.intents) == {"c"}


@pytest.mark.parametrize(
    "settle",
    [
        lambda: settle_as_created(BEFORE, Address("a"), sid(9), SETTLER),
        lambda: settle_as_created(BEFORE, Address("x"), sid(9), SETTLER),
        lambda: settle_as_created(BEFORE, Address("b"), sid(1), SETTLER),
        lambda: settle_as_absent(BEFORE, Address("a"), SETTLER),
        lambda: settle_as_absent(BEFORE, Address("x"), SETTLER),
        lambda: adopt(BEFORE, exam("a"), sid(9), SETTLER),
        lambda: adopt(BEFORE, exam("x"), sid(1), SETTLER),
    ],
    ids=["created", "unknown", "SID taken", "absent created", "absent unknown", "adopt twice", "adopt taken"],
)
def test_what_does_not_fit_the_state_is_refused(settle):
    """A wrong address or a SID that another holds changes nothing."""
    with pytest.raises(ResolutionRefused, match=r"held by|in state already|not in doubt"):
        settle()
