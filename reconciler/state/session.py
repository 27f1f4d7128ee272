"""The session: a state whose lock this run holds. All changes of state are made through it.

Every change names the head that the session knows. When the answer to a change is lost, or the store has
another head, the session looks again. The lock tells what to make of what it finds: while the log ends with
this run's lock, all that follows it in the log is this run's own. So the session goes on from there, and
appends what is missing. Once the lock is another's, nothing more can be changed.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from reconciler.fault_points import Step, reach
from reconciler.model.errors import OutcomeUnknown, StateConflict, StateError, StateUnavailable
from reconciler.model.identities import Digest
from reconciler.model.locks import LockInfo
from reconciler.model.payloads import NO_PAYLOADS, Payload
from reconciler.model.records import LockRecord, Record, UnlockRecord
from reconciler.model.state import State
from reconciler.ports import Head, KeepsCopies, Store, Watches
from reconciler.state.history_notes import note_of_change, note_of_records
from reconciler.state.locking import Found, Waiting, find, is_held_by, lock_lost, log_lost, note_by, take
from reconciler.state.log_format import encode_log, encode_records
from reconciler.state.replay import Replay
from reconciler.state.state_format import encode_state
from reconciler.state.strict_json import MalformedError

_TRIES: Final = 5
_FIRST_PAUSE_S: Final = 0.2


def load_state(store: Store, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> State:
    """Return the state with its log replayed; no lock is taken and nothing is written.

    Payloads that are in `payloads` are shared, not copied. Raises StateAbsent if there is none.
    """
    return find(store, payloads).state


class Session:
    """A state whose lock is held; the constructor takes it, and `close` releases it."""

    def __init__(self, store: Store, lock: LockInfo, waiting: Waiting) -> None:
        self._store = store
        self._lock = lock
        self._sleep = waiting.sleep
        self._is_open = True
        self.on_news: Callable[[], object] = lambda: None
        """Called once the first record that changes the state is durable."""
        self._adopt(take(store, lock, waiting))

    def _adopt(self, found: Found) -> None:
        """Go on from what the store holds."""
        self._head: Head = found.stored.head
        self._snapshot = found.stored.snapshot
        self._records = len(found.records)
        self._replayed = found.replayed
        self._serial = found.state.serial

    @property
    def location(self) -> str:
        """The state's URL, without credentials."""
        return self._store.location

    @property
    def state(self) -> State:
        """The state as it is now, with all that was appended; its serial is that of the snapshot."""
        return self._replayed.state

    @property
    def has_news(self) -> bool:
        """Whether the log holds what the snapshot does not."""
        return self._replayed.has_news

    @property
    def folded_serial(self) -> int:
        """The serial that the state has once its log is folded: it shows, too, that a log was lost."""
        return self._replayed.folded_serial

    def is_undisturbed(self) -> bool:
        """Return False if the lock has certainly been taken away. Quick; only a local file can know."""
        return not isinstance(self._store, Watches) or self._store.is_undisturbed()

    def append(self, records: Sequence[Record]) -> None:
        """Append `records` to the log, durably.

        Raises StateUnavailable if the lock is lost or the store fails; they may be in the log even so.
        """

        def change() -> Head:
            self._refuse(records)
            data = encode_records(records, after=self._records)
            return self._store.append(data, at=self._head, note=self._note(note_of_records(records)))

        def is_made(found: Found) -> bool:
            return is_held_by(self._lock, found) and found.records[-len(records) :] == tuple(records)

        had_news = self.has_news
        if not self._make(change, is_made):  # else the state was read again, with the records in it
            self._records += len(records)
            for record in records:
                self._replayed.apply(record)
        if self.has_news and not had_news:
            self.on_news()

    def _refuse(self, records: Sequence[Record]) -> None:
        """Raise StateUnavailable if the log holds something that `records` do not follow."""
        try:
            self._replayed.refuse(records)
        except MalformedError as error:  # what could not be appended before was heard all the same
            raise StateUnavailable(
                f"the log of {self.location} goes on otherwise than this run knows: {error}",
                hint="Nothing more was recorded. Look at `reconciler plan`.",
            ) from error

    def commit(self, state: State) -> State:
        """Make `state` the next snapshot and keep the lock; return it as written, with the next serial."""
        return self._put(lambda: self._next(state), note_of_change(self.state, state))

    def finish(self, state: State | None = None) -> State:
        """Make `state` the next snapshot and release the lock, in one change; return it as written.

        None: the present state, with what the log holds; if that is nothing new, the snapshot stays as it is.
        """
        if state is not None:
            note = note_of_change(self.state, state)
            return self._put(lambda: self._next(state), note, is_last=True)
        reach(Step.FOLD_DUE)
        note = note_of_change(self._replayed.before, self.state) if self.has_news else "nothing was changed"
        return self._put(lambda: self._next(self.state) if self.has_news else self.state, note, is_last=True)

    def hand_over(self, snapshot: bytes, note: str) -> None:
        """Make `snapshot`, which marks a state that has moved, the last one here, and release the lock."""
        self._store.replace(snapshot, b"", at=self._head, note=self._note(note))
        self._is_open = False

    def back_up(self) -> str | None:
        """Keep the present state as the backup; return where it is, for people.

        None: the store keeps none.
        """
        present = encode_state(self.state) if self.has_news else self._snapshot
        return self._store.keep_backup(present) if isinstance(self._store, KeepsCopies) else None

    def abandon(self) -> None:
        """Leave lock and log as they are, for a call of the store hangs."""
        self._is_open = False

    def close(self) -> None:
        """Release the lock if it is still held. If the log cannot be folded, it stays for the next run."""
        if not self._is_open:
            return
        try:
            self.finish()
        except StateError:
            with suppress(StateError):
                released = [UnlockRecord(lock_id=self._lock.lock_id)]
                added = encode_records(released, after=self._records)
                self._store.append(added, at=self._head, note=self._note("the lock is released"))
        finally:
            self._is_open = False

    def _next(self, state: State) -> State:
        """Return `state` with the next serial, or with its own if that is later."""
        return state if state.serial > self._serial else replace(state, serial=self._serial + 1)

    def _put(self, make: Callable[[], State], note: str, *, is_last: bool = False) -> State:
        """Replace the snapshot by what `make` returns, which is asked again if the session looks again."""
        state, snapshot, log = self.state, self._snapshot, b""

        def change() -> Head:
            nonlocal state, snapshot, log
            state = make()
            snapshot = self._snapshot if state.serial == self._serial else encode_state(state)
            if not is_last:
                log = encode_log(state.lineage, state.serial, [LockRecord(lock=self._lock)])
            return self._store.replace(snapshot, log, at=self._head, note=self._note(note))

        def is_made(found: Found) -> bool:
            if found.stored.snapshot != snapshot:
                return False
            return found.stored.log == log or (is_last and not is_held_by(self._lock, found))

        if not self._make(change, is_made):
            self._snapshot, self._serial = snapshot, state.serial
            self._records, self._replayed = 0 if is_last else 1, Replay(state)
        self._is_open = not is_last
        return state

    def _make(self, change: Callable[[], Head], is_made: Callable[[Found], bool]) -> bool:
        """Make `change`, again if it was certainly not made.

        Return True if a look at the store showed that it was made; the session then goes on from what it
        found. Raises StateUnavailable if the lock is lost.
        """
        for number in itertools.count(1):
            try:
                self._head = change()
            except (StateConflict, OutcomeUnknown) as error:
                found = find(self._store)
                is_done = is_made(found)
                is_cut = found.state.serial == self._serial and len(found.records) < self._records
                if is_cut and self._replayed.has_news and not is_done:
                    raise log_lost(self._store.location) from error
                if not is_done and not is_held_by(self._lock, found):
                    raise lock_lost(self._store.location) from error
                self._adopt(found)
                if is_done:
                    return True
                if number >= _TRIES:
                    raise
                self._sleep(_FIRST_PAUSE_S * 2 ** (number - 1))
            else:
                return False
        raise AssertionError

    def _note(self, text: str) -> str:
        return note_by(self._lock, text)
