"""Effects: what the changes of a plan that touch only state leave behind."""

from datetime import timedelta

from planning_cases import (
    NOW,
    absent,
    actions,
    adopts,
    blocks_applied,
    created,
    declaring,
    doubted,
    entry,
    exam,
    moves,
    payload,
    planned,
    removes,
    sid,
    state,
)

from reconciler.model.plan import Action
from reconciler.model.state import Entry, ResolutionMethod
from reconciler.planning.effects import apply_state_changes, planned_creates

LATER = NOW + timedelta(minutes=5)


def after(declared, known, *, targets=()):
    """The state after the state-only changes of the plan."""
    return apply_state_changes(
        planned(declared, known, targets=targets), blocks_applied(declared, known), now=LATER, by="a test"
    )


def test_import_becomes_an_entry():
    """An adopted exam is entered as declared, at the time of the apply."""
    declaration = exam("a")
    left = after(declaring(declaration, imports=[adopts("a", 9)]), state())
    assert left.exams == {
        "a": Entry(
            sid=sid(9),
            install_sid=declaration.install_sid,
            course_sid=declaration.course_sid,
            digest=declaration.digest,
            payload=declaration.payload,
            created_at=LATER,
        )
    }


def test_import_ends_a_doubt():
    """An adopted exam is no longer in doubt; an undeclared one is entered as it was sent."""
    left = after(
        declaring("a", imports=[adopts("a", 8), adopts("b", 9)]), state(intents=doubted("a", "b", "c"))
    )
    assert left.intents == doubted("c")
    assert {address: held.sid for address, held in left.exams.items()} == {"a": sid(8), "b": sid(9)}
    assert left.exams["b"].payload == exam("b").payload


def test_import_of_what_was_in_doubt_records_what_was_sent():
    """What was declared since then is a difference that the next plan shows."""
    declared = declaring(exam("a", payload("edited")), imports=[adopts("a", 9)])
    known = state(intents=doubted("a"))
    line = planned(declared, known).changes[0]
    assert [(one.path, one.before, one.after) for one in line.diff] == [("title", "Exam a", "edited")]
    left = after(declared, known)
    assert left.exams["a"] == known.intents["a"].as_created(sid(9), LATER)
    assert actions(planned(declared, left)) == {"a": Action.CHANGED}


def test_settling_blocks_leave_their_trace():
    """Who applied them, when, and which attempt they ended; blocks that settle nothing leave none."""
    declared = declaring(
        "a",
        "d",
        "new",
        imports=[adopts("a", 8), adopts("d", 7), adopts("new", 9)],
        moved=moves(("old", "new")),
        absences=[absent("b"), absent("c", "try-older")],
    )
    left = after(declared, state(intents=doubted("a", "b", "c", "old")))
    assert [(one.address, one.attempt, one.sid, one.how) for one in left.resolutions] == [
        ("a", "try-a", sid(8), ResolutionMethod.IMPORTS_BLOCK),
        ("b", "try-b", None, ResolutionMethod.ABSENT_BLOCK),
        ("old", "try-old", sid(9), ResolutionMethod.IMPORTS_BLOCK),
    ]
    assert {(one.by, one.at) for one in left.resolutions} == {("a test", LATER)}
    assert after(declared, left) == left


def test_earlier_resolutions_stay():
    """An apply adds to the history of state."""
    earlier = after(declaring(absences=[absent("a")]), state(intents=doubted("a", "b")))
    left = after(declaring(absences=[absent("b")]), earlier)
    assert [one.address for one in left.resolutions] == ["a", "b"]


def test_import_ends_a_doubt_that_has_moved():
    """An import at the new address ends the intent at the old one."""
    declared = declaring("new", imports=[adopts("new", 9)], moved=moves(("old", "new")))
    left = after(declared, state(intents=doubted("old")))
    assert (list(left.exams), left.intents) == (["new"], {})


def test_move_renames_the_entry():
    """A moved entry is the same entry under its new address, with the payload that was sent."""
    held = entry(1, exam("old"))
    declared = declaring(exam("new", payload("edited")), moved=moves(("old", "new")))
    assert after(declared, state({"old": held})).exams == {"new": held}


def test_forget_drops_the_entry():
    """A forgotten entry is gone, and the others stay."""
    left = after(declaring(removed=removes("a")), state(created("a", "b")))
    assert left.exams == {"b": created("a", "b")["b"]}


def test_absence_drops_the_intent():
    """A confirmed absence ends the intent, declared or not."""
    declared = declaring("a", absences=[absent("a"), absent("b"), absent("c", "try-older")])
    left = after(declared, state(intents=doubted("a", "b", "c")))
    assert left.intents == doubted("c")
    assert left.exams == {}


def test_all_else_stays():
    """Creates, orphans, edits and doubts change nothing in state, and the serial is not touched."""
    known = state(created("edited", "orphan", "same"), doubted("doubt"))
    declared = declaring("same", "new", exam("edited", payload("other")))
    assert after(declared, known) == known


def test_only_the_plan_is_applied():
    """What the targets leave out stays as it is."""
    declared = declaring(
        "a", "b", imports=[adopts("b", 9)], removed=removes("gone"), absences=[absent("a"), absent("x")]
    )
    known = state(created("gone"), doubted("a", "x"))
    left = after(declared, known, targets=["a"])
    assert (left.exams, left.intents) == (known.exams, doubted("x"))


def test_state_given_is_not_changed():
    """The state that went in is as before."""
    known = state(created("gone", "old"), doubted("a"))
    declared = declaring("a", moved=moves(("old", "new")), removed=removes("gone"), absences=[absent("a")])
    after(declared, known)
    assert known == state(created("gone", "old"), doubted("a"))


def test_planned_creates_are_the_declarations():
    """The exams to create come in the plan's order, and none but these."""
    declared = declaring("c", "a", "b")
    assert planned_creates(
        planned(declared, state(created("b"))), blocks_applied(declared, state(created("b")))
    ) == (exam("a"), exam("c"))
    assert planned_creates(planned(declared, targets=["c"]), blocks_applied(declared)) == (exam("c"),)
