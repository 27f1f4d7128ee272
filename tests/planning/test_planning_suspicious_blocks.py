"""Suspicious blocks: one that misses an exam by a letter does not have it created twice."""

import pytest
from planning_cases import (
    adopts,
    codes,
    created,
    declaring,
    doubted,
    exam,
    guard,
    moves,
    payload,
    planned,
    removes,
    state,
)


def test_misspelt_import_beside_a_create_is_refused():
    """The exam that was to be adopted would be created a second time."""
    plan = planned(declaring("cs101/final", imports=[adopts("cs101/finale", 9)]))
    found = guard(plan, "points-nowhere")
    assert found.addresses == ("cs101/final", "cs101/finale")
    assert "exams.yaml:7:3 names cs101/finale, which nothing declares" in found.message


@pytest.mark.parametrize("known", [state(created("cs101/old")), state(intents=doubted("cs101/old"))])
def test_misspelt_target_of_a_move_beside_a_create_is_refused(known):
    """What state holds or doubts would move past the exam that was edited and renamed."""
    renamed = exam("cs101/midterm-1", payload("edited"))
    plan = planned(declaring(renamed, moved=moves(("cs101/old", "cs101/midterm1"))), known)
    assert guard(plan, "points-nowhere").addresses == ("cs101/midterm-1", "cs101/midterm1")


def test_misspelt_source_of_a_move_beside_an_orphan_is_refused():
    """The orphan stays behind while its exam would be created anew."""
    renamed = exam("cs101/midterm-1", payload("edited"))
    plan = planned(
        declaring(renamed, moved=moves(("cs101/mid-1", "cs101/midterm-1"))), state(created("cs101/mid1"))
    )
    assert guard(plan, "points-nowhere").addresses == ("cs101/mid1", "cs101/midterm-1")


@pytest.mark.parametrize(
    ("declared", "known"),
    [
        (declaring("cs101/final", imports=[adopts("cs101/finale", 1)]), state(created("other"))),
        (declaring("cs101/final", imports=[adopts("cs101/finale", 9)]), state(created("cs101/final"))),
        (declaring("cs101/final", imports=[adopts("history/quiz", 9)]), state()),
        (declaring("b1", moved=moves(("a", "b1"))), state(created("zzz"))),
        (declaring("cs101/new", removed=removes("cs101/nev")), state()),
    ],
    ids=["SID known", "nothing to create", "not alike", "no orphan alike", "a removal creates nothing"],
)
def test_old_blocks_do_not_stand_in_the_way(declared, known):
    """A block that is done or merely does nothing refuses no plan."""
    assert codes(planned(declared, known)) == []
