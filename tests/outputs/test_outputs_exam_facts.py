"""An exam at a glance: what is told of its supervision, and nothing where nothing is known."""

import output_cases as cases

from reconciler.model.plan import Action
from reconciler.outputs.exam_facts import facts_of_change, proctoring_of


def test_proctoring_names_kinds_and_who_assigns() -> None:
    """Of many kinds of proctor the first are named, and how many more there are."""
    body = cases.payload(proctorTypes=["auto", "live", "x" * 400, "lockdown", "id", "room"])
    assert proctoring_of(body) == f"auto, live, {'x' * 59}…, lockdown, 2 more, proctor manager"


def test_a_documented_sid_of_a_proctor_type_is_told_in_words() -> None:
    """Reviewers read what live proctoring is, and a SID that nothing is known about as it is."""
    other = f"TS{0:032x}"
    body = cases.payload(proctorTypes=["TS4b894875d26194988853e490dfb9bc41", other])
    assert proctoring_of(body) == f"live online, {other}, proctor manager"


def test_what_is_not_known_is_empty() -> None:
    """An orphan of an earlier version, or a body of odd values, has no facts rather than wrong ones."""
    odd = {"title": 7, "configuration": "none", "type": None}
    facts = facts_of_change(cases.change("a/b", Action.ORPHANED, before=odd))
    assert (facts.title, facts.duration, facts.proctoring) == ("",) * 3
    assert (facts.exam, facts.booking) == (None, None)
    assert proctoring_of({"configuration": {"proctorTypes": "auto"}}) == ""
