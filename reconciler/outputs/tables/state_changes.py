"""The exams of a state as lines of a plan, so that a table of either is made the same way."""

from reconciler.model.destination import Destination
from reconciler.model.plan import Action, Change, Plan
from reconciler.model.state import State


def state_as_plan(state: State) -> Plan:
    """Return a plan with a line for each address of `state`: `noop` for a created exam, or `in-doubt`."""
    created = [
        Change(
            address=address,
            action=Action.NOOP,
            install_sid=entry.install_sid,
            course_sid=entry.course_sid,
            sid=entry.sid,
            digest=entry.digest,
            source=None,
            before=entry.payload,
            after=None,
        )
        for address, entry in state.exams.items()
    ]
    in_doubt = [
        Change(
            address=address,
            action=Action.IN_DOUBT,
            install_sid=intent.install_sid,
            course_sid=intent.course_sid,
            sid=None,
            digest=intent.digest,
            source=None,
            before=None,
            after=None,
            intent=intent,
        )
        for address, intent in state.intents.items()
    ]
    return Plan(
        lineage=state.lineage,
        serial=state.serial,
        changes=tuple(sorted((*created, *in_doubt), key=lambda change: change.address)),
        destination=Destination(api_url=state.service),
    )
