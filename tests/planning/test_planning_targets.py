"""Targets: a plan narrowed to some addresses."""

import pytest
from planning_cases import (
    actions,
    adopts,
    codes,
    created,
    declaring,
    doubted,
    entry,
    exam,
    moves,
    payload,
    planned,
    removes,
    state,
)

from reconciler.model.errors import UsageError
from reconciler.model.plan import Action


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (["cs101/a"], ["cs101/a"]),
        (["cs101/*"], ["cs101/a", "cs101/b"]),
        (["*"], ["cs101/a", "cs101/b", "ma1/a"]),
        (["*/[ab]", "ma1/a"], ["cs101/a", "cs101/b", "ma1/a"]),
        (["??1/a"], ["ma1/a"]),
        ([], ["cs101/a", "cs101/b", "ma1/a"]),
    ],
)
def test_only_targets_are_planned(targets, expected):
    """A target is an address or a glob, and what none matches is left out."""
    plan = planned(declaring("cs101/a", "cs101/b", "ma1/a"), targets=targets)
    assert list(actions(plan)) == expected


def test_targets_are_matched_by_case():
    """Addresses are case-sensitive, and so are targets."""
    plan = planned(declaring("cs101/a", "CS101/a"), targets=["cs*"])
    assert list(actions(plan)) == ["cs101/a"]


@pytest.mark.parametrize(
    ("target", "hint"),
    [("cs101/midtrem", "cs101/midterm"), ("zzz", "globs"), ("cs9*", "globs"), ("", "globs"), ("[", "globs")],
)
def test_target_that_matches_nothing(target, hint):
    """A target that matches nothing is an error that names the nearest addresses, if any is near."""
    with pytest.raises(UsageError, match="matches no address") as caught:
        planned(declaring("cs101/midterm", "ma1/final"), targets=["ma1/final", target])
    assert hint in caught.value.hint


def test_targets_reach_what_only_state_knows():
    """A forget or an orphan can be targeted, and a move is by its new address."""
    declared = declaring(moved=moves(("old", "new")), removed=removes("gone"))
    plan = planned(declared, state(created("gone", "left", "old")), targets=["gone", "new"])
    assert actions(plan) == {"gone": Action.FORGET, "new": Action.MOVE}


def test_creates_beyond_the_targets_are_not_guarded():
    """Guards over creates see only those that are targeted."""
    over = payload("Same", examCloseDate="2020-01-01T00:00:00.000Z")
    declared = declaring(
        exam("a", over),
        exam("b", payload("Same", duration=1)),
        exam("c", payload("Other")),
        "held",
        "moved",
        moved=moves(("doubt", "moved")),
    )
    known = state({**created("held"), "orphan": entry(7, exam("orphan", over))}, doubted("doubt"))
    assert len(codes(planned(declared, known, max_creates=1))) == 3
    assert codes(planned(declared, known, max_creates=1, targets=["c", "held"])) == []


def test_targeted_create_is_compared_with_everything():
    """A targeted create is held against declarations and orphans that are not targeted."""
    body = payload("Same")
    orphan = state({"orphan": entry(7, exam("orphan", body))})
    assert codes(planned(declaring(exam("a", body)), orphan, targets=["a"])) == ["same-exam"]
    twins = declaring(exam("a", body), exam("b", payload("Same", duration=1)), "c")
    assert codes(planned(twins, targets=["a"])) == ["same-exam"]
    assert codes(planned(twins, orphan, targets=["c"])) == []


def test_conflicts_are_guarded_beyond_the_targets():
    """What contradicts state refuses a plan, however narrow it is."""
    declared = declaring("a", "b", "x", imports=[adopts("a", 9)], moved=moves(("old", "b")))
    plan = planned(declared, state(created("a", "b", "old")), targets=["x"])
    assert list(actions(plan)) == ["x"]
    assert codes(plan) == ["import-conflict", "move-conflict"]
