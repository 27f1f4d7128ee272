"""Each guard: when it fires, when it does not, and what it tells."""

from datetime import timedelta, timezone

import pytest
from planning_cases import (
    NOW,
    OTHER_COURSE,
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
from reconciler.planning.block_globs import apply_all_blocks
from reconciler.planning.planner import make_plan


def closing(address, at):
    """A declaration whose window closes at the instant spelt `at`."""
    return exam(address, payload(f"Exam {address}", examCloseDate=at))


def test_more_creates_than_allowed():
    """One create more than allowed is refused, and the hint names what allows them."""
    declared = declaring("a", "b", "c")
    assert codes(planned(declared, max_creates=3)) == []
    found = guard(planned(declared, max_creates=2), "too-many-creates")
    assert found.addresses == ("a", "b", "c")
    assert found.message == "3 exams would be created, and 2 are allowed at once"
    assert "`maxCreates: 3` in reconciler.yaml, or pass --max-creates 3" in found.hint


def test_bound_of_none_at_all():
    """No create is allowed where the bound is 0."""
    found = guard(planned(declaring("a"), max_creates=0), "too-many-creates")
    assert found.message.startswith("1 exam would")


def test_only_creates_count_towards_the_bound():
    """Imports, moves and what exists already are no creates."""
    declared = declaring("a", "b", "new", imports=[adopts("a", 9)], moved=moves(("old", "new")))
    assert codes(planned(declared, state(created("b", "old")), max_creates=0)) == []


@pytest.mark.parametrize(
    ("closes", "fires"),
    [
        ("2026-09-01T08:29:59.999Z", True),
        ("2026-09-01T08:30:00.000Z", True),
        ("2026-09-01T08:30:00.001Z", False),
        ("0999-01-01T00:00:00.000Z", True),
        ("9999-12-31T23:59:59.999Z", False),
        ("not a date", False),
        (17, False),
        (None, False),
    ],
)
def test_closed_window(closes, fires):
    """A create whose window is over now is refused; what is no instant is not judged here."""
    assert codes(planned(declaring(closing("a", closes)))) == (["window-closed"] if fires else [])


def test_closed_window_is_judged_in_utc():
    """The zone of the clock makes no difference."""
    declared = declaring(closing("a", "2026-09-01T08:29:59.999Z"), closing("b", "2026-09-01T08:30:00.001Z"))
    for hours in (-11, 0, 14):
        local = NOW.astimezone(timezone(timedelta(hours=hours)))
        plan = make_plan(apply_all_blocks(declared, state(), now=local), now=local)
        assert guard(plan, "window-closed").addresses == ("a",)


def test_closed_window_of_a_created_exam_is_history():
    """An exam that exists may have a window that is over, and so may one that is imported."""
    over = "2020-01-01T00:00:00.000Z"
    declared = declaring(closing("a", over), closing("b", over), imports=[adopts("b", 9)])
    assert codes(planned(declared, state({"a": entry(1, closing("a", over))}))) == []


@pytest.mark.parametrize("configuration", [None, [], "text"])
def test_odd_configuration_has_no_window(configuration):
    """A payload of another shape than documented makes no exception."""
    declared = declaring(exam("a", {"configuration": configuration}), exam("b", {}))
    assert codes(planned(declared)) == []


def test_import_of_another_sid_conflicts():
    """An import never replaces the SID that state holds."""
    plan = planned(declaring("a", imports=[adopts("a", 9)]), state(created("a")))
    assert actions(plan) == {"a": Action.NOOP}
    assert line(plan, "a").sid == sid(1)
    found = guard(plan, "import-conflict")
    assert found.addresses == ("a",)
    assert found.message == f"imports contradict the state: a is {sid(1)} in state, not {sid(9)}"


def test_import_of_a_held_sid_conflicts():
    """A SID that another address holds is not adopted."""
    plan = planned(declaring("a", "b", imports=[adopts("b", 1)]), state(created("a")))
    assert guard(plan, "import-conflict").addresses == ("a", "b")
    assert line(plan, "b").action is not Action.CREATE


def test_two_imports_of_one_sid_conflict():
    """A SID is adopted by one address only."""
    plan = planned(declaring("a", "b", imports=[adopts("a", 9), adopts("b", 9)]))
    assert guard(plan, "import-conflict").addresses == ("a", "b")


@pytest.mark.parametrize("known", [state(), state(created("a"))])
def test_two_imports_for_one_address_conflict(known):
    """An address adopts one SID only, and one of two is never picked silently."""
    plan = planned(declaring("a", imports=[adopts("a", 1), adopts("a", 9)]), known)
    assert guard(plan, "import-conflict").addresses == ("a",)


def test_conflicting_import_settles_nothing():
    """A doubt stays a doubt where the SID that should settle it belongs to another exam."""
    plan = planned(declaring("a", "b", imports=[adopts("b", 1)]), state(created("a"), doubted("b")))
    assert actions(plan) == {"a": Action.NOOP, "b": Action.IN_DOUBT}
    assert codes(plan) == ["import-conflict"]


@pytest.mark.parametrize(
    "declared",
    [
        declaring(imports=[adopts("a", 9)], removed=removes("a")),
        declaring(imports=[adopts("a", 9)], moved=moves(("a", "b")), removed=removes("b")),
        declaring(imports=[adopts("a", 9)], moved=moves(("a", "b"), ("a", "c"))),
    ],
)
def test_import_of_a_doubt_that_has_to_leave_conflicts(declared):
    """A doubt that is adopted only to leave its address at once stays one: no second apply is needed."""
    plan = planned(declared, state(created("b"), doubted("a")))
    assert line(plan, "a").action is Action.IN_DOUBT
    assert guard(plan, "import-conflict").addresses == ("a",)


def test_guards_come_in_one_order():
    """Several guards are told together, in the order that the documentation lists them in."""
    over = {"examCloseDate": "2020-01-01T00:00:00.000Z"}
    declared = declaring(
        exam("a", payload("Same", **over)),
        exam("b", payload("Same", duration=1)),
        "c",
        "moved-doubt",
        "target",
        exam("elsewhere", course=OTHER_COURSE),
        imports=[adopts("c", 9)],
        moved=moves(("source", "target"), ("doubt", "moved-doubt")),
    )
    known = state(
        {
            **created("c", "source", "target", "elsewhere"),
            "orphan": entry(7, exam("orphan", payload("Same", **over))),
        },
        doubted("doubt"),
    )
    assert codes(planned(declared, known, max_creates=0)) == [
        "too-many-creates",
        "window-closed",
        "other-course",
        "same-exam",
        "import-conflict",
        "move-conflict",
    ]


def test_long_lists_are_cut_in_the_message_only():
    """A message names a few, and the guard holds every address."""
    declared = declaring(*(closing(f"e{number}", "2020-01-01T00:00:00.000Z") for number in range(8)))
    found = guard(planned(declared), "window-closed")
    assert found.message == "the exam window has closed already: e0; e1; e2; e3; e4; and 3 more"
    assert len(found.addresses) == 8
