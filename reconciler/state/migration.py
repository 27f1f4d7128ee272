"""Migration: a state moves to another store in three writes; at no moment can both stores be applied to.

1. The new store gets the state, marked as moving from the old one: nothing but this migration uses it.
2. The old store's state is marked as moved to the new one: nothing uses it any more.
3. The new store's marker goes, and the state's serial rises by one.

If it is interrupted, the same migration continues: the markers tell how far it got. The lock of the old store
is held until step 2 releases it. The new store is not locked: each write names the head that it follows.
"""

from collections.abc import Callable
from contextlib import closing

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.errors import StateAbsent, StateExists, UsageError
from reconciler.model.locks import LockInfo
from reconciler.model.state import MoveMarker, MovePhase, State
from reconciler.ports import Head, Store, Stored
from reconciler.state.initialising import prove, refuse_backup
from reconciler.state.locking import Waiting
from reconciler.state.log_format import decode_log
from reconciler.state.session import Session
from reconciler.state.state_format import Snapshot, decode_snapshot, encode_state, refuse_moved


class Migration(Struct, frozen=True, kw_only=True):
    """The old and the new store, and the lock to take in the old one.

    `prepare` is called before the first write to the new store.
    """

    source: Store
    target: Store
    lock: LockInfo
    prepare: Callable[[], None]

    def run(self, *, timeout_s: float) -> State:
        """Move the state and return it; a migration that is complete changes nothing.

        Raises StateExists, with nothing changed, if the new store has another state.
        """
        if self.source.location == self.target.location:
            raise _same_place(self.target)
        present = self.source.load()
        if present is not None:
            snapshot = _snapshot(present, self.source)
            if snapshot.marker == self._moved_to:
                return self._finish(snapshot.state)
        with closing(Session(self.source, self.lock, Waiting(timeout_s=timeout_s))) as session:
            return self._move(session)

    def _move(self, session: Session) -> State:
        state = session.state
        moving, found = encode_state(state, self._moving_from), self.target.load()
        if found is None:
            refuse_backup(self.target)
            self.prepare()
            begun = prove(self.target, moving, state, self.lock, at=None)
        else:
            self._refuse_taken(found, state)
            self.prepare()
            begun = self.target.replace(moving, b"", at=found.head, note="a state moves in")
        session.hand_over(encode_state(state, self._moved_to), "the state has moved away")
        return self._settle_in(state, begun)

    def _refuse_taken(self, found: Stored, state: State) -> None:
        """Raise StateExists if the new store has another state than what this one left, or began, there."""
        log = decode_log(found.log, location=self.target.location)
        if log is not None and log.lock is not None and log.lock.lock_id == self.lock.lock_id:
            raise _same_place(self.target)
        there = _snapshot(found, self.target)
        expected = {self._moving_from, MoveMarker(phase=MovePhase.MOVED_TO, elsewhere=self.source.location)}
        if there.marker not in expected:
            refuse_moved(there, self.target.location)
        if there.state.lineage != state.lineage or there.marker not in expected:
            raise _taken(self.target)

    def _finish(self, state: State) -> State:
        """Do the last step, for an old store that is marked already, unless that is done too."""
        found = self.target.load()
        if found is None:
            raise StateAbsent(
                f"{self.source.location} was moved to {self.target.location}, which does not exist",
                hint="Nothing was changed. Put it back: what was done since it moved was only there.",
            )
        there = _snapshot(found, self.target)
        if there.state.lineage != state.lineage or there.marker not in {None, self._moving_from}:
            raise _taken(self.target)
        if there.marker is None:
            return there.state
        self.prepare()
        return self._settle_in(state, found.head)

    def _settle_in(self, state: State, at: Head) -> State:
        settled = replace(state, serial=state.serial + 1)
        self.target.replace(encode_state(settled), b"", at=at, note="the state has moved in")
        return settled

    @property
    def _moving_from(self) -> MoveMarker:
        return MoveMarker(phase=MovePhase.MOVING_FROM, elsewhere=self.source.location)

    @property
    def _moved_to(self) -> MoveMarker:
        return MoveMarker(phase=MovePhase.MOVED_TO, elsewhere=self.target.location)


def _snapshot(found: Stored, store: Store) -> Snapshot:
    return decode_snapshot(found.snapshot, location=store.location)


def _same_place(target: Store) -> UsageError:
    return UsageError(
        f"{target.location} is where the state is already",
        hint="Nothing was changed. Name another place as --state, and the present one as --migrate-from.",
    )


def _taken(target: Store) -> StateExists:
    return StateExists(
        f"{target.location} has a state already",
        hint="Nothing was changed. A state moves to a place that has none: choose another --state.",
    )
