"""The session: lock, load, append, commit. Whoever changes state goes through it.

The journal is read before the snapshot. A fold writes the snapshot before it empties the journal, so in this
order a reader sees a journal and the snapshot that it goes on, or a snapshot that holds the journal already.
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
from reconciler.statefile.journal_format import DecodedJournal, decode_journal, encode_header
from reconciler.statefile.notes import note_of_change
from reconciler.statefile.replay import is_folded_into, replay
from reconciler.statefile.state_format import RESTORE_HINT, decode_state, empty_state, encode_state
from reconciler.statefile.strict_json import MalformedError

if TYPE_CHECKING:
    from reconciler.statefile.group_commit import GroupCommit, RecoveryJournal

_READ_TRIES: Final = 3


class _Found(Struct, frozen=True, kw_only=True):
    state: State
    version: Version
    journal_bytes: int
    has_news: bool


def initialise(backend: StateStore, *, lineage: str, lock: LockInfo, timeout_s: float) -> State:
    """Create an empty state. Raises StateExists, with nothing changed, where there is one."""
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
    """Nothing, if `present` is not marked as moved; whatever else is wrong with it is for others to say."""
    with suppress(StateDamaged, StateTooNew):
        decode_state(present.data, location=location)


def refuse_lone_journal(backend: StateStore) -> None:
    """Nothing, if the store, which has no snapshot, has no journal either. Raises StateDamaged."""
    if decode_journal(backend.read_journal(), location=backend.location) is not None:
        raise StateDamaged(
            f"{backend.location} has a journal but no snapshot", hint=RESTORE_HINT, location=backend.location
        )


def load_state(backend: StateStore, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> State:
    """The state with its journal replayed, read without a lock; nothing is written.

    `payloads` are known payloads by digest, of which no copy stays in memory.
    Raises StateAbsent where there is none.
    """
    for _ in range(_READ_TRIES - 1):
        try:
            return _find(backend, payloads).state
        except StateDamaged:  # perhaps two folds passed between the reads: look again before complaining
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
    """What the store says now; of a payload that is in `payloads` already no copy stays in memory."""
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
    """An intent that vanished without a trace would have its exam sent again.

    It may only end as every other does: with a resolution that says who vouches for it.
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
    """Who settled a doubt or accepted a change is the only trace of what a person once vouched for."""
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
    """A state under its lock. Made by `open_session` only."""

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
        """As `mend`, with the serial of `state` itself; if it is the present one, write nothing, return None.

        Raises PushRefused, with nothing changed, unless it is a later one of the same lineage in which every
        doubt of the present one is still a doubt or has a new resolution, and which keeps all resolutions.
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
        """An empty journal on top of the present snapshot, its header durable already.

        Outcomes go to `recovery` as well; None: nowhere else.
        """
        from reconciler.statefile.group_commit import GroupCommit  # noqa: PLC0415 - asyncio loads only to apply

        header = encode_header(self._state.lineage, self._state.serial)
        reach(Step.JOURNAL_DUE)
        self._backend.append_journal(header, after=0, note="a run begins")
        reach(Step.JOURNAL_BEGUN)
        self._journal = GroupCommit(self._backend, size_bytes=len(header), recovery=recovery)
        return self._journal

    def fold_journal(self, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> State:
        """Commit what the journal says, as read back from the store.

        `payloads` are those that were sent, as far as the caller has them still: they are not kept twice.
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
