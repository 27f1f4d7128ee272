"""An exam at a glance: what is told of its supervision, and nothing where nothing is known."""

import output_cases as cases

from reconciler.model.plan import Action
from reconciler.outputs.exam_facts import facts_of_change, proctoring_of


def test_proctoring_names_type_kinds_and_who_decides() -> None:
    """Every way of supervising is named, and of many kinds of proctor the first and how many more."""
    body = cases.payload(
        proctorTypes=["auto", "live", "review", "lockdown", "id", "room"],
        instructorAsProctor=[{}],
    )
    assert proctoring_of({**body, "requireApproval": True}) == (
        "Online, auto, live, review, lockdown, 2 more, instructor, proctor manager, needs approval"
    )


def test_what_is_not_known_is_empty() -> None:
    """An orphan of an earlier version, or a body of odd values, has no facts rather than wrong ones."""
    odd = {"title": 7, "configuration": "none", "type": None}
    facts = facts_of_change(cases.change("a/b", Action.ORPHANED, before=odd))
    assert (facts.title, facts.duration, facts.attempts, facts.proctoring, facts.password) == ("",) * 5
    assert (facts.exam, facts.booking) == (None, None)
    assert proctoring_of({"type": "x" * 400, "configuration": {"proctorTypes": "auto"}}) == "x" * 59 + "…"
