"""Random histories: runs share a state, pause, are killed and break each other's locks, and calls go astray.

A history follows from a list of numbers: which run goes on to its next call of the store, and what becomes of
that call. The runs are the code that every command uses. A `Ledger` keeps what they did and were told, and
knows when a promise is broken:

- What was acknowledged is in the state, once, for good.
- Nothing is acknowledged to a run after its lock was broken, and nobody loses a lock that nobody broke.
- The service gets each create at most once, and makes each exam at most once.
- Snapshot and log always fit each other, and another run can always go on.

A history that breaks a promise is shrunk to a short one, which is told step by step.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from msgspec.structs import replace

from reconciler.model import errors
from reconciler.model.identities import Address, AttemptId, CourseSid, InstallSid, Lineage
from reconciler.model.locks import Breaking, LockInfo
from reconciler.model.payloads import digest_of
from reconciler.model.records import CreatedRecord, FailedRecord, InDoubtRecord, IntentRecord, Record
from reconciler.model.state import Intent, Resolution, ResolutionMethod, UnclearAnswer
from reconciler.ports import Head, Store, Stored
from reconciler.state.locking import Waiting, break_lock, find, is_local
from reconciler.state.session import Session
from reconciler.state.state_format import empty_state, encode_state
from reconciler.stores.history_ledger import BrokenPromiseError, Ledger, promise, sid_of

T = TypeVar("T")

_LENGTH: Final = 600
_RUNS: Final = 3
"""The most runs at one time."""
_STALE_S: Final = 10
"""A request that has not left so long after its intent was due is not sent any more."""
_SHRINKING_S: Final = 20.0
_ADDRESSES: Final = tuple(Address(f"x/{number}") for number in range(100))
_LINEAGE: Final = Lineage("0b0e8f9e-55f6-4b52-8f0c-3a3f1f1b8c11")
_DAWN: Final = datetime(2031, 9, 1, tzinfo=UTC)
_PAYLOAD: Final = {"title": "Midterm"}
_ANSWER: Final = UnclearAnswer(status=502, reason="bad gateway")

_AT_WORK: Final = threading.local()
_REFUSALS: Final = (errors.StateConflict, errors.StateLocked, errors.StateUnavailable)

# The first of each is what happens once the numbers are used up.
_STEPS: Final = (
    ("go on",) * 80 + ("switch",) * 9 + ("begin",) * 8 + ("deliver",) * 6 + ("wait",) * 3 + ("kill",)
)
_LOADS: Final = ("is done",) * 20 + ("fails",)
_CHANGES: Final = ("is done",) * 8 + ("is heard in vain", "is late") * 2 + ("fails", "is done twice", "kills")
_DEEDS: Final = ("create", "create", "create two", "settle", "commit")
_OUTCOMES: Final = ("created", "created", "failed", "in doubt", "unknown")


def seek_broken_promise(
    open_client: Callable[[], Store],
    *,
    seed: int,
    length: int = _LENGTH,
    session_type: type[Session] = Session,
) -> None:
    """Raise BrokenPromiseError, with a short history, if the one that follows from `seed` breaks a promise.

    `open_client` returns a new client of a store, whose content is replaced. `length` is that of the history.
    """

    def play(numbers: Sequence[int]) -> _History:
        history = _History(open_client, session_type, numbers)
        history.play()
        return history

    chance = random.Random(seed)  # noqa: S311 - it chooses what goes wrong
    numbers = [chance.randrange(1 << 16) for _ in range(length)]
    history = play(numbers)
    if history.failure is not None:
        for shorter in _shrink(numbers, lambda numbers: play(numbers).failure is not None):
            again = play(shorter)
            history = again if again.failure is not None else history
        told = [f"seed {seed}:", *history.told, f"! {history.failure}"]
        raise BrokenPromiseError("\n".join(told)) from history.failure


def draw(options: Sequence[T]) -> T:
    """Pause the run that is at work in this thread, and let its history choose one of `options`.

    A store under test may call this at each step of its own. If no run is at work here, return the first.
    """
    run: _Run | None = getattr(_AT_WORK, "run", None)
    return options[0] if run is None else run.draw(options)


def _shrink(numbers: Sequence[int], is_broken: Callable[[Sequence[int]], bool]) -> Iterator[Sequence[int]]:
    """Give shorter or calmer lists, for which `is_broken` holds."""
    until = time.monotonic() + _SHRINKING_S
    size, is_better = len(numbers) // 2, False
    while size:
        start = 0
        while start < len(numbers) and time.monotonic() < until:
            before, chunk, after = numbers[:start], numbers[start : start + size], numbers[start + size :]
            if is_broken([*before, *after]):
                numbers = [*before, *after]
                yield numbers
                is_better = True
                continue
            calm = [*before, *[0] * len(chunk), *after]
            if any(chunk) and is_broken(calm):
                numbers = calm
                yield numbers
            start += size
        size //= 2
        if size == 0 and is_better:
            size, is_better = len(numbers) // 2, False


class _History:
    """One history: its runs, of which one goes on at a time, its clock, and the calls that are under way."""

    def __init__(
        self, open_client: Callable[[], Store], session_type: type[Session], numbers: Sequence[int]
    ) -> None:
        self.open_client = open_client
        self.session_type = session_type
        self.ledger = Ledger()
        self.late: list[tuple[str, Callable[[Store], object]]] = []
        self.now_s = 0.0
        self.told: list[str] = []
        self.failure: Exception | None = None
        self.turn = threading.Semaphore(0)
        self._numbers = [*reversed(numbers)]
        self._runs: list[_Run] = []
        """Those that live; the last one goes on, while the others pause."""
        self._begun = 0

    def play(self) -> None:
        """Play the history to its end; `failure` says what went wrong."""
        try:
            self._begin_anew()
            while self._numbers and self.failure is None:
                self._step(self.pick(_STEPS))
                self._runs = [run for run in self._runs if run.is_alive]
            self._kill_all()
            if self.failure is None:
                self._end()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            self.failure = self.failure or error
            self._kill_all()

    def pick(self, options: Sequence[T]) -> T:
        """Choose one of `options`."""
        return options[self._numbers.pop() % len(options) if self._numbers else 0]

    def tell(self, what: str) -> None:
        """Add a line to the history."""
        self.told.append(f"{self.now_s:5.0f} s  {what}")

    def now(self) -> datetime:
        """Return the time of day."""
        return _DAWN + timedelta(seconds=self.now_s)

    def let_others_go_on(self) -> None:
        """Pause the run that goes on, for it waits for an answer."""
        self._runs.insert(0, self._runs.pop())

    def _begin_anew(self) -> None:
        store = self.open_client()
        found = store.load()
        store.replace(encode_state(empty_state(_LINEAGE)), b"", at=None if found is None else found.head)

    def _step(self, step: str) -> None:
        match step:
            case "go on" if self._runs:
                self._runs[-1].go_on()
            case "switch" if self._runs:
                self._runs.append(self._runs.pop(self.pick(range(len(self._runs)))))
            case "kill" if self._runs:
                self._runs[-1].kill()
            case "deliver" if self.late:
                self._deliver(self.pick(range(len(self.late))))
            case "wait":
                self.now_s += 4
            case "begin" | "go on" if len(self._runs) < _RUNS:
                self._begun += 1
                self._runs.append(_Run(self, f"run-{self._begun}"))

    def _kill_all(self) -> None:
        for run in self._runs:
            run.kill()

    def _deliver(self, number: int) -> None:
        what, call = self.late.pop(number)
        end = "is done"
        try:
            call(self.open_client())
        except _REFUSALS as error:
            end = type(error).__name__
        self.tell(f"late: {what}: {end}")

    def _end(self) -> None:
        """After all, one more run can take the lock; what it sees stays, whatever arrives even later."""
        self.tell("the last run begins")
        store, lock = self.open_client(), _lock("last", self.now())
        if (left := find(store).lock) is not None:
            self.ledger.breaking.add(left.lock_id)
            break_lock(store, left.lock_id, breaking=Breaking.EVEN_LIVE, by=lock)
        session = Session(store, lock, Waiting())
        self.ledger.take(lock.lock_id, session.state)
        session.finish()
        while self.late:
            self._deliver(0)
        found = find(self.open_client())
        self.ledger.observe(found.state)
        promise(found.lock is None and not found.records, "a late call was accepted")


def _lock(lock_id: str, since: datetime) -> LockInfo:
    return LockInfo(lock_id=lock_id, who="somebody", host="somewhere", pid=1, since=since, command="apply")


class _Killed(BaseException):
    """Ends a run wherever it is."""


class _Run:
    """One process: a thread that goes on only when the history says so."""

    def __init__(self, history: _History, name: str) -> None:
        self.name = name
        self.is_alive = True
        self._history = history
        self._ledger = history.ledger
        self._is_killed = False
        self._turn = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Let it work until it pauses or ends."""
        self._turn.release()
        self._history.turn.acquire()

    def kill(self) -> None:
        """End it where it pauses."""
        if self.is_alive:
            self._is_killed = True
            self.go_on()
        self._thread.join()

    def pause(self) -> None:
        """Wait until the history goes on with this run."""
        self._history.turn.release()
        self._turn.acquire()
        if self._is_killed:
            self.die()

    def draw(self, options: Sequence[T]) -> T:
        """Pause, then choose one of `options`."""
        self.pause()
        return self._history.pick(options)

    def die(self) -> None:
        """End here."""
        self._is_killed = True
        self._ledger.released.add(self.name)  # a store on this machine may see that it is gone
        self._history.tell(f"{self.name} is killed")
        raise _Killed

    def _live(self) -> None:
        self._turn.acquire()
        _AT_WORK.run = self
        try:
            if not self._is_killed:
                self._work(FaultyStore(self._history, self))
        except _Killed:
            pass
        except (*_REFUSALS, errors.UnlockRefused) as error:
            self._history.tell(f"{self.name} ends: {error}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            self._history.failure = self._history.failure or error
        finally:
            self.is_alive = False
            self._history.turn.release()

    def _work(self, store: Store) -> None:
        session = self._session(store)
        try:
            self._ledger.take(self.name, session.state)
            for _ in range(self._history.pick((1, 2, 3, 6, 0))):
                try:
                    self._do(self._history.pick(_DEEDS), session)
                except errors.StateUnavailable:
                    if self._history.pick((True, False)):
                        raise
        finally:
            if not self._is_killed:
                self._ledger.released.add(self.name)
                session.close()

    def _session(self, store: Store) -> Session:
        """Return a session, perhaps after other runs' locks were broken."""
        while True:
            lock = _lock(self.name, self._history.now())
            waiting = Waiting(sleep=self._sleep, clock_s=lambda: self._history.now_s)
            try:
                return self._history.session_type(store, lock, waiting)
            except errors.StateLocked:
                if self._history.pick((True, False, False)):
                    raise
            holder = find(store).lock
            if holder is not None and holder.lock_id != self.name:
                self._ledger.breaking.add(holder.lock_id)
                break_lock(store, holder.lock_id, breaking=Breaking.EVEN_LIVE, by=lock)
                self._ledger.broken.add(holder.lock_id)
                self._history.tell(f"{self.name} has broken the lock of {holder.lock_id}")

    def _sleep(self, seconds: float) -> None:
        self._history.now_s += seconds
        self.pause()

    def _do(self, deed: str, session: Session) -> None:
        match deed:
            case "create":
                self._create(session, 1)
            case "create two":
                self._create(session, 2)
            case "settle":
                self._settle(session)
            case _:
                self._change(lambda: session.commit(session.state), {})

    def _create(self, session: Session, number: int) -> None:
        """Create exams at free addresses: intents, requests, outcomes."""
        taken = {*session.state.exams, *session.state.intents}
        addresses = [address for address in _ADDRESSES if address not in taken][:number]
        attempts = [self._ledger.new_attempt(address) for address in addresses]
        begun = self._history.now()
        pairs = zip(addresses, attempts, strict=True)
        intents = [
            IntentRecord(address=address, intent=_intent(attempt, begun)) for address, attempt in pairs
        ]
        self._change(lambda: session.append(intents), dict.fromkeys(attempts, "open"))
        self.pause()  # between the durable intent and the request
        outcomes: list[Record] = []
        facts = {attempt: self._send(attempt, begun, outcomes) for attempt in attempts}
        if outcomes:
            self._change(lambda: session.append(outcomes), facts)

    def _send(self, attempt: AttemptId, begun: datetime, outcomes: list[Record]) -> str:
        """Send the request; return what becomes true of it, and put its record to `outcomes`."""
        address, now = self._ledger.addresses[attempt], self._history.now()
        outcome = self._history.pick(_OUTCOMES)
        if now - begun > timedelta(seconds=_STALE_S):
            outcome = "failed"
        else:
            self._ledger.send(attempt, makes_an_exam=outcome != "failed")
        match outcome:
            case "created":
                outcomes.append(CreatedRecord(address=address, attempt=attempt, sid=sid_of(attempt), at=now))
                return outcome
            case "failed":
                failed = FailedRecord(address=address, attempt=attempt, status=422, reason="refused", at=now)
                outcomes.append(failed)
                return "gone"
            case "in doubt":
                outcomes.append(InDoubtRecord(address=address, attempt=attempt, answer=_ANSWER))
                return outcome
            case _:
                return "open"

    def _settle(self, session: Session) -> None:
        """Say truthfully what became of creates of which that is unknown, once none can be under way."""
        state, now, facts = session.state, self._history.now(), {}
        for address, intent in state.intents.items():
            if now - intent.started_at <= timedelta(seconds=_STALE_S):
                continue
            is_there = self._ledger.at_service.get(address) == intent.attempt
            sid = sid_of(intent.attempt) if is_there else None
            how = ResolutionMethod.RESOLVE_SID if is_there else ResolutionMethod.RESOLVE_ABSENT
            end = Resolution(address=address, attempt=intent.attempt, sid=sid, by=self.name, at=now, how=how)
            intents = {one: held for one, held in state.intents.items() if one != address}
            exams = state.exams if sid is None else {**state.exams, address: intent.as_created(sid, now)}
            state = replace(state, exams=exams, intents=intents).with_resolutions(end)
            facts[intent.attempt] = "created+" if is_there else "gone+"
        if facts:
            self._change(lambda: session.commit(state), facts)

    def _change(self, change: Callable[[], object], facts: Mapping[AttemptId, str]) -> None:
        """Make `facts` true by `change`."""
        is_possible = self._ledger.try_to_say(self.name, facts)
        try:
            change()
        except errors.StateUnavailable as error:
            may_be_lost = self.name in self._ledger.breaking or "taken away" not in error.message
            promise(may_be_lost, f"{self.name} lost a lock that nobody broke")
            raise
        promise(is_possible, f"{facts} was acknowledged to {self.name} after its lock was broken")
        self._ledger.acknowledge(facts)
        self._history.tell(f"{self.name} is told {dict(facts)}")


def _intent(attempt: AttemptId, at: datetime) -> Intent:
    return Intent(
        attempt=attempt,
        digest=digest_of(_PAYLOAD),
        install_sid=InstallSid("AI" + "1" * 32),
        course_sid=CourseSid("CU" + "2" * 32),
        payload=_PAYLOAD,
        started_at=at,
        by="somebody",
    )


class FaultyStore:
    """A run's client of a store: the run pauses before each call, and the history chooses its fate."""

    def __init__(self, history: _History, run: _Run) -> None:
        self._history = history
        self._run = run
        self._store = history.open_client()

    @property
    def location(self) -> str:
        """That of the store."""
        return self._store.location

    def load(self) -> Stored | None:
        """Load, or fail."""
        fate = self._run.draw(_LOADS)
        self._history.tell(f"{self._run.name}: load: {fate}")
        if fate == "fails":
            raise self._error(errors.StateUnavailable)
        return self._store.load()

    def append(self, records: bytes, *, at: Head, note: str = "") -> Head:
        """Append, or meet another fate."""
        types = [line.split(b'"type":"')[-1].split(b'"')[0].decode() for line in records.splitlines()]
        what = f"append {', '.join(types)} at {at[-8:]}"
        return self._change(what, lambda store: store.append(records, at=at, note=note))

    def replace(self, snapshot: bytes, log: bytes, *, at: Head | None, note: str = "") -> Head:
        """Replace, or meet another fate."""
        what = f"replace, and {'keep' if log else 'release'} the lock, at {str(at)[-8:]}"
        return self._change(what, lambda store: store.replace(snapshot, log, at=at, note=note))

    def has_ended(self, lock_id: str) -> bool:
        """Ask the store."""
        return self._store.has_ended(lock_id)

    def _change(self, what: str, call: Callable[[Store], Head]) -> Head:
        what = f"{self._run.name}: {what}"
        fate = self._run.draw(_CHANGES)
        if is_local(self._store) and fate in {"is late", "is done twice"}:
            fate = "is done"  # nothing is under way when a process on this machine is gone
        self._history.tell(f"{what}: {fate}")
        if fate == "fails":
            raise self._error(errors.StateUnavailable)
        if fate in {"is late", "is done twice"}:
            self._history.late.append((what, call))
        if fate == "is late":
            raise self._error(errors.OutcomeUnknown)
        try:
            head = call(self._store)
        except errors.StateConflict:
            self._history.tell("    it conflicts")
            raise
        if fate == "kills":
            self._run.die()
        if fate == "is heard in vain":
            raise self._error(errors.OutcomeUnknown)
        return head

    def _error(self, kind: type[errors.StateUnavailable]) -> errors.StateUnavailable:
        if kind is errors.OutcomeUnknown:
            self._history.let_others_go_on()
        return kind("the history wants it so", hint="Go on.")
