"""Commands in hints: each says which workspace, environment and state it is for."""

import pytest
from msgspec.structs import replace

from reconciler.model.errors import PlanRefused, StateError
from reconciler.model.plan import Guard, Note, Plan
from reconciler.outputs.invocation import Invocation

HERE = Invocation(("--env", "staging", "--state", "file:a b.json"))
BEHIND = "--env staging --state 'file:a b.json'"


@pytest.mark.parametrize(
    ("hint", "completed"),
    [
        ("Run `reconciler init` once.", f"Run `reconciler init {BEHIND}` once."),
        ("`reconciler state mv a b`.", f"`reconciler state mv a b {BEHIND}`."),
        (
            "`reconciler plan`, `reconciler unlock x`",
            f"`reconciler plan {BEHIND}`, `reconciler unlock x {BEHIND}`",
        ),
        ("`reconciler plan --env other`", "`reconciler plan --env other`"),
        ("`reconciler explain same-exam`", "`reconciler explain same-exam`"),
        ("`reconciler planning`; do not run `init`", "`reconciler planning`; do not run `init`"),
        ("Mend it.", "Mend it."),
    ],
)
def test_a_command_in_a_hint_gets_the_options_in_force(hint, completed):
    """Those that work on a state, and do not say which one; without options it stays as it is."""
    assert HERE.completed(hint) == completed
    assert HERE.completed(completed) == completed
    assert Invocation().completed(hint) == hint


def test_guards_notes_and_errors_tell_commands_that_can_be_copied():
    """The fingerprint of a plan does not depend on it."""
    guard = Guard(code="c", message="m", hint="`reconciler state mv a b`", addresses=())
    note = Note(code="c", message="m", hint="`reconciler show`", source=None, addresses=())
    plain = Plan(lineage="l", serial=1, changes=(), guards=(guard,), notes=(note,))
    made = HERE.completed_plan(plain)
    assert (made.guards[0].hint, made.notes[0].hint) == (
        f"`reconciler state mv a b {BEHIND}`",
        f"`reconciler show {BEHIND}`",
    )
    assert made.fingerprint == plain.fingerprint
    assert HERE.completed_plan(replace(plain, guards=(), notes=())) == replace(plain, guards=(), notes=())
    refused, unusable = PlanRefused((guard,)), StateError("m", hint="`reconciler show`")
    for error in (refused, unusable):
        HERE.complete_error(error)
    assert refused.guards == made.guards
    assert unusable.hint == f"`reconciler show {BEHIND}`"
