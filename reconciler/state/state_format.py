"""The format of snapshots: indented JSON with sorted keys and a last newline, easy to review in git."""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from reconciler.model.commands import command
from reconciler.model.errors import StateDamaged, StateMoved
from reconciler.model.identities import Address, Digest, ExamSid, is_address
from reconciler.model.instants import spell_instant
from reconciler.model.outside_text import tamed
from reconciler.model.payloads import NO_PAYLOADS, Payload
from reconciler.model.state import Entry, Intent, MoveMarker, MovePhase, State
from reconciler.model.stored_values import Count
from reconciler.state.strict_json import (
    MalformedError,
    convert,
    decode_json,
    refuse_later,
    to_builtins,
)

FORMAT_VERSION: Final = 4
_MARKERS_OF_VERSION: Final = {1: (0,), 2: (1,), FORMAT_VERSION: (0, 1)}
"""How many markers of a migration a state has. Version 3 is that of encrypted states."""
_KEYS_SINCE_4: Final = frozenset({"service", "acceptances"})
Held = TypeVar("Held", Entry, Intent)

RESTORE_HINT: Final = (
    "Nothing was changed. Put the backup back with `reconciler state restore`, or a copy with "
    "`reconciler state restore FILE`; do not run `init`: an empty state would create every exam again."
)


class Snapshot(Struct, frozen=True, kw_only=True):
    """A snapshot as read. `marker` is None unless the state moves or has moved."""

    state: State
    marker: MoveMarker | None


def empty_state(lineage: str) -> State:
    """Return a state without exams."""
    return State(lineage=lineage, serial=0, exams={}, intents={})


def encode_state(state: State, marker: MoveMarker | None = None) -> bytes:
    """Return the snapshot's bytes; equal states give equal bytes.

    `marker` is None unless the state moves or has moved.
    """
    document = {**to_builtins(state), "formatVersion": FORMAT_VERSION, "service": state.service}
    if marker is not None:
        document[marker.phase.value] = marker.elsewhere
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True, default=spell_instant)
    return f"{text}\n".encode()


def decode_state(data: bytes, *, location: str, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> State:
    """Return the state in `data`; errors call it `location`.

    Payloads that are in `payloads`, by digest, are shared, not copied. Raises StateMoved if it is marked,
    StateTooNew for a later format, and StateDamaged for anything that this product does not write.
    """
    snapshot = decode_snapshot(data, location=location, payloads=payloads)
    refuse_moved(snapshot, location)
    return snapshot.state


def refuse_moved(snapshot: Snapshot, location: str) -> None:
    """Raise StateMoved if the state moves or has moved."""
    if snapshot.marker is not None:
        raise _moved(snapshot.marker, location)


def _moved(marker: MoveMarker, location: str) -> StateMoved:
    if marker.phase is MovePhase.MOVED_TO:
        return StateMoved(
            f"{location} was moved to {marker.elsewhere}",
            hint="Give that as --state, or as `state` in reconciler.yaml (a relative path is below the "
            "workspace's directory). What is left here is history.",
            elsewhere=marker.elsewhere,
        )
    return StateMoved(
        f"{location} is being moved here from {marker.elsewhere}, and that has not ended",
        hint=f"Give it the time, or end it: {command('init', '--migrate-from', marker.elsewhere)} with this "
        "--state or --env.",
        elsewhere=marker.elsewhere,
    )


def decode_snapshot(
    data: bytes, *, location: str, payloads: Mapping[Digest, Payload] = NO_PAYLOADS
) -> Snapshot:
    """Return the state in `data` with its marker, as `decode_state` but without StateMoved."""
    try:
        document = convert(decode_json(data, payloads), dict[str, Any], "the state")
        version = convert(document.pop("formatVersion", None), Count, "state.formatVersion")
        refuse_later(version, FORMAT_VERSION, location)
        marker = _take_marker(document, version)
        return Snapshot(state=_state(document), marker=marker)
    except MalformedError as error:
        raise StateDamaged(f"{location} is not a state of this tool: {error}", hint=RESTORE_HINT) from error


def _take_marker(document: dict[str, Any], version: int) -> MoveMarker | None:
    """Take the marker of a migration out of `document`, whose keys must be those of `version`."""
    markers = [
        MoveMarker(phase=phase, elsewhere=convert(document.pop(phase.value), str, f"state.{phase.value}"))
        for phase in MovePhase
        if phase.value in document
    ]
    is_early = version < FORMAT_VERSION and not _KEYS_SINCE_4.isdisjoint(document)
    if is_early or len(markers) not in _MARKERS_OF_VERSION.get(version, ()):
        raise MalformedError("state.formatVersion does not say what is there")
    return markers[0] if markers else None


def _state(document: dict[str, Any]) -> State:
    exams = _by_address(document, "exams", Entry)
    intents = _by_address(document, "intents", Intent)
    rest = convert(document | {"exams": {}, "intents": {}}, State, "state")
    state = replace(rest, exams=exams, intents=intents)
    refuse_contradictions(state)
    return state


def _by_address(document: dict[str, Any], key: str, kind: type[Held]) -> dict[Address, Held]:
    """Return what is at `key`; each value is read by itself, so that an error names its address."""
    held = convert(document.get(key), dict[str, Any], f"state.{key}")
    strange = next((address for address in held if not is_address(address)), None)
    if strange is not None:
        raise MalformedError(f'{key}: "{tamed(strange)}" is not an address')
    return {
        Address(address): with_payload_of(convert(value, kind, f"{key}.{address}"), value)
        for address, value in held.items()
    }


def with_payload_of(value: Held, document: Mapping[str, Any]) -> Held:
    """Return `value` with the payload of `document`, which it was made of, in place of a copy.

    So a payload that `decode_json` shares is held once.
    """
    force_setattr(value, "payload", document["payload"])
    return value


def refuse_contradictions(state: State) -> None:
    """Raise MalformedError if a SID is held twice, or an address is both created and in doubt."""
    holders: dict[ExamSid, Address] = {}
    for address, entry in state.exams.items():
        holder = holders.setdefault(entry.sid, address)
        if holder != address:
            raise MalformedError(f"{entry.sid} is held by two addresses, {holder} and {address}")
        if address in state.intents:
            raise MalformedError(f"{address} is both created and in doubt")
