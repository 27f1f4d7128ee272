"""Restoring: an older state becomes the present one, without what has happened since being forgotten."""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

from msgspec.structs import replace

from reconciler.model.errors import PushRefused, StateOutdated
from reconciler.model.state import State
from reconciler.model.words import first_few
from reconciler.state.feedback import feed
from reconciler.state.log_format import DecodedLog, decode_log
from reconciler.state.pushing import lacking, refuse_forgetting

_HEADER: Final = re.compile(rb'^(?=[0-9a-f]{8} \{"number":0,)', re.MULTILINE)


def restored(older: State, present: State, *, seen: int, forget: int) -> State:
    """Return `older` as the state that follows `present`; this machine has seen the serial `seen`.

    The addresses are those of `older`, and what `present` knows of an exam is kept. So are the exams that
    only `present` has, unless `forget` says how many of them may go, and in any case its doubts, resolutions
    and acceptances. Raises PushRefused if both states use one address for different things.
    """
    _refuse_other_lineage(older, present.lineage)
    forgotten = lacking(present, older)
    if forget:
        refuse_forgetting(forgotten, forget)
        forgotten = []
    known = {entry.sid: entry for entry in present.exams.values()}
    exams = {address: known.get(entry.sid, entry) for address, entry in older.exams.items()}
    kept = {address: present.exams[address] for address in forgotten}
    settled = {one.attempt for one in present.resolutions}
    doubts = {
        address: intent
        for address, intent in older.intents.items()
        if intent.attempt not in settled
        and not (address in kept and kept[address].digest == intent.digest)  # its outcome came since
    }
    clashes = sorted(
        {address for address in kept if address in exams or address in doubts}
        | {address for address in present.intents if address in exams}
        | {a for a, intent in present.intents.items() if doubts.get(a, intent).attempt != intent.attempt}
    )
    if clashes:
        raise PushRefused(
            f"the older state has something else at {first_few(clashes, between=', ')}",
            hint="Nothing was changed. Settle what is in doubt there, or move the exam that state holds "
            "there now: `reconciler state mv FROM TO`. Then restore.",
        )
    return replace(
        older,
        serial=max(older.serial, present.serial, seen) + 1,
        exams={**exams, **kept},
        intents={**doubts, **present.intents},
        resolutions=tuple(dict.fromkeys((*older.resolutions, *present.resolutions))),
        acceptances=tuple(dict.fromkeys((*older.acceptances, *present.acceptances))),
        service=present.service or older.service,
    )


def logs_in(data: bytes, location: str) -> tuple[DecodedLog, ...]:
    """Return the logs in `data`, each with a header: what is left at `location`. Raises StateDamaged."""
    found = (decode_log(part, location=location) for part in _HEADER.split(data))
    return tuple(log for log in found if log is not None)


def rebuilt(older: State, logs: Sequence[DecodedLog], *, seen: int) -> State:
    """Return `older` in place of a snapshot that is gone, with what is left of its `logs`.

    What was sent since is created or in doubt. Raises PushRefused if a record contradicts `older`.
    """
    for log in logs:
        _refuse_other_lineage(older, log.lineage)
    state, fed = feed(older, chain.from_iterable(log.records for log in logs))
    clashes = [one for one in fed if not one.verdict.is_settled]
    if clashes:
        told = first_few([f"{one.address} {one.message}" for one in clashes])
        raise PushRefused(
            f"the log of the state that is gone says otherwise: {told}",
            hint="Nothing was changed. Take a later copy; or give the exams that are in its way another "
            "address in a copy of the older state, and restore that.",
        )
    return replace(state, serial=max(older.serial, seen) + 1)


def refuse_gap(newest: int, latest: int, location: str) -> None:
    """Raise StateOutdated if there was a state of the serial `latest`, and only `newest` is known now."""
    if newest < latest:
        missing = "1 change is" if newest + 1 == latest else f"{latest - newest} changes are"
        raise StateOutdated(
            f"{location} had serial {latest}, but with this copy only serial {newest} is known: {missing} "
            "missing, which may have created exams",
            hint="Nothing was changed. Look for a later copy. If there is none, restore this one with "
            "--allow-older-state. Before the next apply, run `reconciler state recover FILE` for each "
            "recovery file and `reconciler import ADDRESS SID` for each exam that is still missing.",
        )


def _refuse_other_lineage(older: State, lineage: str) -> None:
    if older.lineage != lineage:
        raise PushRefused(
            f"the lineage of the older state is {older.lineage}, and that of the present one is {lineage}",
            hint="Nothing was changed. It is the state of another workspace or environment: "
            "check --state and --env.",
        )
