"""Object storage in any order of runs, breaks, kills, lost answers and late arrivals loses nothing."""

import json
from contextlib import suppress
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import MemoryStore

from reconciler.model.errors import StateError, StateUnavailable, UnlockRefused
from reconciler.ports import Breaking, LockHandover
from reconciler.stores.conformance import a_lock
from reconciler.stores.object_calls import Bucket
from reconciler.stores.object_store import BucketStore

KEY = "state.json"
CLIENTS = 2
ABSENT = FileNotFoundError("<Code>NoSuchKey</Code>")
"""As a server says it, which the driver's store in memory is not."""
FATES = ("fine", "before", "after", "late")
well = st.just([])
fates = well | well | well | st.lists(st.sampled_from(FATES), min_size=1, max_size=4)
"""What the next calls meet: most of the time nothing, for a run that never begins shows nothing."""
clients = st.integers(0, CLIENTS - 1)


def unavailable():
    """What a call to the store that fails raises."""
    return StateUnavailable("made up", hint="made up", location="memory")


class UnsureBucket(Bucket):
    """A bucket each of whose calls meets the next of `fates`; `late` keeps puts that are on their way."""

    def __init__(self, store, late):
        super().__init__(store, has_generations=False, location="memory")
        self.fates = []
        self.late = late
        self.is_dead = False

    def _ask(self, doing, call):
        if self.is_dead:
            raise unavailable()
        match self.fates.pop(0) if self.fates else "fine":
            case "before":
                raise unavailable()
            case "after":
                arrive(call)
                raise unavailable()
            case "late":
                if doing == "write":
                    self.late.append(call)
                raise unavailable()
            case _:
                try:
                    return super()._ask(doing, call)
                except FileNotFoundError:
                    raise ABSENT from None


def arrive(call):
    """What `call` asks for is done, if the store does not refuse it; nobody hears of it."""
    with suppress(AlreadyExistsError, PreconditionError, FileNotFoundError):
        call()


class Run:
    """One run on a client of its own, which keeps numbers as a session keeps records."""

    def __init__(self, store, late):
        self.bucket = UnsureBucket(store, late)
        self.backend = BucketStore(self.bucket, key=KEY)
        self.lock = None
        self.info = None
        self.size = 0
        self.is_stale = False

    def load(self):
        """The serial, the numbers recorded, the snapshot's version, and whether the journal has news."""
        journal = self.backend.read_journal().decode().splitlines()
        found = self.backend.read()
        serial, numbers = json.loads(found.data)
        if not journal:
            return serial, numbers, found.version, False
        header, *records = map(json.loads, journal)
        if header == serial:
            return serial, numbers + records, found.version, bool(records)
        assert header + 1 == serial, "the journal belongs to another snapshot"
        assert records == numbers[len(numbers) - len(records) :], "the journal is not in the snapshot"
        return serial, numbers, found.version, False

    def put(self, loaded):
        """Make what was loaded the next snapshot, and empty the journal."""
        serial, numbers, version, _ = loaded
        self.backend.write(json.dumps([serial + 1, numbers]).encode(), replacing=version)
        self.backend.clear_journal()

    def enter(self):
        """Take the lock, fold what another left, and begin a journal."""
        self.info = a_lock()
        self.is_stale = False
        lock = self.backend.lock(self.info, timeout_s=0)
        handover = lock.__enter__()
        self.lock = lock
        loaded = self.load()
        if loaded[3] or handover is LockHandover.FORCED:
            self.put(loaded)
        else:
            self.backend.clear_journal()
        header = b"%d\n" % self.load()[0]
        self.backend.append_journal(header, after=0)
        self.size = len(header)

    def record(self, number):
        """Return once `number` is durable."""
        data = b"%d\n" % number
        self.backend.append_journal(data, after=self.size)
        self.size += len(data)

    def leave(self):
        """Let go of the lock, as far as that goes."""
        lock, self.lock = self.lock, None
        lock.__exit__(None, None, None)


class Story(RuleBasedStateMachine):
    """Several runs on one state; `acknowledged` are the numbers that a run was told are durable."""

    def __init__(self):
        super().__init__()
        self.store = MemoryStore()
        self.late = []
        self.runs = [Run(self.store, self.late) for _ in range(CLIENTS)]
        self.dead = []
        self.acknowledged = []
        self.numbers = count(1)
        self.backend().write(b"[0, []]", replacing=None)

    def backend(self):
        """A client that nothing fails."""
        return Run(self.store, self.late).backend

    def act(self, who, planned, action):
        """Whether `action` of a run ended well with the fates that are planned for its calls."""
        run = self.runs[who]
        run.bucket.fates = list(planned)
        try:
            action(run)
        except StateError:
            return False
        finally:
            run.bucket.fates = []
        assert not run.is_stale, "a run whose lock was broken was told that something is done"
        return True

    @rule(who=clients, planned=fates)
    def enter(self, who, planned):
        """A run begins; where it fails, it ends."""
        if self.runs[who].lock is None and not self.act(who, planned, Run.enter) and self.runs[who].lock:
            self.runs[who].leave()

    @rule(who=clients, planned=fates)
    def record(self, who, planned):
        """A run records the next number; where that fails it goes on, as a group commit does."""
        number = next(self.numbers)
        if self.runs[who].lock is not None and self.act(who, planned, lambda run: run.record(number)):
            self.acknowledged.append(number)

    @rule(who=clients, planned=fates)
    def fold(self, who, planned):
        """A run comes to its end: it folds its journal and lets go of the lock."""
        run = self.runs[who]
        if run.lock is not None:
            self.act(who, planned, lambda run: run.put(run.load()))
            run.bucket.fates = list(planned[::-1])
            run.leave()
            run.bucket.fates = []

    @rule(planned=fates)
    def unlock(self, planned):
        """Somebody breaks the lock; if that is said to be done, whoever had it is told nothing more."""
        somebody = Run(self.store, self.late)
        somebody.bucket.fates = list(planned)
        try:
            holder = somebody.backend.lock_holder()
            if holder is not None:
                somebody.backend.break_lock(holder.info.lock_id, breaking=Breaking.DEAD)
                for run in self.runs:
                    run.is_stale |= run.info is not None and run.info.lock_id == holder.info.lock_id
        except (StateError, UnlockRefused):
            pass

    @rule(who=clients)
    def kill(self, who):
        """A run ends in the middle of what it does."""
        self.runs[who].bucket.is_dead = True
        self.dead.append(self.runs[who])
        self.runs[who] = Run(self.store, self.late)

    @precondition(lambda self: self.late)
    @rule(which=st.integers(0, 9))
    def arrive(self, which):
        """Something that was given up long ago reaches the store."""
        arrive(self.late.pop(which % len(self.late)))

    @rule()
    def remove_lock(self):
        """Somebody removes the lock by hand while nobody works: or so it seems to them."""
        if all(run.lock is None for run in self.runs):
            self.runs[0].bucket.remove([f"{KEY}.lock"])

    @invariant()
    def nothing_is_lost(self):
        """A reader sees all that was acknowledged, in order and once."""
        _, seen, _, _ = Run(self.store, self.late).load()
        assert len(seen) == len(set(seen))
        assert [number for number in seen if number in self.acknowledged] == self.acknowledged


def test_nothing_acknowledged_is_lost_whatever_happens():
    """Two runs, and every call of each may fail, be done without an answer, or arrive after all is over."""
    run_state_machine_as_test(
        Story, settings=settings(max_examples=100, stateful_step_count=40, deadline=None)
    )
