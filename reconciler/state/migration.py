"""Migration: a state moves to another store in three writes; at no moment can both stores be applied to.

1. The new store gets the state, marked as moving from the old one: nothing but this migration uses it.
2. The old store's state is marked as moved to the new one: nothing uses it any more.
3. The new store's marker goes, and the state's serial rises by one.

If it is interrupted, the same migration continues: the markers tell how far it got.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.errors import StateAbsent, StateExists, UsageError
from reconciler.model.state import MoveMarker, MovePhase, State
from reconciler.ports import LockHandover, LockInfo, Snapshot, StateStore, Version
from reconciler.state.session import Session, refuse_lone_journal, refuse_moved
from reconciler.state.state_format import decode_with_marker, encode_state


class Migration(Struct, frozen=True, kw_only=True):
    """The old and the new store, each with the information for its lock."""

    source: StateStore
    target: StateStore
    source_lock: LockInfo
    target_lock: LockInfo

    def run(self, *, timeout_s: float, prepare: Callable[[], None]) -> State:
        """Move the state and return it; a migration that is complete changes nothing.

        `prepare` is called before the first write to the new store, with both locks held.
        Raises StateExists, with nothing changed, if the new store has another state.
        """
        if self.source.location == self.target.location:
            raise _same_place(self.target)
        with self.source.lock(self.source_lock, timeout_s=timeout_s) as source_handover:
            holder = self.target.lock_holder()
            if (
                holder is not None
                and holder.info is not None
                and holder.info.lock_id == self.source_lock.lock_id
            ):
                raise _same_place(self.target)
            with self.target.lock(self.target_lock, timeout_s=timeout_s):
                return self._go_on(source_handover, prepare)

    def _go_on(self, handover: LockHandover, prepare: Callable[[], None]) -> State:
        present = self.source.read()
        if present is not None and self._marker_of(present, self.source) == self._moved_to:
            return self._finish(present, handover, prepare)
        state = Session(self.source, handover).state  # folds what a killed run left; refuses any other marker
        replacing = self._free_target(state)
        prepare()
        begun = self.target.write(
            encode_state(state, self._moving_from), replacing=replacing, note="a state moves in"
        )
        self.target.clear_journal()
        found = self.source.read()
        self.source.write(
            encode_state(state, self._moved_to),
            replacing=None if found is None else found.version,
            note="the state has moved away",
        )
        return self._settle_in(state, begun)

    def _finish(self, present: Snapshot, handover: LockHandover, prepare: Callable[[], None]) -> State:
        """Do the last step, for an old store that is marked already, unless that is done too."""
        if handover is LockHandover.FORCED:
            self.source.write(present.data, replacing=present.version, note="the state has moved away")
        state, _ = decode_with_marker(present.data, location=self.source.location)
        found = self.target.read()
        if found is None:
            raise StateAbsent(
                f"{self.source.location} was moved to {self.target.location}, which does not exist",
                hint="Nothing was changed. Put it back: what was done since it moved was only there.",
                location=self.target.location,
            )
        there, marker = decode_with_marker(found.data, location=self.target.location)
        if there.lineage != state.lineage or marker not in {None, self._moving_from}:
            raise _taken(self.target)
        if marker is None:
            return there
        prepare()
        return self._settle_in(state, found.version)

    def _settle_in(self, state: State, replacing: Version) -> State:
        settled = replace(state, serial=state.serial + 1)
        self.target.write(encode_state(settled), replacing=replacing, note="the state has moved in")
        return settled

    def _free_target(self, state: State) -> Version | None:
        """Return the version that the first write to the new store replaces.

        That is None, an earlier start of this migration, or what the state left when it moved from there.
        """
        found = self.target.read()
        if found is None:
            refuse_lone_journal(self.target)
            self.target.prove_conditional_writes()
            return None
        there, marker = decode_with_marker(found.data, location=self.target.location)
        returning = MoveMarker(phase=MovePhase.MOVED_TO, elsewhere=self.source.location)
        if there.lineage == state.lineage and marker in {self._moving_from, returning}:
            return found.version
        if marker not in {self._moving_from, returning}:
            refuse_moved(found, self.target.location)
        raise _taken(self.target)

    @staticmethod
    def _marker_of(found: Snapshot, at: StateStore) -> MoveMarker | None:
        return decode_with_marker(found.data, location=at.location)[1]

    @property
    def _moving_from(self) -> MoveMarker:
        return MoveMarker(phase=MovePhase.MOVING_FROM, elsewhere=self.source.location)

    @property
    def _moved_to(self) -> MoveMarker:
        return MoveMarker(phase=MovePhase.MOVED_TO, elsewhere=self.target.location)


def _same_place(target: StateStore) -> UsageError:
    return UsageError(
        f"{target.location} is where the state is already",
        hint="Nothing was changed. Name another place as --state, and the present one as --migrate-from.",
    )


def _taken(target: StateStore) -> StateExists:
    return StateExists(
        f"{target.location} has a state already",
        hint="Nothing was changed. A state moves to a place that has none: choose another --state.",
        location=target.location,
    )
