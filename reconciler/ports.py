"""Ports: what the core needs of the world outside, as protocols.

Promise: a fake of each is a few lines, and nothing behind a port is seen through it.
May import: `model`.
"""

import enum
import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NewType, Protocol

from msgspec import Struct

from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.instants import spell_instant
from reconciler.model.plan import Plan
from reconciler.model.records import Record
from reconciler.model.report import ExamOutcome, TryBegun, TryEnded
from reconciler.model.secrets import Secret
from reconciler.model.verdicts import Verdict

Version = NewType("Version", str)
"""Names the exact content of a snapshot in its store: an e-tag, a hash, a commit."""


def content_version(data: bytes) -> Version:
    """Return the version of `data` in a store that has none of its own: a digest."""
    return Version(hashlib.sha256(data).hexdigest())


class Snapshot(Struct, frozen=True, kw_only=True):
    """The bytes of a state, and what to name when replacing exactly these."""

    data: bytes
    version: Version


class LockInfo(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who holds a lock; `since` is in UTC."""

    lock_id: str
    who: str
    host: str
    pid: int
    since: datetime
    command: str

    def __str__(self) -> str:
        since = spell_instant(self.since, to="seconds")
        return (
            f"{self.who} on {self.host} (process {self.pid}, since {since}, `{self.command}`, "
            f"lock id {self.lock_id})"
        )


class Breaking(enum.Enum):
    """Whose lock may be broken."""

    DEAD = "of a run that has ended, or of which the store cannot know"
    EVEN_LIVE = "also of a run that certainly goes on"


class Liveness(enum.Enum):
    """What a store knows of the run that took its lock."""

    ALIVE = "it goes on"
    ENDED = "it has certainly ended"
    UNKNOWN = "the store cannot know"


class LockHandover(enum.Enum):
    """How a lock came to be free before it was taken."""

    ORDERLY = "its last holder let go of it, or can change nothing any more"
    FORCED = "it was broken, and a snapshot that its last holder is writing may still arrive"


class LockHolder(Struct, frozen=True, kw_only=True):
    """A lock as another run finds it.

    `info` is None where nothing can be read of who holds it.
    """

    info: LockInfo | None
    liveness: Liveness

    def __str__(self) -> str:
        return "another run" if self.info is None else str(self.info)


class StateStore(Protocol):
    """A store of one state and its journal: moves opaque bytes and never looks inside.

    Calls block; callers on an event loop use a thread. Every method raises StateUnavailable when the store
    fails, after which the content is either as before or as asked, never in between. A `note` says for people
    what a change is about, in a few lines that hold no secret; a store that keeps a history keeps it there.
    `reconciler.backends.conformance` tests all that is said here.
    """

    @property
    def location(self) -> str:
        """The state's URL, without credentials."""

    def read(self) -> Snapshot | None:
        """The snapshot, or None where there is none."""

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:
        """Durably make `data` the snapshot if the present one is `replacing` (None: if there is none).

        Raises StateConflict, with nothing changed, if it is not.
        """

    def back_up(self, data: bytes) -> str:
        """Durably keep `data` beside the state, in the place of what was kept before; where it is now."""

    def read_journal(self) -> bytes:
        """Everything appended since the last `clear_journal`; a torn tail is possible after a crash."""

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:
        """Durably put `data` behind the first `after` bytes of the journal, dropping any torn tail there."""

    def clear_journal(self) -> None:
        """Durably empty the journal."""

    def lock(self, info: LockInfo, *, timeout_s: float) -> AbstractContextManager[LockHandover]:
        """Hold the state's lock for the length of the context.

        After LockHandover.FORCED, a snapshot that the last holder is writing may still replace the present
        one, until the next `write`: a caller that relies on the present one first writes it again.

        Raises StateLocked when another holds it for longer than `timeout_s`. Inside, `write`, `back_up`,
        `append_journal` and `clear_journal` raise StateUnavailable, with nothing changed, once the lock was
        broken; what any of them acknowledged before is seen by whoever takes the lock next.
        """

    def lock_holder(self) -> LockHolder | None:
        """Who holds the lock, or left it behind; None where nobody does."""

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Take the lock `lock_id` away from its holder, which is returned.

        Raises UnlockRefused, with nothing changed, where that is not the lock's id, or the holder is not one
        that `breaking` allows.
        """

    def prove_conditional_writes(self) -> None:
        """Raises StateUnavailable unless the store refuses a write that names a wrong version."""


class Journal(Protocol):
    """Remembers what happened to creates, in the order in which it is told."""

    async def append(self, record: Record) -> None:
        """Return once `record` is durable. Raises StateUnavailable if it may not be.

        No record is durable before those that were told before it, unless their appends failed.
        """


class ExamApi(Protocol):
    """The exam service."""

    async def create(
        self, install_sid: InstallSid, course_sid: CourseSid, body: bytes, *, confidential: Sequence[str]
    ) -> Verdict:
        """Send one Create Exam call once and say what its answer means. Raises nothing but cancellation.

        No reason in the verdict holds any of the `confidential` values, whatever the server echoes.
        """


class RetryPolicy(Protocol):
    """Decides how long to wait before another try, and when to give up. Pure."""

    @property
    def connect_tries(self) -> int:
        """How often an exam that could not be sent is tried."""

    @property
    def budget_s(self) -> float:
        """How long a run pauses before tries, all in all."""

    def delay_s(self, attempt: int, retry_after: str | None, now: datetime) -> float:
        """Seconds to wait before try `attempt` (the first is 1).

        `now` is by the clock of whoever sent `retry_after`, where that is known.
        """


class Clock(Protocol):
    """Time. Only durations may come from `monotonic_s`; the wall clock can be set backwards."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""

    def monotonic_s(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class SecretSource(Protocol):
    """Finds the values of secrets."""

    def value_of(self, secret: Secret) -> str:
        """The secret's value. Raises LookupError with a reason that does not hold it, if there is none."""


class Progress(Protocol):
    """Is told how an apply goes, as it goes. What it raises once creates begin changes no outcome."""

    def planned(self, plan: Plan) -> None:
        """`plan` was confirmed, and is about to be carried out."""

    def started(self, total: int) -> None:
        """`total` creates are about to begin."""

    def trying(self, begun: TryBegun) -> None:
        """One try at a create is about to be sent."""

    def tried(self, ended: TryEnded) -> None:
        """One try at a create ended, and how is durable where it can be."""

    def settled(self, exam: ExamOutcome) -> None:
        """One create ended."""

    def waiting(self, seconds: float, reason: str) -> None:
        """Sending pauses for `seconds`."""

    def finished(self) -> None:
        """No further create begins or ends."""
