"""Moves, chains of moves, and moves that cannot be made."""

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
    guard,
    line,
    moves,
    payload,
    planned,
    removes,
    sid,
    state,
)

from reconciler.model.plan import Action


def test_move_renames_without_creating():
    """An entry whose address has moved is told once, at its new address."""
    body = payload("One")
    known = state({"old": entry(1, exam("old", body))})
    plan = planned(declaring(exam("new", body), moved=moves(("old", "new"))), known)
    assert actions(plan) == {"new": Action.MOVE}
    moved = line(plan, "new")
    assert (moved.moved_from, moved.sid, moved.diff) == ("old", sid(1), ())
    assert plan.guards == ()


def test_move_shows_what_differs_as_well():
    """A move of an exam that was edited too carries the differences."""
    known = state({"old": entry(1, exam("old", payload("One")))})
    declared = declaring(exam("new", payload("One", duration=90)), moved=moves(("old", "new")))
    assert [field.path for field in line(planned(declared, known), "new").diff] == ["configuration.duration"]


@pytest.mark.parametrize("held", ["a", "b", "c"])
def test_chain_of_moves_ends_at_its_last_address(held):
    """Wherever on a chain state holds the entry, it moves to the end of the chain."""
    declared = declaring("d", moved=moves(("a", "b"), ("b", "c"), ("c", "d")))
    plan = planned(declared, state(created(held)))
    assert actions(plan) == {"d": Action.MOVE}
    assert line(plan, "d").moved_from == held


def test_chain_stops_at_what_is_declared():
    """A name that is declared again takes what moves to it; an old block after it says nothing then."""
    declared = declaring("b", "c", moved=moves(("a", "b"), ("b", "c")))
    plan = planned(declared, state(created("a", "c")))
    assert actions(plan) == {"b": Action.MOVE, "c": Action.NOOP}
    assert plan.guards == ()


def test_move_that_was_applied_is_stale():
    """A move whose source state does not know says nothing."""
    plan = planned(declaring("new", moved=moves(("old", "new"))), state(created("new")))
    assert actions(plan) == {"new": Action.NOOP}
    assert plan.guards == ()


def test_move_to_an_undeclared_address_is_made():
    """An entry moves even where nothing declares its new address."""
    plan = planned(declaring(moved=moves(("old", "new"))), state(created("old")))
    moved = line(plan, "new")
    assert (moved.action, moved.moved_from, moved.source, moved.after) == (Action.MOVE, "old", None, None)


def test_move_onto_itself_says_nothing():
    """A move from an address to the same one is ignored."""
    plan = planned(declaring("a", moved=moves(("a", "a"))), state(created("a")))
    assert actions(plan) == {"a": Action.NOOP}
    assert plan.guards == ()


def test_move_onto_an_entry_conflicts():
    """Two entries are never merged: both stay, and the plan is refused."""
    plan = planned(declaring("new", moved=moves(("old", "new"))), state(created("new", "old")))
    assert actions(plan) == {"new": Action.NOOP, "old": Action.ORPHANED}
    assert guard(plan, "move-conflict").addresses == ("new", "old")


def test_move_onto_a_doubt_conflicts():
    """An entry does not move to an address that is in doubt."""
    plan = planned(declaring("new", moved=moves(("old", "new"))), state(created("old"), doubted("new")))
    assert actions(plan) == {"new": Action.IN_DOUBT, "old": Action.ORPHANED}
    assert codes(plan) == ["move-conflict"]


def test_move_of_what_is_still_declared_conflicts():
    """An entry whose address is still declared stays there: it would be created again."""
    plan = planned(declaring("new", "old", moved=moves(("old", "new"))), state(created("old")))
    assert line(plan, "old").action is Action.NOOP
    assert guard(plan, "move-conflict").addresses == ("new", "old")


def test_two_moves_to_one_address_conflict():
    """Of two entries that claim one address neither gets it."""
    declared = declaring("c", moved=moves(("a", "c"), ("b", "c")))
    plan = planned(declared, state(created("a", "b")))
    assert line(plan, "a").action is line(plan, "b").action is Action.ORPHANED
    assert guard(plan, "move-conflict").addresses == ("a", "b", "c")


@pytest.mark.parametrize("pairs", [[("a", "b"), ("b", "a")], [("a", "b"), ("a", "c")]])
def test_moves_without_one_end_conflict(pairs):
    """Moves in a circle, or to two addresses, leave the entry where it is."""
    plan = planned(declaring(moved=moves(*pairs)), state(created("a")))
    assert actions(plan) == {"a": Action.ORPHANED}
    assert codes(plan) == ["move-conflict"]
    assert "several addresses, or in a circle" in guard(plan, "move-conflict").message


def test_move_of_a_doubt_blocks_its_new_address_and_nothing_else():
    """A doubt stays where it is; what it moved to is not created before it is settled, and all others are."""
    plan = planned(declaring("new", "other", moved=moves(("old", "new"))), state(intents=doubted("old")))
    assert actions(plan) == {"new": Action.IN_DOUBT, "old": Action.IN_DOUBT, "other": Action.CREATE}
    assert line(plan, "new").intent == line(plan, "old").intent == doubted("old")["old"]
    assert (line(plan, "new").moved_from, line(plan, "old").moved_from) == ("old", None)
    assert plan.guards == ()


def test_ambiguous_move_of_a_doubt_blocks_every_end():
    """Whatever a doubt may have moved to is not created."""
    declared = declaring("b", "c", moved=moves(("a", "b"), ("a", "c")))
    plan = planned(declared, state(intents=doubted("a")))
    assert set(actions(plan).values()) == {Action.IN_DOUBT}
    assert {one.moved_from for one in plan.changes} == {None, "a"}
    assert plan.guards == ()


def test_move_of_a_doubt_to_what_exists_is_no_hindrance():
    """A doubt that moved to an exam which state holds, or which nobody declares, needs no guard."""
    blocks = moves(("x", "new"), ("y", "nowhere"))
    plan = planned(declaring("new", moved=blocks), state(created("new"), doubted("x", "y")))
    assert actions(plan) == {"new": Action.NOOP, "x": Action.IN_DOUBT, "y": Action.IN_DOUBT}
    assert plan.guards == ()


@pytest.mark.parametrize("named", ["old", "new"])
def test_import_settles_a_doubt_that_has_moved(named):
    """An import by the old or the new address adopts at the new one, and ends the doubt."""
    declared = declaring("new", imports=[adopts(named, 9)], moved=moves(("old", "new")))
    plan = planned(declared, state(intents=doubted("old")))
    assert actions(plan) == {"new": Action.IMPORT}
    assert line(plan, "new").sid == sid(9)
    assert plan.guards == ()


def test_import_does_not_settle_one_of_two_doubts():
    """Where two doubts moved to one address, an import there cannot say which of them it ends."""
    declared = declaring("c", imports=[adopts("c", 9)], moved=moves(("a", "c"), ("b", "c")))
    plan = planned(declared, state(intents=doubted("a", "b")))
    assert actions(plan) == {"a": Action.IN_DOUBT, "b": Action.IN_DOUBT, "c": Action.IMPORT}


def test_import_does_not_settle_a_doubt_that_is_still_declared():
    """A doubt of a declared exam is its own: an import elsewhere does not end it, whatever `moved` says."""
    declared = declaring("new", "old", imports=[adopts("new", 9)], moved=moves(("old", "new")))
    plan = planned(declared, state(intents=doubted("old")))
    assert actions(plan) == {"new": Action.IMPORT, "old": Action.IN_DOUBT}


def test_import_of_a_doubt_whose_new_address_exists_conflicts():
    """An import by an old address whose new one is taken stays where it is, and is checked there."""
    declared = declaring("new", imports=[adopts("old", 1)], moved=moves(("old", "new")))
    plan = planned(declared, state(created("new"), doubted("old")))
    assert actions(plan) == {"new": Action.NOOP, "old": Action.IN_DOUBT}
    assert guard(plan, "import-conflict").addresses == ("new", "old")


@pytest.mark.parametrize("named", ["old", "new"])
def test_import_follows_its_exam(named):
    """An import that was applied before the exam moved stays stale."""
    declared = declaring("new", imports=[adopts(named, 1)], moved=moves(("old", "new")))
    plan = planned(declared, state(created("old")))
    assert actions(plan) == {"new": Action.MOVE}
    assert plan.guards == ()


@pytest.mark.parametrize("named", ["old", "new"])
def test_removal_outweighs_a_move_to_nowhere(named):
    """What has moved to an address that is not declared, and is removed there, is forgotten where it is."""
    declared = declaring(moved=moves(("old", "new")), removed=removes(named))
    assert actions(planned(declared, state(created("old")))) == {"old": Action.FORGET}


def test_move_to_what_is_declared_outweighs_a_removal():
    """What moves to a declared address is not forgotten: it would be created again."""
    declared = declaring("new", moved=moves(("old", "new")), removed=removes("old", "new"))
    assert actions(planned(declared, state(created("old")))) == {"new": Action.MOVE}
