"""The session: lock, load, append, commit. All changes of state are made through it.

The journal is read before the snapshot. A fold writes the snapshot before it empties the journal. In this
order a reader sees a journal with the snapshot that it follows, or a snapshot that holds the journal already.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.fault_points import Step, reach
from reconciler.model.errors import (
    PushRefused,
    StateAbsent,
    StateConflict,
    StateDamaged,
    StateExists,
    StateTooNew,
)
from reconciler.model.identities import Digest
from reconciler.model.payloads import NO_PAYLOADS, Payload
from reconciler.model.state import State
from reconciler.ports import LockHandover, LockInfo, Snapshot, StateStore, Version
from reconciler.state.history_notes import note_of_change
from reconciler.state.journal_format import DecodedJournal, decode_journal, encode_header
from reconciler.state.replay import is_folded_into, replay
from reconciler.state.state_format import RESTORE_HINT, decode_state, empty_state, encode_state
from reconciler.state.strict_json import MalformedError

if TYPE_CHECKING:
    from reconciler.state.group_commit import GroupCommit, RecoveryJournal

_READ_TRIES: Final = 3


class _Found(Struct, frozen=True, kw_only=True):
    state: State
    version: Version
    journal_bytes: int
    has_news: bool


def initialise(backend: StateStore, *, lineage: str, lock: LockInfo, timeout_s: float) -> State:
    """Create an empty state. Raises StateExists, with nothing changed, if there is one."""
    with backend.lock(lock, timeout_s=timeout_s):
        present = backend.read()
        if present is not None:
            refuse_moved(present, backend.location)
            raise StateExists(
                f"{backend.location} exists already",
                hint="It is in use as it is; `init` is needed once. To start over, choose another --state.",
                location=backend.location,
            )
        refuse_lone_journal(backend)
        backend.prove_conditional_writes()
        state = empty_state(lineage)
        backend.write(encode_state(state), replacing=None, note="an empty state")
        return state


def refuse_moved(present: Snapshot, location: str) -> None:
    """Raise StateMoved if `present` is marked as moved; other faults in it are ignored here."""
    with suppress(StateDamaged, StateTooNew):
        decode_state(present.data, location=location)


def refuse_lone_journal(backend: StateStore) -> None:
    """Raise StateDamaged if the store, which has no snapshot, has a journal."""
    if decode_journal(backend.read_journal(), location=backend.location) is not None:
        raise StateDamaged(
            f"{backend.location} has a journal but no snapshot", hint=RESTORE_HINT, location=backend.location
        )


def load_state(backend: StateStore, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> State:
    """Return the state with its journal replayed; no lock is taken and nothing is written.

    Payloads that are in `payloads` are shared, not copied. Raises StateAbsent if there is none.
    """
    for _ in range(_READ_TRIES - 1):
        try:
            return _find(backend, payloads).state
        except StateDamaged:  # two folds may have passed between the reads: read again first
            continue
    return _find(backend, payloads).state


@contextmanager
def open_session(backend: StateStore, *, lock: LockInfo, timeout_s: float) -> Iterator["Session"]:
    """Hold the lock and the state for the length of the context.

    What a killed run left in the journal is folded into the snapshot first.
    """
    with backend.lock(lock, timeout_s=timeout_s) as handover:
        yield Session(backend, handover)


def _find(backend: StateStore, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> _Found:
    """Return the state in the store; payloads that are in `payloads` are shared, not copied."""
    journal = decode_journal(backend.read_journal(), location=backend.location, payloads=payloads)
    snapshot = backend.read()
    if snapshot is None:
        raise StateAbsent(
            f"{backend.location} does not exist",
            hint="Run `reconciler init` once to create an empty state. If there should be one, do not: "
            "an empty state would create every exam again. Check --state, --env and --chdir.",
            location=backend.location,
        )
    state = decode_state(snapshot.data, location=backend.location, payloads=payloads)
    after = state if journal is None else _replayed(state, journal, backend.location)
    return _Found(
        state=after,
        version=snapshot.version,
        journal_bytes=0 if journal is None else journal.size_bytes,
        has_news=after is not state,
    )


def _replayed(state: State, journal: DecodedJournal, location: str) -> State:
    try:
        return _fit(state, journal)
    except MalformedError as error:
        raise StateDamaged(
            f"{location} and its journal do not fit: {error}",
            hint="Nothing was changed. Put back the state that the journal belongs to; "
            "the journal may hold SIDs that state does not have yet.",
            location=location,
        ) from error


def _fit(state: State, journal: DecodedJournal) -> State:
    """Return `state` after `journal`: `state` itself if it holds all of it already."""
    if journal.lineage != state.lineage:
        raise MalformedError("the journal belongs to another state")
    if journal.serial == state.serial:
        return replay(state, journal.records) if journal.records else state
    if journal.serial + 1 == state.serial and is_folded_into(state, journal.records):
        return state
    raise MalformedError(
        f"the journal goes on serial {journal.serial}, but the state has serial {state.serial}; "
        "one of them was replaced by hand"
    )


def _refuse_other_history(present: State, pushed: State, location: str) -> None:
    if pushed.lineage != present.lineage:
        raise PushRefused(
            f"the lineage {pushed.lineage} is not that of {location}, which is {present.lineage}",
            hint="Nothing was changed. It is the state of another workspace or environment: "
            "check --state and --env.",
        )
    if pushed.serial <= present.serial:
        problem = "differs from" if pushed.serial == present.serial else "is older than"
        raise PushRefused(
            f"the state of serial {pushed.serial} {problem} {location}, which has serial {present.serial}",
            hint="Nothing was changed. Pull the present state, put the change into that, "
            "raise its serial by one, and push it.",
        )


def _refuse_forgotten_doubts(present: State, pushed: State) -> None:
    """Raise PushRefused if an intent of `present` is gone without a resolution.

    Its exam would be sent again, and nobody would have vouched that it does not exist.
    """
    added = set(pushed.resolutions).difference(present.resolutions)
    kept = {(address, intent.attempt) for address, intent in pushed.intents.items()}
    kept |= {(one.address, one.attempt) for one in added}
    forgotten = sorted(
        address for address, intent in present.intents.items() if (address, intent.attempt) not in kept
    )
    if forgotten:
        raise PushRefused(
            f"the pushed state forgets what is in doubt: {', '.join(forgotten)}",
            hint="Nothing was changed. Settle each with `reconciler resolve`, then pull, change and push.",
        )


def _refuse_forgotten_history(present: State, pushed: State) -> None:
    """Raise PushRefused if a resolution or acceptance is gone: nothing else records who vouched for it."""
    for what, key, before, after in (
        ("how doubts were settled", "resolutions", present.resolutions, pushed.resolutions),
        ("which changes were accepted", "acceptances", present.acceptances, pushed.acceptances),
    ):
        kept = frozenset[object](after)
        forgotten = sorted({one.address for one in before if one not in kept})
        if forgotten:
            raise PushRefused(
                f"the pushed state forgets {what}: {', '.join(forgotten)}",
                hint=f"Nothing was changed. Copy all `{key}` of what `reconciler state pull` prints into "
                "it, then push it.",
            )


class Session:
    """A state whose lock is held; see `open_session`."""

    def __init__(self, backend: StateStore, handover: LockHandover = LockHandover.ORDERLY) -> None:
        self._backend = backend
        found = _find(backend)
        self._state, self._version = found.state, found.version
        self._journal: GroupCommit | None = None
        if found.has_news or handover is LockHandover.FORCED:
            self.commit(found.state)
        elif found.journal_bytes:
            backend.clear_journal()

    @property
    def state(self) -> State:
        """The state as last committed."""
        return self._state

    def commit(self, state: State) -> State:
        """Make `state` the next snapshot and return it as written: its serial is one higher.

        Raises StateConflict, with nothing changed, if the snapshot is no longer the one that was loaded.
        """
        return self._put(replace(state, serial=self._state.serial + 1))

    def mend(self, state: State) -> str:
        """Commit `state`, after a backup of the replaced snapshot is durable; return where that is."""
        backup = self._back_up()
        self.commit(state)
        return backup

    def push(self, state: State) -> str | None:
        """Commit `state` with its own serial, after a backup; return where that is, None if nothing changed.

        Raises PushRefused, with nothing changed, unless `state` is later, has the same lineage, keeps all
        resolutions and acceptances, and has each present doubt still or a new resolution of it.
        """
        if state == self._state:
            return None
        _refuse_other_history(self._state, state, self._backend.location)
        _refuse_forgotten_doubts(self._state, state)
        _refuse_forgotten_history(self._state, state)
        backup = self._back_up()
        self._put(state)
        return backup

    def _put(self, state: State) -> State:
        note = note_of_change(self._state, state)
        self._version = self._backend.write(encode_state(state), replacing=self._version, note=note)
        self._state = state
        self._backend.clear_journal()
        return state

    def _back_up(self) -> str:
        snapshot = self._backend.read()
        if snapshot is None or snapshot.version != self._version:
            raise StateConflict(
                f"{self._backend.location} was replaced while this run held its lock",
                hint="Nothing was changed. Look at the state as it is now, then try again.",
                location=self._backend.location,
            )
        return self._backend.back_up(snapshot.data)

    def begin_journal(self, recovery: "RecoveryJournal | None" = None) -> "GroupCommit":
        """Return an empty journal that follows the present snapshot, with its header durable.

        Outcomes also go to `recovery`, if there is one.
        """
        from reconciler.state.group_commit import GroupCommit  # noqa: PLC0415 - asyncio loads only to apply

        header = encode_header(self._state.lineage, self._state.serial)
        reach(Step.JOURNAL_DUE)
        self._backend.append_journal(header, after=0, note="a run begins")
        reach(Step.JOURNAL_BEGUN)
        self._journal = GroupCommit(self._backend, size_bytes=len(header), recovery=recovery)
        return self._journal

    def fold_journal(self, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> State:
        """Commit the journal, as read back from the store, and return the state.

        `payloads` are those that were sent; they are shared, not copied.
        """
        reach(Step.FOLD_DUE)
        found = _find(self._backend, payloads)
        if found.version != self._version:
            raise StateConflict(
                f"{self._backend.location} was replaced while this run held its lock",
                hint="What this run created is safe in the journal beside it. Put back the state of serial "
                f"{self._state.serial}, then run any command.",
                location=self._backend.location,
            )
        if self._journal is not None and found.journal_bytes < self._journal.size_bytes:
            raise StateConflict(
                f"the journal of {self._backend.location} was removed or cut while this run was writing it",
                hint="Put it back. If you cannot, `reconciler import` each exam that this run reports as "
                "created, or the next apply creates it again.",
                location=self._backend.location,
            )
        if found.has_news:
            return self.commit(found.state)
        self._backend.clear_journal()
        return self._state
