"""Notes: what a plan says of blocks that it does not carry out."""

import pytest
from msgspec.structs import replace
from planning_cases import (
    NOW,
    absent,
    actions,
    adopts,
    created,
    declaring,
    doubted,
    moves,
    planned,
    removes,
    sid,
    state,
    tells_apart,
)

from reconciler.model.declarations import Distinction, Removal
from reconciler.model.diagnostics import Position
from reconciler.model.plan import Action
from reconciler.model.state import Resolution, ResolutionMethod


def note(declared, known=None):
    """The one note of the plan."""
    (found,) = planned(declared, known).notes
    return found


def test_blocks_that_the_plan_carries_out_need_no_note():
    """An import, a move and a removal that are about to be made have lines of their own."""
    declared = declaring(
        "a", "new", imports=[adopts("a", 9)], moved=moves(("old", "new")), removed=removes("x")
    )
    assert planned(declared, state(created("old", "x"))).notes == ()


@pytest.mark.parametrize("exams", [["a"], []])
def test_import_that_was_made_is_done(exams):
    """State holds the SID at its address, declared or not."""
    found = note(declaring(*exams, imports=[adopts("a", 1)]), state(created("a")))
    assert (found.code, found.addresses) == ("done", ("a",))
    assert found.message == f"the import is done: {sid(1)} is a in state"
    assert found.source == Position("exams.yaml", 7, 3)


def test_import_whose_exam_moved_on_is_done():
    """An import by the old address, with the move that was made after it or without."""
    known = state(created("b"))
    with_move = planned(declaring("b", imports=[adopts("a", 1)], moved=moves(("a", "b"))), known)
    assert [one.code for one in with_move.notes] == ["done"]
    assert note(declaring("b", imports=[adopts("a", 1)]), known).code == "done"
    assert with_move.guards == ()


def test_import_of_what_nobody_knows_points_nowhere():
    """Neither declared nor in state: it says so, with the exam that may have been meant."""
    found = note(declaring("cs101/final", imports=[adopts("cs101/finale", 9)]), state(created("cs101/final")))
    assert (found.code, found.hint) == ("points-nowhere", "Did you mean cs101/final? Otherwise remove it.")
    assert note(declaring(imports=[adopts("x", 9)])).hint == "Remove it, or declare the exam."


def test_import_that_contradicts_state_is_refused_and_not_noted():
    """A guard tells it: a SID that another address holds, or an address that holds another SID."""
    for number, address in ((1, "b"), (9, "a")):
        plan = planned(declaring("a", "b", imports=[adopts(address, number)]), state(created("a")))
        assert ([one.code for one in plan.guards], plan.notes) == (["import-conflict"], ())


def test_move_that_was_made_is_done():
    """Every move of a chain whose end state holds, and none of which has a source left."""
    plan = planned(declaring("c", moved=moves(("a", "b"), ("b", "c"))), state(created("c")))
    assert [(one.code, one.addresses) for one in plan.notes] == [("done", ("b", "c"))]
    single = note(declaring("c", moved=moves(("b", "c"))), state(created("c")))
    assert single.message == "the move from b to c is done: c is in state, and b is not"


def test_blocks_that_are_done_are_one_line():
    """It says how many there are and where; what is not done keeps a line of its own."""
    done = [
        Removal(address=f"x{number}", declared_at=Position("a.yaml", number, 1)) for number in range(1, 8)
    ]
    plan = planned(declaring("b", removed=[*done, *removes("b")]), state(created("b")))
    assert [one.code for one in plan.notes] == ["done", "not-forgotten"]
    assert plan.notes[0].message == (
        "7 blocks are done: a.yaml:1:1, a.yaml:2:1, a.yaml:3:1, a.yaml:4:1, a.yaml:5:1, and 2 more"
    )
    assert plan.notes[0].source == Position("a.yaml", 1, 1)
    assert len(plan.notes[0].addresses) == 7


def test_a_distinction_of_what_would_be_created_is_told():
    """With its reason, so that whoever reviews the plan sees it; once both exist it needs no word."""
    said = Distinction(address="b", other="a", declared_at=Position("exams.yaml", 7, 3), reason="second room")
    declared = declaring("a", "b", distinct=[said])
    found = note(declared, state(created("a")))
    assert (found.code, found.addresses) == ("told-apart", ("b", "a"))
    assert found.message == "b and a are two exams, as `distinct` says: second room"
    assert planned(declared, state(created("a", "b"))).notes == ()


@pytest.mark.parametrize(
    ("pair", "code", "hint"),
    [
        (
            ("cs101/final-b", "cs101/finale"),
            "points-nowhere",
            "Did you mean cs101/final? Otherwise remove it.",
        ),
        (("quiz", "cs101/final"), "done", "It may be removed."),
        (("hist/*", "cs101/*"), "done", "It may be removed."),
    ],
)
def test_a_distinction_that_points_nowhere_is_told(pair, code, hint):
    """One of the two is neither declared nor in state; a likely slip is named."""
    declared = declaring("cs101/final", "cs101/final-b", distinct=tells_apart(pair))
    found = note(declared, state(created("cs101/final", "cs101/final-b")))
    assert (found.code, found.hint) == (code, hint)


def test_earlier_moves_of_a_chain_are_done_while_the_last_is_made():
    """What state holds in the middle of a chain has done the first part of it."""
    plan = planned(declaring("c", moved=moves(("a", "b"), ("b", "c"))), state(created("b")))
    assert actions(plan) == {"c": Action.MOVE}
    assert [one.message for one in plan.notes] == [
        "the move from a to b is done: b is in state, and a is not"
    ]


def test_move_of_what_nobody_knows_points_nowhere():
    """State has neither end; an orphan of nearly the same name is named."""
    found = note(declaring("b", moved=moves(("a", "b"))))
    assert (found.code, found.addresses) == ("points-nowhere", ("b", "a"))
    slip = note(declaring(moved=moves(("cs101/mid", "x"))), state(created("cs101/mid1")))
    assert slip.hint == "Did you mean from cs101/mid1? Otherwise remove it."


def test_move_of_a_doubt_waits_and_needs_no_note():
    """The lines in doubt tell it."""
    assert planned(declaring("b", moved=moves(("a", "b"))), state(intents=doubted("a"))).notes == ()


def test_removal_that_was_made_is_done():
    """State does not know the address."""
    found = note(declaring(removed=removes("a")), state(created("b")))
    assert (found.code, found.message) == ("done", "the removal of a is done: state does not know it")


def test_removal_beside_an_orphan_of_nearly_the_same_name_may_be_a_slip():
    """It may have been done, and may be misspelt."""
    found = note(declaring(removed=removes("cs101/olf")), state(created("cs101/old")))
    assert (found.code, found.hint) == ("points-nowhere", "Did you mean cs101/old? Otherwise remove it.")


def test_removal_of_what_is_declared_forgets_nothing():
    """Under its own address or under the one that it moves to."""
    assert note(declaring("a", removed=removes("a")), state(created("a"))).code == "not-forgotten"
    found = note(declaring("b", moved=moves(("a", "b")), removed=removes("a")), state(created("a")))
    assert (found.code, found.message) == ("not-forgotten", "a is not forgotten: it is declared as b")


def test_removal_of_a_doubt_leaves_it():
    """What is in doubt is settled first."""
    found = note(declaring(removed=removes("a")), state(intents=doubted("a")))
    assert found.code == "doubt-remains"
    assert "try-a" in found.message


def test_absence_that_is_honoured_is_told():
    """The line says create only; the note says what was settled and by what."""
    plan = planned(declaring("a", absences=[absent("a")]), state(intents=doubted("a")))
    assert actions(plan) == {"a": Action.CREATE}
    assert [(one.code, one.addresses) for one in plan.notes] == [("settles-doubt", ("a",))]


def test_absence_of_another_attempt_says_loudly_that_the_doubt_remains():
    """With the attempt that is in doubt now, to be looked for."""
    found = note(declaring("a", absences=[absent("a", "try-older")]), state(intents=doubted("a")))
    assert found.code == "doubt-remains"
    assert found.message.startswith("a REMAINS IN DOUBT")
    assert "write attempt: try-a" in found.hint


@pytest.mark.parametrize("named", ["old", "new"])
def test_absence_follows_its_exam(named):
    """An absence may name the address that the doubt has or the one that its exam moved to."""
    declared = declaring("new", moved=moves(("old", "new")), absences=[absent(named, "try-old")])
    plan = planned(declared, state(intents=doubted("old")))
    assert actions(plan) == {"new": Action.CREATE, "old": Action.FORGET}
    assert [one.code for one in plan.notes] == ["settles-doubt"]


def test_absence_does_not_follow_what_is_still_declared():
    """A declared exam has not moved, whatever `moved` says: its doubt is its own."""
    declared = declaring("old", moved=moves(("old", "new")), absences=[absent("new", "try-old")])
    assert actions(planned(declared, state(intents=doubted("old")))) == {"old": Action.IN_DOUBT}


def test_absence_that_was_applied_is_done():
    """The history of state tells it from one that was never known."""
    ended = Resolution(
        address="a", attempt="try-a", sid=None, by="a test", at=NOW, how=ResolutionMethod.ABSENT_BLOCK
    )
    known = replace(state(created("a")), resolutions=(ended,))
    found = note(declaring("a", absences=[absent("a")]), known)
    assert (found.code, found.message) == (
        "done",
        "the doubt about attempt try-a of a was settled by `absent`",
    )
    assert note(declaring("a", absences=[absent("a")]), state(created("a"))).code == "points-nowhere"


def test_notes_change_nothing_about_the_fingerprint():
    """A plan with notes and the same one without have one fingerprint, and notes alone are no difference."""
    known = state(created("a"))
    noted, plain = (
        planned(declaring("a", "b", removed=removes("x")), known),
        planned(declaring("a", "b"), known),
    )
    assert noted.notes
    assert noted.fingerprint == plain.fingerprint
    assert not planned(declaring("a", removed=removes("x")), known).differs
