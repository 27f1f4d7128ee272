"""Blocks are safe to leave in place: what they do they do once, in any order, and end where a model says."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from planning_cases import (
    NOW,
    absent,
    adopts,
    blocks_applied,
    created,
    declaring,
    doubted,
    moves,
    planned,
    removes,
    sid,
    state,
)

from reconciler.model.plan import Action
from reconciler.planning.effects import apply_state_changes

NAMES = [f"e{number}" for number in range(8)]


@st.composite
def histories(draw):
    """A workspace without contradictions: where each exam is in state, and the blocks that bring it on.

    Gives declarations, state, and for each SID the address where it is to end (None: forgotten).
    """
    exams, entries, chains, imports, removed, ends = [], {}, [], [], [], {}
    for number in range(draw(st.integers(1, 4))):
        length = draw(st.integers(1, 4))
        chain = [f"x{number}/{name}" for name in NAMES[:length]]
        chains += pairwise(chain)
        kind = draw(st.sampled_from(["held", "imported", "removed"]))
        held = created("any")["any"]
        if kind == "imported":
            imports.append(adopts(draw(st.sampled_from(chain)), number))
        else:
            entries[draw(st.sampled_from(chain))] = replace(held, sid=sid(number))
        if kind == "removed":
            removed += removes(chain[-1])
        else:
            exams.append(chain[-1])
        ends[sid(number)] = None if kind == "removed" else chain[-1]
    shuffled = draw(st.permutations(chains))
    declared = declaring(*exams, imports=imports, moved=moves(*shuffled), removed=removed)
    return declared, state(entries), ends


def left_by(declared, known):
    """The state after the state changes of the plan, which nothing refuses."""
    plan = planned(declared, known, max_creates=0)
    assert plan.guards == ()
    return apply_state_changes(plan, blocks_applied(declared, known), now=NOW, by="a test")


@given(histories())
def test_blocks_end_where_the_model_says(history):
    """Chains end at their last address, imports follow them, and what is removed is gone."""
    declared, known, ends = history
    left = left_by(declared, known)
    assert {entry.sid: address for address, entry in left.exams.items()} == {
        one: end for one, end in ends.items() if end is not None
    }


@given(histories())
def test_blocks_that_were_applied_have_nothing_left_to_do(history):
    """The second plan makes nothing, changes nothing, and speaks of every block."""
    declared, known, _ = history
    left = left_by(declared, known)
    again = planned(declared, left)
    assert again.to_make == ()
    assert left_by(declared, left) == left
    assert {one.code for one in again.notes} <= {"done", "points-nowhere"}
    blocks = {*declared.imports, *declared.moves, *declared.removals}
    folded = [int(one.message.split()[0]) for one in again.notes if " blocks are done" in one.message]
    assert len(again.notes) - len(folded) + sum(folded) == len(blocks)


@given(histories())
def test_a_chain_may_grow_while_old_blocks_stay(history):
    """Renaming once more, with every block left in place, moves each exam on by exactly one address."""
    declared, known, ends = history
    left = left_by(declared, known)
    ends = [end for end in ends.values() if end is not None]
    longer = declaring(
        *(f"{end}-new" for end in ends),
        imports=declared.imports,
        moved=(*declared.moves, *moves(*((end, f"{end}-new") for end in ends))),
        removed=declared.removals,
    )
    moved = planned(longer, left)
    assert {(one.action, one.moved_from) for one in moved.to_make} == {(Action.MOVE, end) for end in ends}
    assert planned(longer, left_by(longer, left)).to_make == ()


def test_a_swap_is_refused():
    """Once made it would look like one to be made: the entries stay where they are."""
    plan = planned(declaring("a", "b", moved=moves(("a", "b"), ("b", "a"))), state(created("a", "b")))
    assert [one.code for one in plan.guards] == ["move-conflict"]
    assert plan.to_make == ()


def test_an_absence_is_honoured_once():
    """After the apply the same block neither ends another doubt nor changes state."""
    declared = declaring("a", absences=[absent("a")])
    left = left_by_absence = apply_state_changes(
        planned(declared, state(intents=doubted("a"))),
        blocks_applied(declared, state(intents=doubted("a"))),
        now=NOW,
        by="t",
    )
    assert (
        apply_state_changes(planned(declared, left), blocks_applied(declared, left), now=NOW, by="t")
        == left_by_absence
    )
    assert [one.code for one in planned(declared, left).notes] == ["done"]
