"""Ports: protocols for everything outside the core: stores, the exam service, clock, secrets, progress.

A test replaces each with a fake of a few lines. Callers rely on nothing that is not said here.
May import: `model`.
"""

import enum
import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NewType, Protocol, runtime_checkable

from msgspec import Struct

from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.instants import spell_instant
from reconciler.model.plan import Plan
from reconciler.model.records import Record
from reconciler.model.report import ExamOutcome, TryBegun, TryEnded
from reconciler.model.secrets import Secret
from reconciler.model.verdicts import Verdict

Version = NewType("Version", str)
"""Identifies the exact content of a snapshot in its store: an ETag, a hash or a commit."""


def content_version(data: bytes) -> Version:
    """Return a digest as the version of `data`, for a store without versions of its own."""
    return Version(hashlib.sha256(data).hexdigest())


class Snapshot(Struct, frozen=True, kw_only=True):
    """The bytes of a state, and their version, which `StateStore.write` asks for."""

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


Head = NewType("Head", str)
"""Identifies the exact content of a store, snapshot and log together. Opaque outside the store."""


class Stored(Struct, frozen=True, kw_only=True):
    """What a store holds at one moment. `log` has whole lines; it is empty while nobody holds the lock."""

    snapshot: bytes
    log: bytes
    head: Head


class Store(Protocol):
    """A store of one state: a snapshot and a log, of which it knows nothing but their bytes.

    Every change names the head that it follows. If the store has another head by then, it raises
    StateConflict and changes nothing. So of several clients that change one head, one succeeds, and the
    others learn of it.

    Calls block; on an event loop, make them in a thread. Every method raises StateUnavailable if the store
    fails; nothing was changed then. A change that was perhaps made, or may still be made later, raises
    OutcomeUnknown instead: only `load` tells. A change that arrives late is refused like any other if the
    head has moved on. A change that returned is durable. A `note` describes a change for people, in a few
    lines without secrets; a store with a history keeps it there.

    `reconciler.stores.conformance` tests these promises.
    """

    @property
    def location(self) -> str:
        """The state's URL, without credentials."""

    def load(self) -> Stored | None:
        """Return snapshot, log and head, all of one moment; None for an empty store."""

    def append(self, records: bytes, *, at: Head, note: str = "") -> Head:
        """Add `records`, which are whole lines, to the end of the log. Return the new head."""

    def replace(self, snapshot: bytes, log: bytes, *, at: Head | None, note: str = "") -> Head:
        """Replace snapshot and log, both or neither. Return the new head. `at` is None for an empty store."""

    def has_ended(self, lock_id: str) -> bool:
        """Return True if the run that appended the lock `lock_id`, the present one, has certainly ended.

        Only a store on this machine can know; others return False.
        """


@runtime_checkable
class KeepsCopies(Protocol):
    """What a store can do besides: keep earlier snapshots. Optional for stores of others."""

    def keep_backup(self, snapshot: bytes) -> str | None:
        """Keep `snapshot` in place of the last backup, durable at the latest with the next `replace`.

        Return where it is, for people; None if this store keeps no backups.
        """

    def backup(self) -> bytes | None:
        """Return the last backup; None if there is none."""

    def earlier(self, version: str) -> bytes | None:
        """Return the snapshot of an earlier `version` (for git, a commit); None if there is none."""


@runtime_checkable
class Watches(Protocol):
    """What a store on this machine can do besides: notice at once that another client changed it."""

    def is_undisturbed(self) -> bool:
        """Return False if another client has changed the store since this object did. Takes microseconds."""


class Breaking(enum.Enum):
    """Which locks `break_lock` may break."""

    DEAD = "of a run that has ended, or of which the store cannot know"
    EVEN_LIVE = "also of a run that certainly goes on"


class Liveness(enum.Enum):
    """What a store knows about the run that took its lock."""

    ALIVE = "it goes on"
    ENDED = "it has certainly ended"
    UNKNOWN = "the store cannot know"


class LockHandover(enum.Enum):
    """How the previous holder of a lock lost it."""

    ORDERLY = "its last holder let go of it, or can change nothing any more"
    FORCED = "it was broken, and a snapshot that its last holder is writing may still arrive"


class LockHolder(Struct, frozen=True, kw_only=True):
    """A lock as another run sees it; `info` is None if its holder is not readable."""

    info: LockInfo | None
    liveness: Liveness

    def __str__(self) -> str:
        return "another run" if self.info is None else str(self.info)


class StateStore(Protocol):
    """A store of one state and its journal. It moves opaque bytes.

    Calls block; on an event loop, call them in a thread. Every method raises StateUnavailable when the store
    fails; the content is then either the old or the new one. A `note` describes a change for people, in a few
    lines without secrets; a store with a history keeps it there. `reconciler.stores.conformance` tests
    these promises.
    """

    @property
    def location(self) -> str:
        """The state's URL, without credentials."""

    def read(self) -> Snapshot | None:
        """Return the snapshot; None for an empty store."""

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:
        """Make `data` the snapshot, durably, if the present version is `replacing` (None: an empty store).

        Otherwise raise StateConflict and change nothing.
        """

    def back_up(self, data: bytes) -> str:
        """Keep `data` durably beside the state, in place of the last backup. Return where it is."""

    def read_journal(self) -> bytes:
        """Return everything appended since the last `clear_journal`; after a crash the end may be torn."""

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:
        """Write `data` durably after the first `after` bytes of the journal, and drop a torn end there."""

    def clear_journal(self) -> None:
        """Empty the journal durably."""

    def lock(self, info: LockInfo, *, timeout_s: float) -> AbstractContextManager[LockHandover]:
        """Return a context manager that holds the state's lock.

        After LockHandover.FORCED, a snapshot that the last holder is writing may still replace the present
        one, until the next `write`: a caller that relies on the present one first writes it again.

        Raises StateLocked if another run holds it for longer than `timeout_s`. Once the lock is broken,
        `write`, `back_up`, `append_journal` and `clear_journal` raise StateUnavailable and change nothing.
        The next holder sees every change that they acknowledged before.
        """

    def lock_holder(self) -> LockHolder | None:
        """Return the run that holds the lock or was killed with it; None for a free lock."""

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Break the lock `lock_id`, and return its holder.

        Raises UnlockRefused, and changes nothing, if the lock has another id or `breaking` does not allow it.
        """

    def prove_conditional_writes(self) -> None:
        """Raise StateUnavailable unless the store refuses a write that names a wrong version."""


class Journal(Protocol):
    """A log of what happened to creates, in the order of the calls."""

    async def append(self, record: Record) -> None:
        """Return once `record` is durable. Raises StateUnavailable if it may not be durable.

        Records become durable in the order of the calls; only a failed append leaves one out.
        """


class ExamApi(Protocol):
    """The exam service."""

    async def create(
        self, install_sid: InstallSid, course_sid: CourseSid, body: bytes, *, confidential: Sequence[str]
    ) -> Verdict:
        """Send one Create Exam request once, and return what the response means. Raises only CancelledError.

        The verdict's reason holds none of the `confidential` values, even if the server repeats them.
        """


class RetryPolicy(Protocol):
    """How long to wait before another try, and when to give up. A pure function of its arguments."""

    @property
    def connect_tries(self) -> int:
        """The most tries for an exam that could not be sent."""

    @property
    def budget_s(self) -> float:
        """The most seconds that one run may pause in total."""

    def delay_s(self, attempt: int, retry_after: str | None, now: datetime) -> float:
        """Return the seconds to wait before try `attempt` (the first is 1).

        `now` is the server's time if its response gave one, for `retry_after` may be a date.
        """


class Clock(Protocol):
    """Time of day, and durations. Measure durations by `monotonic_s`: the time of day can be set back."""

    def now(self) -> datetime:
        """Return the time of day, timezone-aware, in UTC."""

    def monotonic_s(self) -> float:
        """Return the seconds since a fixed moment; the value never decreases."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class SecretSource(Protocol):
    """Finds the values of secrets."""

    def value_of(self, secret: Secret) -> str:
        """Return the secret's value. Raises LookupError, without the value in its message, if it has none."""


class Progress(Protocol):
    """Receives the events of an apply. Once creates begin, an error raised here changes no outcome."""

    def planned(self, plan: Plan) -> None:
        """`plan` was confirmed, and is about to be applied."""

    def started(self, total: int) -> None:
        """`total` creates are about to begin."""

    def trying(self, begun: TryBegun) -> None:
        """One try at a create is about to be sent."""

    def tried(self, ended: TryEnded) -> None:
        """One try at a create ended; its outcome is durable unless the store failed."""

    def settled(self, exam: ExamOutcome) -> None:
        """One exam reached its final outcome."""

    def waiting(self, seconds: float, reason: str) -> None:
        """Sending pauses for `seconds`."""

    def finished(self) -> None:
        """All creates have ended."""
