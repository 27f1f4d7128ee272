"""Effects: what a plan leaves behind in state, and what it is to create."""

from datetime import datetime

from reconciler.model.declarations import Declaration, Declared
from reconciler.model.plan import Action, Change, Plan
from reconciler.model.state import Entry, State
from reconciler.planning.adoptions import Adoption
from reconciler.planning.standing import exams_by_address, standing_of


def apply_state_changes(plan: Plan, declared: Declared, state: State, *, now: datetime) -> State:
    """The state after the imports, moves and forgets of `plan`, and without the intents that these settle.

    `plan` was made from `declared` and `state`, and no guard refuses it. The serial stays as it is: who
    writes the state counts.
    """
    standing = standing_of(declared, state)
    exams, intents = dict(state.exams), dict(state.intents)
    for change in plan.changes:
        if change.address in standing.refuted:
            intents.pop(change.address)
        if change.action is Action.IMPORT:
            adoption = standing.adoptions[change.address]
            exams[change.address] = _adopted(change, adoption, now)
            if adoption.settles is not None:
                intents.pop(adoption.settles)
        elif change.action is Action.MOVE:
            exams[change.address] = exams.pop(standing.moved_from[change.address])
        elif change.action is Action.FORGET:
            exams.pop(change.address, None)
    return State(lineage=state.lineage, serial=state.serial, exams=exams, intents=intents)


def planned_creates(plan: Plan, declared: Declared) -> tuple[Declaration, ...]:
    """The exams that `plan` is to create, in its order."""
    exams = exams_by_address(declared)
    return tuple(exams[change.address] for change in plan.having(Action.CREATE))


def _adopted(change: Change, adoption: Adoption, now: datetime) -> Entry:
    """The entry of an imported exam: what is declared, or else what was sent."""
    payload = change.after if change.after is not None else change.before
    return Entry(
        sid=adoption.sid,
        install_sid=change.install_sid,
        course_sid=change.course_sid,
        digest=change.digest,
        payload=payload or {},
        created_at=now,
    )
