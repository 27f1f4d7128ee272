"""The ledger of a random history: what runs did and were told, and so what the state may say."""

from collections import Counter
from collections.abc import Mapping

from reconciler.model.identities import Address, AttemptId, ExamSid
from reconciler.model.state import State


class BrokenPromiseError(AssertionError):
    """A promise is broken."""


def promise(is_kept: bool, broken: str) -> None:  # noqa: FBT001 - as in an assert statement
    """Raise BrokenPromiseError, which says `broken`, if `is_kept` is False."""
    if not is_kept:
        raise BrokenPromiseError(broken)


class Ledger:
    """What the state may say of each attempt to create an exam.

    A fact is "gone" (the state does not know of it), "open", "in doubt" or "created", with a "+" for each
    resolution. `_possible` are those that may be true by now. To try a change adds a fact to them. To be told
    that the change was made leaves no other fact, and so does a look by a run that holds the lock.
    """

    def __init__(self) -> None:
        self.addresses: dict[AttemptId, Address] = {}
        self.at_service: dict[Address, AttemptId] = {}
        """The exams that were created."""
        self.breaking: set[str] = set()
        """Locks that somebody has tried to break."""
        self.broken: set[str] = set()
        self.released: set[str] = set()
        """Locks that their run has tried to release, or with which it was killed."""
        self._sent: Counter[AttemptId] = Counter()
        self._holder: str | None = None
        self._serial = 0
        self._possible: dict[AttemptId, set[str]] = {}

    def new_attempt(self, address: Address) -> AttemptId:
        """Return a new attempt to create the exam at `address`."""
        attempt = AttemptId(f"attempt-{len(self.addresses) + 1}")
        self.addresses[attempt] = address
        self._possible[attempt] = {"gone"}
        return attempt

    def try_to_say(self, lock_id: str, facts: Mapping[AttemptId, str]) -> bool:
        """Note that a run with the lock `lock_id` tries to make `facts` true; return whether it can."""
        if lock_id in self.broken:
            return False
        for attempt, fact in facts.items():
            self._possible[attempt].add(fact)
        return True

    def acknowledge(self, facts: Mapping[AttemptId, str]) -> None:
        """Note that a run was told that `facts` are true now."""
        for attempt, fact in facts.items():
            promise(fact in self._possible[attempt], f"{attempt} was acknowledged as {fact}, and is not")
            self._possible[attempt] = {fact}

    def take(self, lock_id: str, state: State) -> None:
        """Note that a run holds the lock now, and sees `state`."""
        is_free = self._holder in {None, lock_id, *self.breaking, *self.released}
        promise(is_free, f"{lock_id} took the lock of {self._holder}, which nobody broke")
        self._holder = lock_id
        self.broken.discard(lock_id)  # broken before its run knew that it had it, and taken once more
        self.observe(state)

    def observe(self, state: State) -> None:
        """Compare `state`, seen under the lock, with what it may say; keep what it says."""
        promise(state.serial >= self._serial, f"the serial {state.serial} follows {self._serial}")
        self._serial = state.serial
        for attempt, possible in self._possible.items():
            fact = self._fact_of(attempt, state)
            promise(fact in possible, f"state says of {attempt} {fact}, not {' or '.join(possible)}")
            self._possible[attempt] = {fact}

    def _fact_of(self, attempt: AttemptId, state: State) -> str:
        address, fact = self.addresses[attempt], "gone"
        entry, intent = state.exams.get(address), state.intents.get(address)
        if entry is not None and entry.sid == sid_of(attempt):
            fact = "created"
        elif intent is not None and intent.attempt == attempt:
            fact = "open" if intent.answer is None else "in doubt"
        return fact + "+" * sum(one.attempt == attempt for one in state.resolutions)

    def send(self, attempt: AttemptId, *, makes_an_exam: bool) -> None:
        """Note a request, and perhaps its exam."""
        self._sent[attempt] += 1
        promise(self._sent[attempt] == 1, f"{attempt} was sent twice")
        if makes_an_exam:
            address = self.addresses[attempt]
            promise(address not in self.at_service, f"the exam {address} was created twice")
            self.at_service[address] = attempt


def sid_of(attempt: AttemptId) -> ExamSid:
    """Return the SID of the exam that `attempt` makes."""
    return ExamSid(f"EX{int(attempt.rpartition('-')[2]):032x}")
