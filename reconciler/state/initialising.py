"""Making a new state, in a store that proves to be fit for one."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from reconciler.model.errors import (
    StateConflict,
    StateDamaged,
    StateExists,
    StateTooNew,
    StateUnavailable,
)
from reconciler.model.locks import LockInfo
from reconciler.model.records import LockRecord, UnlockRecord
from reconciler.model.state import State
from reconciler.ports import Head, KeepsCopies, Store
from reconciler.state.locking import Found, note_by, read
from reconciler.state.log_format import encode_log, encode_records
from reconciler.state.state_format import empty_state, encode_state

BEGIN_ANEW: Final = "Only if the exams are gone too, as those of a sandbox: begin anew with another --state."


def initialise(store: Store, *, lineage: str, lock: LockInfo) -> State:
    """Create an empty state. Raises StateExists, with nothing changed, if there is one.

    Raises StateUnavailable if the store does not keep the promises of its port.
    """
    head = _free(store, lock)
    state = empty_state(lineage)
    prove(store, encode_state(state), state, lock, at=head)
    return state


def _free(store: Store, lock: LockInfo) -> Head | None:
    """Return the head at which a state can be made: that of an empty store, or of an init that was cut."""
    stored = store.load()
    if stored is None:
        return None
    with suppress(StateDamaged, StateTooNew):
        if _is_unfinished(read(stored, store.location), lock.command):
            return stored.head
    raise StateExists(
        f"{store.location} exists already",
        hint="It is in use as it is; `init` is needed once. Another environment has a state of its own: name "
        "it with --env, or with --state.",
    )


def _is_unfinished(found: Found, command: str) -> bool:
    """Return whether all that there is comes from an `init` that was cut off."""
    commands = [record.lock.command for record in found.records if isinstance(record, LockRecord)]
    is_new = found.state.serial == 0 and not found.replayed.has_news
    return is_new and bool(commands) and set(commands) == {command}


def refuse_backup(store: Store) -> None:
    """Raise StateExists if a backup of a state is left in the store, which has no state."""
    if isinstance(store, KeepsCopies) and store.backup() is not None:
        raise StateExists(
            f"{store.location} does not exist, but a backup of it does",
            hint="An empty state would create every exam again. `reconciler state restore` puts the backup "
            f"back. {BEGIN_ANEW}",
        )


def prove(store: Store, snapshot: bytes, state: State, lock: LockInfo, *, at: Head | None) -> Head:
    """Write `snapshot`, of `state`, and prove on the way that the store keeps the promises of its port.

    While this goes on, the state is locked. Raises StateUnavailable if a promise is broken.
    """
    note = note_by(lock, "begins")
    log = encode_log(state.lineage, state.serial, [LockRecord(lock=lock)])
    released = encode_records([UnlockRecord(lock_id=lock.lock_id)], after=1)
    first = store.replace(snapshot, log, at=at, note=note)
    _must_refuse(store, "a second new state", lambda: store.replace(snapshot, log, at=None, note=note))
    second = store.append(released, at=first, note=note)
    _must_refuse(store, "an append to an old head", lambda: store.append(released, at=first, note=note))
    found = store.load()
    if found is None or (found.snapshot, found.log, found.head) != (snapshot, log + released, second):
        raise _unfit(store, "it does not give back what was written to it last")
    third = store.replace(snapshot, b"", at=second, note=note_by(lock, "an empty state"))
    _must_refuse(
        store, "an append to a log that was replaced", lambda: store.append(log, at=second, note=note)
    )
    _must_refuse(store, "a change of an old head", lambda: store.replace(snapshot, b"", at=second, note=note))
    return third


def _must_refuse(store: Store, what: str, change: Callable[[], Head]) -> None:
    try:
        change()
    except StateConflict:
        return
    raise _unfit(store, f"it did not refuse {what}")


def _unfit(store: Store, problem: str) -> StateUnavailable:
    return StateUnavailable(
        f"the store of {store.location} is not fit for state: {problem}",
        hint="Two runs could overwrite each other there. Use a store with conditional writes, or a newer "
        "version of this one; see `reconciler explain stores`. What this try left there can be removed.",
    )
