"""State edits: the state after a person settles a doubt, or adopts, accepts, moves or removes an exam."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.commands import command
from reconciler.model.declarations import Declaration
from reconciler.model.errors import ResolutionRefused, UsageError
from reconciler.model.identities import Address, ExamSid, is_address, is_exam_sid
from reconciler.model.secret_fingerprints import STATE_KEY_VARIABLE
from reconciler.model.state import Entry, Resolution, ResolutionMethod, State
from reconciler.model.words import first_few, nearest
from reconciler.planning.acceptances import Fingerprints, acceptance_of, is_same_place, taken
from reconciler.planning.effects import entry_of
from reconciler.service_url import may_be_one_service

_OTHER_SIDS: Final = {
    "AI": "installs",
    "CS": "course sections",
    "CU": "courses",
    "EC": "exam configurations",
    "EN": "enrollments",
    "ES": "exam sessions",
    "US": "users",
}
_UNSEEN: Final = (
    f"A changed password is noticed only with {STATE_KEY_VARIABLE}, and with the password's value."
)


class Editor(Struct, frozen=True, kw_only=True):
    """Who edits the state, and when; `at` is in UTC."""

    by: str
    at: datetime


def settle(
    state: State, address: Address, sid: ExamSid | None, editor: Editor, *, attempt: str | None = None
) -> State:
    """Return `state` once the in-doubt create of `address` is known to have made `sid` (None: nothing).

    Raises ResolutionRefused, also if `attempt` is given and is not the one in doubt.
    """
    refuse_other_attempt(state, address, attempt)
    if sid is not None:
        refuse_taken(holders_of(state), address, sid)
    return settled(state, {address: sid}, editor)


def adopt(state: State, declaration: Declaration, sid: ExamSid, editor: Editor) -> State:
    """Return `state` once the exam of `declaration` is known to exist as `sid`. Raises ResolutionRefused.

    The service cannot be asked what the exam looks like. It is recorded as it was sent if it was in doubt,
    otherwise as declared.
    """
    address = declaration.address
    if (entry := state.exams.get(address)) is not None:
        raise ResolutionRefused(
            f"{address} is in state already, as {entry.sid}",
            hint=f"Nothing was changed. {_correction(address, sid)}",
        )
    refuse_taken(holders_of(state), address, sid)
    if address in state.intents:
        return settled(state, {address: sid}, editor, found_by=ResolutionMethod.IMPORT_COMMAND)
    return replace(state, exams={**state.exams, address: entry_of(declaration, sid, editor.at)})


def accept(  # noqa: PLR0913 - what is accepted, and who says so
    state: State,
    addresses: Sequence[Address],
    exams: Mapping[Address, Declaration],
    editor: Editor,
    *,
    reason: str | None,
    fingerprints: Fingerprints,
) -> State:
    """Return `state` once the exams at `addresses` are known to exist as declared in `exams`.

    `fingerprints` are of the present secrets. Raises ResolutionRefused, which names all that are wrong.
    """
    wrong = [
        (address, *why)
        for address in addresses
        if (why := _why_not_accepted(address, state, exams, fingerprints)) is not None
    ]
    if wrong:
        said = "; ".join(f"{address} {what}" for address, what, _ in wrong)
        hints = dict.fromkeys(hint for *_, hint in wrong)
        raise ResolutionRefused(said, hint=" ".join(("Nothing was changed.", *hints)))
    held = [(state.exams[address], exams[address]) for address in addresses]
    after = {exam.address: taken(entry, exam, fingerprints) for entry, exam in held}
    history = [acceptance_of(entry, exam, by=editor.by, at=editor.at, reason=reason) for entry, exam in held]
    return replace(state, exams={**state.exams, **after}, acceptances=(*state.acceptances, *history))


def _why_not_accepted(
    address: Address, state: State, exams: Mapping[Address, Declaration], fingerprints: Fingerprints
) -> tuple[str, str] | None:
    """Return why the exam at `address` cannot be accepted, and a hint; None if it can."""
    exam, entry = exams.get(address), state.exams.get(address)
    if exam is None:
        otherwise = "Declare it as it is now, or name its manifest with --manifest."
        return "is not declared in the manifests that were read", _suggestion(address, exams, otherwise)
    if address in state.intents:
        return "is in doubt", f"Settle that first: {command('state', 'show', address)} says how."
    if entry is None:
        known = (
            f"If it exists: {command('import', address, 'SID')}, or `reconciler apply` if a block says so."
        )
        return "is not in state", _suggestion(address, state.exams, known)
    if not is_same_place(entry, exam):
        return (
            f"is in {entry.course_sid} of {entry.install_sid}, and declared for another course or install",
            "That would be another exam: declare it under a new address.",
        )
    if taken(entry, exam, fingerprints) == entry:
        return "is in state as it is declared: there is nothing to accept", _UNSEEN if exam.secrets else ""
    return None


def move(state: State, source: Address, target: Address) -> State:
    """Return `state` once the exam at `source` is at `target`. Raises ResolutionRefused."""
    entry = _entry_of(state, source)
    if target in state.exams or target in state.intents:
        what = "holds an exam already" if target in state.exams else "is in doubt"
        raise ResolutionRefused(
            f"{source} cannot move to {target}, which {what}",
            hint="Nothing was changed. Choose a free address; `reconciler state list` lists those in use.",
        )
    return replace(state, exams={**_others(state, source), target: entry})


def remove(state: State, address: Address) -> State:
    """Return `state` once it has forgotten the exam at `address`. Raises ResolutionRefused."""
    _entry_of(state, address)
    return replace(state, exams=_others(state, address))


def rebind(state: State, url: str) -> State:
    """Return `state` once it is of exams at the service `url`, normalised. Raises ResolutionRefused."""
    known = state.service if state.exams or state.intents else None
    if known is not None and not may_be_one_service(known, url):
        raise ResolutionRefused(
            f"the state is of exams at {known}, and only one of that and {url} is on this machine",
            hint="Nothing was changed. Exams of a sandbox exist there only. Give each service a state of its "
            "own: another environment in reconciler.yaml, or another --state.",
        )
    return replace(state, service=url)


def _entry_of(state: State, address: Address) -> Entry:
    if address in state.intents:
        raise ResolutionRefused(
            f"{address} is in doubt",
            hint="Nothing was changed. Settle it first: "
            f"{command('resolve', address, '--sid', 'SID')}, or `--absent`.",
        )
    if (entry := state.exams.get(address)) is None:
        otherwise = "`reconciler state list` lists all that is."
        raise ResolutionRefused(
            f"{address} is not in state",
            hint=f"Nothing was changed. {_suggestion(address, state.exams, otherwise)}",
        )
    return entry


def _others(state: State, address: Address) -> dict[Address, Entry]:
    return {key: entry for key, entry in state.exams.items() if key != address}


def settled(
    state: State,
    found: Mapping[Address, ExamSid | None],
    editor: Editor,
    *,
    found_by: ResolutionMethod = ResolutionMethod.RESOLVE_SID,
) -> State:
    """Return `state` without its doubts about `found`, and with the resolutions that end them.

    Nothing is checked. `found_by` is how a person says that an exam exists.
    """
    made = {
        address: state.intents[address].as_created(sid, editor.at)
        for address, sid in found.items()
        if sid is not None
    }
    resolutions = (
        Resolution(
            address=address,
            attempt=state.intents[address].attempt,
            sid=sid,
            by=editor.by,
            at=editor.at,
            how=ResolutionMethod.RESOLVE_ABSENT if sid is None else found_by,
        )
        for address, sid in found.items()
    )
    intents = {address: intent for address, intent in state.intents.items() if address not in found}
    return replace(state, exams={**state.exams, **made}, intents=intents).with_resolutions(*resolutions)


def refuse_other_attempt(state: State, address: Address, attempt: str | None) -> None:
    """Raise ResolutionRefused unless `address` is in doubt, about `attempt` if that is given."""
    intent = state.intents.get(address)
    if intent is None:
        otherwise = _correction(address) if address in state.exams else _in_doubt(state)
        raise not_in_doubt(state, address, _suggestion(address, state.intents, otherwise))
    if attempt is not None and attempt != intent.attempt:
        raise ResolutionRefused(
            f"{address} is in doubt about the attempt {intent.attempt}, not {attempt or 'an empty one'}",
            hint="Nothing was changed. Look anew what became of that attempt: "
            f"{command('state', 'show', address)}.",
        )


def not_in_doubt(state: State, address: Address, hint: str) -> ResolutionRefused:
    """Return the error that says what `address` is, as it is not in doubt."""
    return ResolutionRefused(
        f"{address} is not in doubt: {_what_it_is(state, address)}", hint=f"Nothing was changed. {hint}"
    )


def _what_it_is(state: State, address: Address) -> str:
    if (entry := state.exams.get(address)) is not None:
        return f"it is created already, as {entry.sid}"
    settled = [one for one in state.resolutions if one.address == address]
    if settled:
        return f"it was settled by `{settled[-1].how.value}` before, by {settled[-1].by}"
    return "it is not in state"


def _correction(address: Address, sid: str = "SID") -> str:
    """Return how a person corrects the SID that state holds of the exam at `address`."""
    first, then = command("state", "rm", address), command("import", address, sid)
    return f"If state has a wrong SID of it: {first}, then {then}, with no apply in between."


def _in_doubt(state: State) -> str:
    if not state.intents:
        return "Nothing is in doubt."
    return f"In doubt: {first_few(sorted(state.intents), between=', ', last=' ')}."


def _suggestion(address: Address, known: Iterable[Address], otherwise: str) -> str:
    """Return a question that names the one of `known` that is most like `address`, or `otherwise`."""
    near = nearest(address, sorted({*known} - {address}))
    return f"Did you mean {' or '.join(near)}?" if near else otherwise


def holders_of(state: State) -> dict[ExamSid, Address]:
    """Return the address of each SID in `state`."""
    return {entry.sid: address for address, entry in state.exams.items()}


def refuse_taken(holders: Mapping[ExamSid, Address], address: Address, sid: ExamSid) -> None:
    """Raise ResolutionRefused if `sid` is the SID of one of `holders`."""
    if sid in holders:
        raise ResolutionRefused(
            f"{sid} is held by {holders[sid]}, so it cannot be {address} as well",
            hint="Nothing was changed. Check the SID in the product's web console.",
        )


def address_of(text: str) -> Address:
    """Return `text` as an address. Raises UsageError."""
    if is_address(text):
        return Address(text)
    raise UsageError(f"{text!r} is not an address", hint="Write it as in the manifest, like cs101/final.")


def sid_of(text: str) -> ExamSid:
    """Return `text` as the SID of an exam. Raises UsageError."""
    if is_exam_sid(text):
        return ExamSid(text)
    hint = "It is EX and 32 characters from 0-9 and a-f."
    respelt = f"EX{text.strip()[2:].lower()}"
    if text.strip()[:2].upper() == "EX" and is_exam_sid(respelt):
        hint = f"The letters after EX are lower case: did you mean {respelt}?"
    elif (whose := _OTHER_SIDS.get(text[:2])) is not None:
        hint = f"{text[:2]} is the prefix of {whose}. {hint}"
    raise UsageError(f"{text!r} is not an exam's SID", hint=hint)
