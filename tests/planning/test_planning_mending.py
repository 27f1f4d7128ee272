"""Mending by hand: what is refused, and what state becomes."""

import pytest
from planning_cases import created, doubted, sid, state

from reconciler.model.errors import ResolutionRefused
from reconciler.model.identities import Address
from reconciler.planning import state_edits

KNOWN = state(created("a", "b"), doubted("doubt"))


def test_a_moved_exam_is_the_same_under_its_new_address():
    """Only the address changes."""
    left = state_edits.move(KNOWN, Address("a"), Address("new"))
    assert left == state({"new": KNOWN.exams["a"], "b": KNOWN.exams["b"]}, doubted("doubt"))


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("a", "b", "cannot move to b, which holds an exam already"),
        ("a", "a", "which holds an exam already"),
        ("a", "doubt", "which is in doubt"),
        ("absent", "new", "absent is not in state"),
        ("doubt", "new", "doubt is in doubt"),
    ],
)
def test_a_move_that_would_lose_something_is_refused(source, target, said):
    """No entry is overwritten, and nothing in doubt gets away from its address."""
    with pytest.raises(ResolutionRefused, match=said) as caught:
        state_edits.move(KNOWN, Address(source), Address(target))
    assert caught.value.hint.startswith("Nothing was changed.")


def test_a_move_of_what_is_not_there_suggests_what_is():
    """The nearest address may have been meant."""
    known = state(created("cs101/final", "cs101/quiz-1"))
    with pytest.raises(ResolutionRefused) as caught:
        state_edits.move(known, Address("cs101/finals"), Address("new"))
    assert caught.value.hint == "Nothing was changed. Did you mean cs101/final?"


def test_a_removed_exam_is_forgotten():
    """The others stay, and so does what is in doubt."""
    left = state_edits.remove(KNOWN, Address("a"))
    assert left == state({"b": KNOWN.exams["b"]}, doubted("doubt"))
    assert KNOWN.exams["a"].sid == sid(1)


@pytest.mark.parametrize(("address", "said"), [("absent", "not in state"), ("doubt", "resolve doubt --sid")])
def test_what_is_not_there_or_in_doubt_cannot_be_removed(address, said):
    """Forgetting an open attempt would let it be sent again."""
    with pytest.raises(ResolutionRefused) as caught:
        state_edits.remove(KNOWN, Address(address))
    assert said in caught.value.message + caught.value.hint
