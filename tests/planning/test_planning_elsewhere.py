"""Exams for other environments only: what a plan says of them, and of blocks that name them."""

import pytest
from planning_cases import (
    HERE,
    absent,
    accepts,
    actions,
    adopts,
    created,
    declaring,
    doubted,
    moves,
    payload,
    planned,
    removes,
    sid,
    state,
    tells_apart,
)

from reconciler.model.errors import UsageError
from reconciler.model.plan import Action


def test_what_is_for_other_environments_is_not_created():
    """The plan has no line of it, and no note that would never change."""
    plan = planned(declaring("a", elsewhere=["b"]), state(created("a")))
    assert (actions(plan), plan.notes, plan.guards) == ({"a": Action.NOOP}, (), ())


@pytest.mark.parametrize(
    ("known", "action"),
    [(state(created("b")), Action.ORPHANED), (state(intents=doubted("b")), Action.IN_DOUBT)],
)
def test_what_state_has_of_it_is_told(known, action):
    """It is an orphan or in doubt as ever, and a note says where it is declared, and what to do."""
    plan = planned(declaring(elsewhere=["b"]), known)
    (note,) = plan.notes
    assert actions(plan) == {"b": action}
    assert (note.code, note.source, note.addresses) == ("declared-elsewhere", HERE, ("b",))
    assert note.message == "b is declared for production only, and is in this state"
    assert "`removed: [{exam: b}]`" in note.hint


def test_state_may_forget_it():
    """`removed` says so in this environment; after that nothing is left to be told."""
    declared = declaring(removed=removes("b"), elsewhere=["b"])
    plan = planned(declared, state(created("b")))
    assert (actions(plan), plan.notes) == ({"b": Action.FORGET}, ())
    assert planned(declared, state()).notes == ()


@pytest.mark.parametrize(
    "blocks",
    [
        {"moved": moves(("old", "final-b"))},
        {"accepted": [accepts("final-b", payload("x"))]},
        {"absences": [absent("final-b")]},
        {"distinct": tells_apart(("final-b", "final-a"))},
    ],
)
def test_blocks_about_it_are_for_other_environments(blocks):
    """Near as its address is to that of a create: nothing is refused, and nothing noted."""
    plan = planned(declaring("final-a", elsewhere=["final-b"], **blocks))
    assert (actions(plan), plan.guards, plan.notes) == ({"final-a": Action.CREATE}, (), ())
    assert planned(declaring("final-a", **blocks)).notes


def test_an_import_of_it_is_noted_and_refuses_nothing():
    """A SID is of one environment: the block belongs in a file of that one."""
    plan = planned(declaring("final-a", elsewhere=["final-b"], imports=[adopts("final-b", 9)]))
    (note,) = plan.notes
    assert (plan.guards, note.code) == ((), "declared-elsewhere")
    assert note.message == "the import of final-b does nothing: final-b is declared for production only"
    assert planned(declaring("final-a", imports=[adopts("final-b", 9)])).guards


def test_an_import_still_settles_its_doubt():
    """What is in doubt here is settled here, whatever is declared now."""
    known = state(intents=doubted("b"))
    plan = planned(declaring(elsewhere=["b"], imports=[adopts("b", 9)]), known)
    assert [(change.action, change.sid) for change in plan.changes] == [(Action.IMPORT, sid(9))]


def test_what_moves_to_its_address_refuses_nothing():
    """An exam of this state that is renamed as in production is an orphan under its new address."""
    known = state(created("old"))
    plan = planned(declaring("new-a", elsewhere=["new-b"], moved=moves(("old", "new-b"))), known)
    assert (actions(plan)["new-b"], plan.guards) == (Action.MOVE, ())
    assert [
        guard.code for guard in planned(declaring("new-a", moved=moves(("old", "new-b"))), known).guards
    ] == ["points-nowhere"]


def test_a_target_that_is_elsewhere_is_told_so():
    """Not as a mistyped address."""
    with pytest.raises(UsageError) as raised:
        planned(declaring("a", elsewhere=["b"]), targets=["b"])
    assert raised.value.hint == f"b is declared for production only ({HERE})."
