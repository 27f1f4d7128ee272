"""The lock as a record of the log: found, taken, waited for, and broken.

Whoever takes or breaks a lock appends a record at the head that it has seen. Of several, one succeeds. A run
whose lock was broken finds that its head is gone, and can change nothing more.
"""

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.commands import command
from reconciler.model.errors import (
    OutcomeUnknown,
    StateAbsent,
    StateConflict,
    StateDamaged,
    StateError,
    StateLocked,
    StateUnavailable,
    UnlockRefused,
)
from reconciler.model.identities import Digest
from reconciler.model.locks import Breaking, Liveness, LockHolder, LockInfo
from reconciler.model.payloads import NO_PAYLOADS, Payload
from reconciler.model.records import BrokenRecord, LockRecord, LogRecord
from reconciler.model.report import RecoveryVerdict
from reconciler.model.state import State
from reconciler.ports import HasServerLock, Store, Stored
from reconciler.state.feedback import feed
from reconciler.state.log_format import DecodedLog, decode_log, encode_log, encode_records
from reconciler.state.replay import Replay
from reconciler.state.state_format import decode_state, encode_state
from reconciler.state.strict_json import MalformedError

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 1.0
_GROWTH: Final = 1.5
_APPENDS: Final = 5
"""The most appends of one lock whose answers are lost, or that others forestall."""


class Waiting(Struct, frozen=True, kw_only=True):
    """How to wait: at most `timeout_s` for a lock. Tests pass a clock of their own."""

    timeout_s: float = 0.0
    sleep: Callable[[float], object] = time.sleep
    clock_s: Callable[[], float] = time.monotonic


class Found(Struct, frozen=True, kw_only=True):
    """What a store holds, decoded. `state` is the snapshot's, after the records of the log.

    `lock` is None if nobody holds one. `is_early` tells that the log is one of an earlier version, to
    which nothing can be appended.
    """

    stored: Stored
    replayed: Replay
    state: State
    lock: LockInfo | None
    records: tuple[LogRecord, ...]
    is_early: bool


def find(store: Store, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> Found:
    """Return what `store` holds. Payloads that are in `payloads` are shared, not copied.

    Raises StateAbsent if it is empty, and the errors of the formats.
    """
    stored = store.load()
    if stored is None:
        raise StateAbsent(
            f"{store.location} does not exist",
            hint="Check --state, --env and --chdir. If there was a state, put it back with `reconciler state "
            "restore`: an empty one would create every exam again. For a new workspace or environment: "
            "`reconciler init`, once.",
        )
    return read(stored, store.location, payloads)


def read(stored: Stored, location: str, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> Found:
    """Decode `stored`, as `find` does. A StateDamaged carries the stored bytes and their head."""
    try:
        return _read(stored, location, payloads)
    except StateDamaged as error:
        error.snapshot, error.log, error.head = stored.snapshot, stored.log, stored.head
        raise


def _read(stored: Stored, location: str, payloads: Mapping[Digest, Payload]) -> Found:
    log = decode_log(stored.log, location=location, payloads=payloads)
    before = decode_state(stored.snapshot, location=location, payloads=payloads)
    try:
        replayed = _replayed(before, log)
        state = replayed.state
    except MalformedError as error:
        raise StateDamaged(
            f"{location} and its log do not fit: {error}",
            hint="Nothing was changed. Put back the state that the log belongs to; "
            "the log may hold SIDs that state does not have yet.",
        ) from error
    return Found(
        stored=stored,
        replayed=replayed,
        state=state,
        lock=None if log is None else log.lock,
        records=() if log is None else log.records,
        is_early=log is not None and log.is_early,
    )


def _replayed(state: State, log: DecodedLog | None) -> Replay:
    """Return `state` with the records of `log` applied, unless it holds all of an early log already."""
    replayed = Replay(state)
    if log is None:
        return replayed
    if log.lineage != state.lineage:
        raise MalformedError("the log belongs to another state")
    if log.serial == state.serial:
        for record in log.records:
            replayed.apply(record)
        return replayed
    # Earlier versions replaced the snapshot first, and then emptied the log.
    if log.is_early and log.serial + 1 == state.serial:
        _, fed = feed(state, log.records)
        if all(one.verdict is RecoveryVerdict.KNOWN for one in fed):
            return replayed
    raise MalformedError(
        f"the log goes on serial {log.serial}, but the state has serial {state.serial}; "
        "one of them was replaced by hand"
    )


def take(store: Store, lock: LockInfo, waiting: Waiting) -> Found:
    """Append `lock` to the log; return what the store holds then.

    Raises StateLocked if another run holds it for longer than `waiting` allows. The lock of a run that has
    certainly ended is broken.
    """
    deadline_s = waiting.clock_s() + waiting.timeout_s
    pause_s, failures = _FIRST_PAUSE_S, 0
    failure: StateError | None
    while True:
        found, failure = find(store), None
        if is_held_by(lock, found):
            return found
        if found.lock is None or store.has_ended(found.lock.lock_id):
            try:
                return _append_lock(store, found, lock)
            except (StateConflict, OutcomeUnknown) as error:
                failure, failures = error, failures + 1
            except StateLocked as error:  # by the store's server, or by a run of an earlier version
                failure, failures = error, _APPENDS
        left_s = deadline_s - waiting.clock_s()
        # After a failed append look again, even without patience: the lock may be ours, or another run's.
        if left_s <= 0 and (failure is None or failures >= _APPENDS):
            if failure is None or isinstance(failure, StateConflict):
                raise locked(store, found.lock)
            raise failure
        waiting.sleep(pause_s if failure is not None else min(pause_s, left_s))
        pause_s = min(pause_s * _GROWTH, _LONGEST_PAUSE_S)


def _append_lock(store: Store, found: Found, lock: LockInfo) -> Found:
    """Append `lock`, behind the break of a lock whose run has ended; return what the store holds then.

    What an earlier version left is replaced, in the present formats.
    """
    stored, state, taken = found.stored, found.state, LockRecord(lock=lock)
    note = note_by(lock, "begins")
    if found.is_early:
        state = replace(state, serial=state.serial + 1)
        snapshot, log = encode_state(state), encode_log(state.lineage, state.serial, [taken])
        head = store.replace(snapshot, log, at=stored.head, note=note)
        stored = Stored(snapshot=snapshot, log=log, head=head)
        return read(stored, store.location)
    records: list[LogRecord] = [taken]
    if found.lock is not None:
        records.insert(0, BrokenRecord(lock_id=found.lock.lock_id, by=str(lock), at=lock.since))
    if stored.log:
        added = encode_records(records, after=len(found.records))
    else:
        added = encode_log(state.lineage, state.serial, records)
    head = store.append(added, at=stored.head, note=note)
    return replace(
        found,
        stored=replace(stored, log=stored.log + added, head=head),
        lock=lock,
        records=(*found.records, *records),
    )


def is_held_by(lock: LockInfo, found: Found) -> bool:
    """Return whether `lock` is the one that the log ends with."""
    return found.lock is not None and found.lock.lock_id == lock.lock_id


def holder_of(store: Store, lock: LockInfo) -> LockHolder:
    """Return `lock` with what is known of its run."""
    if store.has_ended(lock.lock_id):
        return LockHolder(info=lock, liveness=Liveness.ENDED)
    return LockHolder(info=lock, liveness=Liveness.ALIVE if is_local(store) else Liveness.UNKNOWN)


def present_holder(store: Store) -> LockHolder | None:
    """Return the run that holds the lock or was killed with it; None for a free lock."""
    lock = find(store).lock
    if lock is not None:
        return holder_of(store, lock)
    known = store.server_lock() if isinstance(store, HasServerLock) else None
    return None if known is None else LockHolder(info=known, liveness=Liveness.UNKNOWN)


def is_local(store: Store) -> bool:
    """Return whether `store` is a file on this machine."""
    return store.location.startswith("file:")


def break_lock(store: Store, lock_id: str, *, breaking: Breaking, by: LockInfo) -> LockHolder:
    """Break the lock `lock_id`, and return its holder; its run can change nothing more.

    Raises UnlockRefused, with nothing changed, if the lock has another id or `breaking` does not allow it.
    """
    if isinstance(store, HasServerLock) and (known := store.release(lock_id)) is not None:
        return LockHolder(info=known, liveness=Liveness.UNKNOWN)
    holder: LockHolder | None = None
    for number in itertools.count(1):
        found = find(store)
        if found.lock is None or found.lock.lock_id != lock_id:
            if holder is not None:  # an answer was lost, or the run released its lock meanwhile
                return holder
            raise _not_to_break(store, found.lock, lock_id)
        holder = holder_of(store, found.lock)
        if holder.liveness is Liveness.ALIVE and breaking is Breaking.DEAD:
            raise _still_alive(store.location, holder)
        broken = BrokenRecord(lock_id=lock_id, by=str(by), at=by.since)
        added = encode_records([broken], after=len(found.records))
        try:
            store.append(added, at=found.stored.head, note=note_by(by, f"the lock {lock_id} is broken"))
        except (StateConflict, OutcomeUnknown):
            if number >= _APPENDS:
                raise
        else:
            return holder
    raise AssertionError


def note_by(lock: LockInfo, text: str) -> str:
    """Return the note for stores that keep a history: that the run with `lock` does what `text` says."""
    return f"{lock.command}: {text.rstrip()}\n\nLock-Id: {lock.lock_id}\nBy: {lock.who} on {lock.host}"


def lock_lost(location: str) -> StateUnavailable:
    """Return the error for a change by a run whose lock was broken."""
    return StateUnavailable(
        f"the lock of {location} was taken away from this run",
        hint="Somebody ran `reconciler unlock`, or changed the store. This run sends and records nothing "
        "more; what it had in flight is in doubt. See `reconciler plan`.",
    )


def log_lost(location: str) -> StateUnavailable:
    """Return the error for a log that lacks records of this run, which no snapshot holds either."""
    return StateUnavailable(
        f"the log of {location} was removed or cut while this run was writing it",
        hint="Put it back: it holds what state does not have yet. If you cannot, run `reconciler import "
        "ADDRESS SID --allow-older-state` for each exam that this run created, before the next apply.",
    )


def locked(store: Store, lock: LockInfo | None) -> StateLocked:
    """Return the error for a lock that another run holds. None: other runs are faster every time."""
    if lock is None:
        return StateLocked(
            f"{store.location} is busy: other runs took its lock each time that it was free",
            hint="Try again, or give --lock-timeout 5m to wait here.",
            holder="other runs",
        )
    holder = holder_of(store, lock)
    is_alive = holder.liveness is Liveness.ALIVE
    return StateLocked(
        f"{store.location} is locked by {holder}",
        hint="Wait for it to end, or give --lock-timeout 5m to wait here. "
        f"{'If it hangs' if is_alive else 'If that run has ended'}: {command('unlock', lock.lock_id)} "
        f"{'tells more' if is_alive else 'breaks its lock'}.",
        holder=str(holder),
    )


def _not_to_break(store: Store, lock: LockInfo | None, lock_id: str) -> UnlockRefused:
    if lock is None:
        return UnlockRefused(f"{store.location} is not locked", hint="There is nothing to break.")
    return UnlockRefused(
        f"{store.location} is locked by {lock}, not by the lock {lock_id}",
        hint="Nothing was changed. Check whether that run is still working.",
    )


def _still_alive(location: str, holder: LockHolder) -> UnlockRefused:
    return UnlockRefused(
        f"{location} is locked by {holder}, and that process is alive",
        hint="Nothing was changed. Wait for it or end it; its lock ends with it. If neither is "
        "possible, add --force: it can then record nothing more, and what it has in flight will be "
        "in doubt.",
    )
