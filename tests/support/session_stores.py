"""Stores in memory for tests of the session, and sessions on them."""

from contextlib import closing

from memory_store import Cell, MemoryStore
from state_builders import LINEAGE, NOW

from reconciler.model.errors import OutcomeUnknown, StateConflict, StateUnavailable
from reconciler.model.locks import LockInfo
from reconciler.state.initialising import initialise
from reconciler.state.locking import Waiting
from reconciler.state.session import Session


def a_lock(lock_id="l1", command="apply"):
    """The lock of a run."""
    return LockInfo(lock_id=lock_id, who="me", host="here", pid=1, since=NOW, command=command)


class FakeTime:
    """A clock that passes only while somebody sleeps."""

    def __init__(self):
        self.now_s = 0.0

    def sleep(self, seconds):
        """Let `seconds` pass."""
        self.now_s += seconds

    def clock_s(self):
        """The time."""
        return self.now_s


def waiting(timeout_s=0.0, time=None):
    """How a test waits: not at all, in truth."""
    time = time or FakeTime()
    return Waiting(timeout_s=timeout_s, sleep=time.sleep, clock_s=time.clock_s)


def session(store, lock_id="l1", **more):
    """A session on `store`."""
    return Session(store, a_lock(lock_id), waiting(**more))


def open_session(store, *, lock, timeout_s):
    """A session that ends with the context."""
    return closing(Session(store, lock, Waiting(timeout_s=timeout_s)))


def begun():
    """A store with an empty state."""
    store = MemoryStore(Cell())
    initialise(store, lineage=LINEAGE, lock=a_lock("l0", "init"))
    return store


def other(store):
    """Another client of the same store."""
    return MemoryStore(store.cell)


class FaultyStore(MemoryStore):
    """A client whose changes fail as `faults` say, one after the other; None lets a change through."""

    def __init__(self, cell, *faults):
        super().__init__(cell)
        self.faults = list(faults)
        self.is_down = False

    def load(self):
        """Return what there is, unless the store is down."""
        if self.is_down:
            raise self.failure(StateUnavailable)
        return super().load()

    def append(self, records, *, at, note=""):
        """Append, or fail as planned."""
        return self.change(lambda: super(FaultyStore, self).append(records, at=at, note=note))

    def replace(self, snapshot, log, *, at, note=""):
        """Replace, or fail as planned."""
        return self.change(lambda: super(FaultyStore, self).replace(snapshot, log, at=at, note=note))

    def change(self, make):
        """The head after `make`."""
        match self.faults.pop(0) if self.faults else None:
            case None:
                return make()
            case "lost":
                make()
                raise self.failure(OutcomeUnknown)
            case "unheard":
                raise self.failure(OutcomeUnknown)
            case "doubled":
                make()
                raise self.failure(StateConflict)
            case "refused":
                raise self.failure(StateConflict)
            case "down":
                raise self.failure(StateUnavailable)

    def failure(self, kind):
        """An error of this store."""
        return kind("the store fails", hint="Try again.")
