"""Mending by hand: what state becomes when a person says what an exam became, or where it belongs. Pure."""

from dataclasses import replace
from datetime import datetime

from reconciler.model.declarations import Declaration
from reconciler.model.errors import ResolutionRefused
from reconciler.model.identities import Address, ExamSid
from reconciler.model.state import Entry, Intent, State


def settle_as_created(state: State, address: Address, sid: ExamSid, now: datetime) -> State:
    """State once the in-doubt create of `address` is known to have made `sid`. Raises ResolutionRefused."""
    intent = _intent_of(state, address)
    _refuse_taken(state, address, sid)
    exams = {**state.exams, address: intent.as_created(sid, now)}
    return replace(_without_intent(state, address), exams=exams)


def settle_as_absent(state: State, address: Address) -> State:
    """State once the in-doubt create of `address` is known to have made nothing. Raises ResolutionRefused."""
    _intent_of(state, address)
    return _without_intent(state, address)


def adopt(state: State, declaration: Declaration, sid: ExamSid, now: datetime) -> State:
    """State once the exam that `declaration` declares is known to exist as `sid`. Raises ResolutionRefused.

    What the exam really looks like cannot be read, so it is taken to be as declared.
    """
    address = declaration.address
    if (entry := state.exams.get(address)) is not None:
        raise ResolutionRefused(
            f"{address} is in state already, as {entry.sid}",
            hint="Nothing was changed. An address is adopted once.",
        )
    _refuse_taken(state, address, sid)
    entry = Entry(
        sid=sid,
        install_sid=declaration.install_sid,
        course_sid=declaration.course_sid,
        digest=declaration.digest,
        payload=declaration.payload,
        created_at=now,
    )
    return replace(_without_intent(state, address), exams={**state.exams, address: entry})


def move(state: State, source: Address, target: Address) -> State:
    """State once the exam at `source` is at `target`. Raises ResolutionRefused."""
    entry = _entry_of(state, source)
    if target in state.exams or target in state.intents:
        what = "holds an exam already" if target in state.exams else "is in doubt"
        raise ResolutionRefused(
            f"{source} cannot move to {target}, which {what}",
            hint="Nothing was changed. Choose a free address; `reconciler state list` lists those in use.",
        )
    return replace(state, exams={**_others(state, source), target: entry})


def remove(state: State, address: Address) -> State:
    """State once it has forgotten the exam at `address`. Raises ResolutionRefused."""
    _entry_of(state, address)
    return replace(state, exams=_others(state, address))


def _entry_of(state: State, address: Address) -> Entry:
    if address in state.intents:
        raise ResolutionRefused(
            f"{address} is in doubt",
            hint="Nothing was changed. Settle it first: "
            f"`reconciler resolve {address} --sid SID`, or `--absent`.",
        )
    if (entry := state.exams.get(address)) is None:
        raise ResolutionRefused(
            f"{address} is not in state",
            hint="Nothing was changed. `reconciler state list` lists all that is.",
        )
    return entry


def _others(state: State, address: Address) -> dict[Address, Entry]:
    return {key: entry for key, entry in state.exams.items() if key != address}


def _intent_of(state: State, address: Address) -> Intent:
    intent = state.intents.get(address)
    if intent is None:
        what = "is created already" if address in state.exams else "is not in state"
        in_doubt = ", ".join(sorted(state.intents)) or "none"
        raise ResolutionRefused(
            f"{address} is not in doubt: it {what}", hint=f"Nothing was changed. In doubt: {in_doubt}."
        )
    return intent


def _refuse_taken(state: State, address: Address, sid: ExamSid) -> None:
    for holder, entry in state.exams.items():
        if entry.sid == sid:
            raise ResolutionRefused(
                f"{sid} is held by {holder}, so it cannot be {address} as well",
                hint="Nothing was changed. Check the SID in the product's web console.",
            )


def _without_intent(state: State, address: Address) -> State:
    return replace(state, intents={key: value for key, value in state.intents.items() if key != address})
