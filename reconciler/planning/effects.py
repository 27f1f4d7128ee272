"""Effects: the state that a plan leaves, and the exams that it creates."""

from datetime import datetime

from msgspec.structs import replace

from reconciler.model.declarations import Declaration
from reconciler.model.identities import Address, ExamSid
from reconciler.model.plan import Action, Plan
from reconciler.model.state import Acceptance, Entry, Resolution, ResolutionMethod, State
from reconciler.planning.acceptances import NO_FINGERPRINTS, Fingerprints, acceptance_of, taken
from reconciler.planning.blocks import AppliedBlocks


def apply_state_changes(
    plan: Plan,
    applied: AppliedBlocks,
    *,
    now: datetime,
    by: str,
    fingerprints: Fingerprints = NO_FINGERPRINTS,
) -> State:
    """Return the state after all changes of `plan` but the creates, without the intents that these end.

    `plan` was made from `applied`, and no guard refuses it. Resolutions and acceptances are recorded as made
    by `by` at `now`. `fingerprints` are of the exams that are accepted. The serial stays the same: the
    writer of the state raises it.
    """
    state = applied.state
    exams, intents = dict(state.exams), dict(state.intents)
    settled: list[Resolution] = []
    accepted: list[Acceptance] = []

    def settle(address: Address, sid: ExamSid | None, how: ResolutionMethod) -> None:
        attempt = intents.pop(address).attempt
        settled.append(Resolution(address=address, attempt=attempt, sid=sid, by=by, at=now, how=how))

    for change in plan.changes:
        if change.address in applied.confirmed_absent:
            settle(change.address, None, ResolutionMethod.ABSENT_BLOCK)
        if change.action is Action.IMPORT:
            adoption = applied.adoptions[change.address]
            if adoption.settles is None:
                exams[change.address] = entry_of(applied.exams[change.address], adoption.sid, now)
            else:
                exams[change.address] = intents[adoption.settles].as_created(adoption.sid, now)
                settle(adoption.settles, adoption.sid, ResolutionMethod.IMPORTS_BLOCK)
        elif change.action is Action.MOVE and change.moved_from is not None:
            exams[change.address] = exams.pop(change.moved_from)
        elif change.action is Action.FORGET:
            exams.pop(change.address, None)
        elif change.action is Action.ACCEPT:
            entry, exam = exams.pop(change.moved_from or change.address), applied.exams[change.address]
            exams[change.address] = taken(entry, exam, fingerprints)
            accepted.append(acceptance_of(entry, exam, by=by, at=now, reason=change.reason))
    after = replace(state, exams=exams, intents=intents, acceptances=(*state.acceptances, *accepted))
    return after.with_resolutions(*settled)


def planned_creates(plan: Plan, applied: AppliedBlocks) -> tuple[Declaration, ...]:
    """Return the exams that `plan`, made from `applied`, is to create, in its order."""
    return tuple(applied.exams[change.address] for change in plan.having(Action.CREATE))


def entry_of(declaration: Declaration, sid: ExamSid, now: datetime) -> Entry:
    """Return the entry of an exam that is adopted as `sid`: it is taken to be as declared."""
    return Entry(
        sid=sid,
        install_sid=declaration.install_sid,
        course_sid=declaration.course_sid,
        digest=declaration.digest,
        payload=declaration.payload,
        created_at=now,
    )
