"""Tracking: what a plan says of secrets' values, and that it never holds one."""

from msgspec.structs import replace
from planning_cases import (
    NOW,
    actions,
    blocks_applied,
    codes,
    created,
    declaring,
    entry,
    exam,
    line,
    moves,
    payload,
    state,
)

from reconciler.model.plan import Action
from reconciler.model.secret_fingerprints import SecretComparison
from reconciler.model.secrets import EnvSecret, SecretUse
from reconciler.planning.planner import make_plan
from reconciler.planning.secret_changes import held_with_secrets

PATH = "configuration.password"


def secret_exam(address, variable="EXAM_SECRET_A"):
    """A declaration whose password is a reference."""
    reference = {"fromEnv": variable}
    use = SecretUse(("configuration", "password"), EnvSecret(variable))
    return replace(exam(address, payload(address, password=reference)), secrets=(use,))


def planned(declared, known, comparisons):
    """The plan with these comparisons."""
    return make_plan(blocks_applied(declared, known), now=NOW, comparisons=comparisons)


def plan_of(comparison):
    """The plan of one exam in state whose password is as `comparison` says."""
    one = secret_exam("a")
    seen = None if comparison is None else {"a": {PATH: comparison}}
    return planned(declaring(one), state({"a": entry(1, one)}), seen)


def test_another_value_is_a_change_without_a_value():
    """The line is `changed`; both sides are the reference, and no more is known."""
    plan = plan_of(SecretComparison.DIFFERS)
    found = line(plan, "a")
    assert found.action is Action.CHANGED
    (diff,) = found.diff
    assert (diff.path, diff.before, diff.after, diff.is_of_value) == (
        PATH,
        {"fromEnv": "EXAM_SECRET_A"},
        {"fromEnv": "EXAM_SECRET_A"},
        True,
    )
    assert plan.differs
    assert plan.notes == ()


def test_the_fingerprint_is_that_of_a_run_without_the_key():
    """A plan reviewed where no value can be compared is the one that apply makes where they can."""
    assert (
        plan_of(SecretComparison.DIFFERS).fingerprint
        == plan_of(None).fingerprint
        == plan_of(SecretComparison.SAME).fingerprint
    )


def test_the_same_value_is_no_difference():
    """Nothing is said of what is as it was sent."""
    plan = plan_of(SecretComparison.SAME)
    assert (actions(plan), plan.notes) == ({"a": Action.NOOP}, ())


def test_another_reference_is_told_once():
    """A difference that shows anyway is not told a second time, and a moved exam shows its own."""
    held = entry(1, secret_exam("a", "EXAM_SECRET_OLD"))
    seen = {"a": {PATH: SecretComparison.DIFFERS}}
    plan = planned(declaring(secret_exam("a")), state({"a": held}), seen)
    assert [one.path for one in line(plan, "a").diff] == ["configuration.password.fromEnv"]
    moved = declaring(secret_exam("b"), moved=moves(("a", "b")))
    plan = planned(moved, state({"a": entry(1, secret_exam("b"))}), {"b": {PATH: SecretComparison.DIFFERS}})
    assert (line(plan, "b").action, [one.path for one in line(plan, "b").diff]) == (Action.MOVE, [PATH])


def test_without_a_key_one_note_says_that_nothing_is_tracked():
    """Once, with all addresses; and not where no exam has a secret."""
    exams = [secret_exam("a"), secret_exam("b")]
    (found,) = planned(declaring(*exams), state({"a": entry(1, exams[0])}), None).notes
    assert (found.code, found.addresses, found.source) == ("secrets-not-tracked", ("a", "b"), None)
    assert "RECONCILER_STATE_KEY is not set" in found.message
    assert planned(declaring("a"), state(created("a")), None).notes == ()


def test_what_cannot_be_compared_is_named_with_its_reason():
    """One note for each reason, the first five addresses in its message and all in its list."""
    names = [f"e{number}" for number in range(7)]
    comparisons = {name: {PATH: SecretComparison.UNAVAILABLE} for name in names}
    comparisons |= {"x": {PATH: SecretComparison.UNTRACKED}, "y": {PATH: SecretComparison.OTHER_KEY}}
    exams = [secret_exam(name) for name in comparisons]
    known = state({one.address: entry(number, one) for number, one in enumerate(exams, start=1)})
    plan = planned(declaring(*exams), known, comparisons)
    assert [one.code for one in plan.notes] == [
        "secrets-not-checked",
        "secrets-not-tracked",
        "secrets-under-another-key",
    ]
    assert plan.notes[0].addresses == tuple(names)
    assert plan.notes[0].message.endswith("e0, e1, e2, e3, e4 and 2 more")
    assert codes(plan) == []
    assert not plan.differs


def test_tracked_exams_come_with_the_entry_that_they_have_after_moves():
    """Only declared ones that state holds and that have a secret."""
    one = secret_exam("new")
    held = entry(1, one)
    known = state({"old": held, **created("plain")})
    declared = declaring(one, secret_exam("missing"), "plain", moved=moves(("old", "new")))
    assert held_with_secrets(blocks_applied(declared, known)) == ((one, held),)
