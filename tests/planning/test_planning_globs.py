"""Globs in `removed` and `moved`: what they cover, and from what they stand back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from planning_cases import (
    NOW,
    OTHER_COURSE,
    absent,
    actions,
    adopts,
    blocks_applied,
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

from reconciler.model.globs import is_address_or_glob, is_glob_move, matches, moved_address
from reconciler.model.plan import Action
from reconciler.planning.effects import apply_state_changes

OVER = {"examCloseDate": "2026-08-01T12:00:00.000Z"}


def left_by(declared, known):
    """The state after the state changes of the plan."""
    return apply_state_changes(
        planned(declared, known), blocks_applied(declared, known), now=NOW, by="a test"
    )


def test_a_removal_covers_what_is_not_declared():
    """Each hit is a line of its own; what is declared stays, without a word."""
    known = state(created("2031fa/a", "2031fa/b/c", "2031fa/d", "2032sp/a"))
    declared = declaring("2031fa/d", removed=removes("2031fa/*"))
    plan = planned(declared, known)
    assert actions(plan) == {
        "2031fa/a": Action.FORGET,
        "2031fa/b/c": Action.FORGET,
        "2031fa/d": Action.NOOP,
        "2032sp/a": Action.ORPHANED,
    }
    assert (plan.guards, plan.notes) == ((), ())
    left = left_by(declared, known)
    assert sorted(left.exams) == ["2031fa/d", "2032sp/a"]
    again = planned(declared, left)
    assert (again.to_make, [one.code for one in again.notes]) == ((), ["done"])
    assert "2031fa/* is done" in again.notes[0].message


def test_a_removal_leaves_doubts():
    """They are settled first, as by name; a note says so for each."""
    plan = planned(declaring(removed=removes("a/*")), state(created("a/x"), doubted("a/y", "b/z")))
    assert actions(plan) == {"a/x": Action.FORGET, "a/y": Action.IN_DOUBT, "b/z": Action.IN_DOUBT}
    assert [(one.code, one.addresses) for one in plan.notes] == [("doubt-remains", ("a/y",))]


def test_a_removal_follows_moves():
    """It matches where an exam is and where it moves to, but for what moves to a declared address."""
    declared = declaring("n/b", moved=moves(("o/a", "n/a"), ("o/b", "n/b")), removed=removes("n/*"))
    assert actions(planned(declared, state(created("o/a", "o/b")))) == {
        "o/a": Action.FORGET,
        "n/b": Action.MOVE,
    }


def test_a_new_term_in_an_old_course_shell():
    """Quiz 1 of last term, whose window has closed, is forgotten while that of this term is created."""
    old = exam("2031fa/quiz-1", payload("Quiz 1", **OVER))
    declared = declaring(exam("2032sp/quiz-1", payload("Quiz 1")), removed=removes("2031fa/*"))
    plan = planned(declared, state({"2031fa/quiz-1": entry(1, old)}))
    assert (codes(plan), actions(plan)) == (
        [],
        {"2031fa/quiz-1": Action.FORGET, "2032sp/quiz-1": Action.CREATE},
    )


@pytest.mark.parametrize("block", ["removed", "moved"])
def test_a_glob_stands_back_from_what_would_be_created(block):
    """An orphan that a create resembles is named in full, or left; the others are covered."""
    known = state({"o/a": entry(1, exam("o/a", payload("Final"))), "o/b": entry(2, exam("o/b"))})
    blocks = {
        "removed": {"removed": removes("o/*")},
        "moved": {"moved": moves(("o/*", "n/*"))},
    }[block]
    covered = {"removed": {"o/b": Action.FORGET}, "moved": {"n/b": Action.MOVE}}[block]
    exams = [exam("new", payload("Final"))]
    if block == "moved":
        exams += [exam("n/a", payload("Else")), exam("n/b", exam("o/b").payload)]
    plan = planned(declaring(*exams, **blocks), known)
    assert {at: one for at, one in actions(plan).items() if at in {"o/a", *covered}} == {
        "o/a": Action.ORPHANED,
        **covered,
    }
    assert {"new", "o/a"} <= set(guard(plan, "same-exam").addresses)
    named = {
        "removed": {"removed": (*removes("o/*"), *removes("o/a"))},
        "moved": {"moved": moves(("o/*", "n/*"), ("o/a", "new"))},
    }[block]
    told = planned(declaring(*exams, **named), known)
    assert actions(told).get("o/a") == {"removed": Action.FORGET, "moved": None}[block]


def test_a_glob_moves_what_is_declared_at_its_new_address():
    """Also where each was edited in the same commit, and with its doubts, which wait there."""
    known = state(created("cs/a", "cs/b", "cs/c"), doubted("cs/d"))
    declared = declaring(
        exam("2031fa/cs/a", exam("cs/a").payload),
        exam("2031fa/cs/b", payload("Other title")),
        exam("2031fa/cs/d", exam("cs/d").payload),
        moved=moves(("*", "2031fa/*")),
    )
    plan = planned(declared, known)
    assert actions(plan) == {
        "2031fa/cs/a": Action.MOVE,
        "2031fa/cs/b": Action.MOVE,
        "2031fa/cs/d": Action.IN_DOUBT,
        "cs/c": Action.ORPHANED,
        "cs/d": Action.IN_DOUBT,
    }
    assert line(plan, "2031fa/cs/a").moved_from == "cs/a"
    assert (plan.guards, plan.notes) == ((), ())
    again = planned(declared, left_by(declared, known))
    assert (again.to_make, again.notes) == ((), ())


def test_globs_make_chains_with_each_other_and_with_names():
    """Wherever on a chain an exam is, it ends at the declared address."""
    chain = moves(("a/*", "b/*"), ("b/x", "c/x"), ("c/*", "d/*"))
    for held in ("a/x", "b/x", "c/x"):
        declared = declaring(exam("d/x", exam(held).payload), moved=chain)
        plan = planned(declared, state(created(held)))
        assert (codes(plan), actions(plan)) == ([], {"d/x": Action.MOVE})
        assert planned(declared, left_by(declared, state(created(held)))).to_make == ()


def test_a_glob_neither_merges_nor_runs_on():
    """What state has already is never moved onto, and a glob that matches its own result ends."""
    known = state(created("a/x", "b/x"))
    plan = planned(declaring("b/x", moved=moves(("a/*", "b/*"))), known)
    assert (codes(plan), actions(plan)) == ([], {"a/x": Action.ORPHANED, "b/x": Action.NOOP})
    runaway = moves(("*", "x*"), ("x*", "*"), ("*", "y*"))
    assert actions(planned(declaring(moved=runaway), known)) == {
        "a/x": Action.ORPHANED,
        "b/x": Action.ORPHANED,
    }


def test_two_globs_that_lead_to_two_places_conflict():
    """One is not picked silently."""
    declared = declaring("b/x", "c/x", moved=moves(("a/*", "b/*"), ("a/*", "c/*")))
    assert codes(planned(declared, state(created("a/x")))) == ["move-conflict"]


@pytest.mark.parametrize("named", ["a/x", "b/x"])
def test_imports_and_absences_follow_globs(named):
    """By the old or the new address, where a doubt is or where nothing is."""
    declared = declaring("b/x", imports=[adopts(named, 9)], moved=moves(("a/*", "b/*")))
    for known in (state(), state(intents=doubted("a/x"))):
        plan = planned(declared, known)
        assert (codes(plan), actions(plan)) == ([], {"b/x": Action.IMPORT})
        assert left_by(declared, known).exams["b/x"].sid == sid(9)
    gone = declaring("b/x", absences=[absent(named, "try-a/x")], moved=moves(("a/*", "b/*")))
    assert actions(planned(gone, state(intents=doubted("a/x")))) == {
        "a/x": Action.FORGET,
        "b/x": Action.CREATE,
    }


def test_what_a_target_leaves_out_is_left():
    """A plan narrowed to some addresses forgets and moves those only."""
    known = state(created("a/x", "a/y"))
    plan = planned(declaring(removed=removes("a/*")), known, targets=["a/x"])
    left = apply_state_changes(
        plan, blocks_applied(declaring(removed=removes("a/*")), known), now=NOW, by="a test"
    )
    assert list(left.exams) == ["a/y"]


def test_globs_match_whole_addresses():
    """`*` takes slashes and nothing at all, `?` one character; the rest is as it is written."""
    assert matches("a/b/c", "a/*")
    assert matches("a", "a*")
    assert matches("a/b", "a/?")
    assert not matches("a/bc", "a/?")
    assert not matches("A/b", "a/*")
    assert not matches("axb", "a.b")
    assert moved_address("a/b/c", "a/*/c", "x/*") == "x/b"
    assert moved_address("a/c", "a/*/c", "x/*") is None
    assert moved_address("a/b", "a/*", "x/" + "y" * 125 + "*b") is None
    assert moved_address("aa", "a*a", "*") is None
    assert is_glob_move("a/*", "*")
    assert not any(is_glob_move(*pair) for pair in [("a/*", "b"), ("**", "*"), ("a", "b*"), ("?*", "*")])
    assert is_address_or_glob("*/a?")
    assert not any(map(is_address_or_glob, ["../*", "[a]*", "*//*", "a b*", ""]))


@given(
    known=st.sets(st.text("ab/", min_size=1, max_size=4), max_size=4),
    declared=st.sets(st.text("ab/", min_size=1, max_size=4), max_size=3),
    pairs=st.lists(st.tuples(st.text("ab/*", max_size=3), st.text("ab/*", max_size=3)), max_size=3),
    removed=st.lists(st.text("ab/*?", max_size=3), max_size=2),
)
def test_globs_end_and_never_touch_what_is_declared(known, declared, pairs, removed):
    """Whatever they are: a declared exam that state holds stays, and a second plan makes nothing."""
    blocks = [pair for pair in pairs if is_glob_move(*pair)]
    workspace = declaring(
        *declared, moved=moves(*blocks), removed=removes(*(one for one in removed if "*" in one))
    )
    before = state(created(*sorted(known)))
    plan = planned(workspace, before)
    assert {at for at in known & declared if actions(plan)[at] is not Action.NOOP} == set()
    if any(one.code == "move-conflict" for one in plan.guards):
        return
    after = left_by(workspace, before)
    made = {one.address: entry(99 + n, exam(one.address)) for n, one in enumerate(plan.having(Action.CREATE))}
    again = planned(workspace, replace(after, exams={**after.exams, **made}))
    assert [one for one in again.to_make if one.action is not Action.FORGET] == []


def test_ten_thousand_are_covered_in_linear_time():
    """A whole term is renamed, and another forgotten, by two lines."""
    terms = [f"{number}" for number in range(5_000)]
    known = state(created(*(f"a/{at}" for at in terms), *(f"z/{at}" for at in terms)))
    declared = declaring(
        *(exam(f"b/{at}", exam(f"a/{at}").payload) for at in terms),
        exam("new", exam("a/1").payload, course=OTHER_COURSE),
        moved=moves(("a/*", "b/*")),
        removed=removes("z/*"),
    )
    plan = planned(declared, known)
    assert (plan.count(Action.MOVE), plan.count(Action.FORGET), plan.guards) == (5_000, 5_000, ())
