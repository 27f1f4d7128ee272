"""Effects: what a plan leaves behind in state, and what it is to create."""

from datetime import datetime

from msgspec.structs import replace

from reconciler.model.declarations import Declaration, Declared
from reconciler.model.identities import Address, ExamSid
from reconciler.model.plan import Action, Change, Plan
from reconciler.model.state import Entry, Resolution, Settling, State
from reconciler.planning.adoptions import Adoption
from reconciler.planning.blocks import without_globs
from reconciler.planning.standing import exams_by_address, standing_of


def apply_state_changes(  # noqa: PLR0913 - a plan, what it was made from, and who carries it out
    plan: Plan,
    declared: Declared,
    state: State,
    *,
    now: datetime,
    by: str,
    planned_at: datetime | None = None,
) -> State:
    """The state after the imports, moves and forgets of `plan`, and without the intents that these settle.

    `plan` was made from `declared` and `state`, and no guard refuses it. What is settled is recorded as done
    by `by` at `now`. `planned_at` is the moment that the plan was made for; None for `now`. The serial stays
    as it is: who writes the state counts.
    """
    standing = standing_of(without_globs(declared, state, now=planned_at or now), state)
    exams, intents = dict(state.exams), dict(state.intents)
    settled: list[Resolution] = []

    def settle(address: Address, sid: ExamSid | None, how: Settling) -> None:
        attempt = intents.pop(address).attempt
        settled.append(Resolution(address=address, attempt=attempt, sid=sid, by=by, at=now, how=how))

    for change in plan.changes:
        if change.address in standing.refuted:
            settle(change.address, None, Settling.ABSENT_BLOCK)
        if change.action is Action.IMPORT:
            adoption = standing.adoptions[change.address]
            exams[change.address] = _adopted(change, adoption, state, now)
            if adoption.settles is not None:
                settle(adoption.settles, adoption.sid, Settling.IMPORTS_BLOCK)
        elif change.action is Action.MOVE and change.moved_from is not None:
            exams[change.address] = exams.pop(change.moved_from)
        elif change.action is Action.FORGET:
            exams.pop(change.address, None)
    return replace(state, exams=exams, intents=intents).with_resolutions(*settled)


def planned_creates(plan: Plan, declared: Declared) -> tuple[Declaration, ...]:
    """The exams that `plan` is to create, in its order."""
    exams = exams_by_address(declared)
    return tuple(exams[change.address] for change in plan.having(Action.CREATE))


def _adopted(change: Change, adoption: Adoption, state: State, now: datetime) -> Entry:
    """The entry of an imported exam: what was sent where that was in doubt, else what is declared."""
    if adoption.settles is not None:
        return state.intents[adoption.settles].as_created(adoption.sid, now)
    return Entry(
        sid=adoption.sid,
        install_sid=change.install_sid,
        course_sid=change.course_sid,
        digest=change.digest,
        payload=change.after or {},
        created_at=now,
    )
