"""Ports: protocols for everything outside the core: stores, the exam service, clock, secrets, progress.

A test replaces each with a fake of a few lines. Callers rely on nothing that is not said here.
May import: `model`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NewType, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct

from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.plan import Plan
from reconciler.model.records import Record
from reconciler.model.report import ExamOutcome, TryBegun, TryEnded
from reconciler.model.secrets import Secret
from reconciler.model.verdicts import Verdict

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


@runtime_checkable
class HasServerLock(Protocol):
    """What a store can do besides: show and release its server's lock, which a killed run may leave."""

    def server_lock(self) -> str | None:
        """Return who has the server's lock; None if nobody has it. To ask, it is taken for a moment."""

    def release(self, lock_id: str) -> str | None:
        """Release the server's lock `lock_id`. Return who had it; None if it has another, or none."""


Stopwatch: TypeAlias = Callable[[], float]
"""Returns the seconds since it was started; see `Clock.stopwatch`."""


class Log(Protocol):
    """A log of what happened to creates, in the order of the calls."""

    async def append(self, record: Record) -> Stopwatch:
        """Return once `record` is durable: a stopwatch that was started before it was written.

        Raises StateError if it may not be durable. Records become durable in the order of the calls; only a
        failed append leaves one out.
        """


class ExamApi(Protocol):
    """The exam service."""

    async def create(
        self,
        install_sid: InstallSid,
        course_sid: CourseSid,
        body: bytes,
        *,
        confidential: Sequence[str],
        look: Callable[[], str | None],
    ) -> Verdict:
        """Send one Create Exam request once, and return what the response means. Raises only CancelledError.

        `look` is called once the connection is open, before the first byte of the request. If it returns a
        reason, nothing is sent, and the verdict is NotSent with that reason. The verdict's reason holds none
        of the `confidential` values, even if the server repeats them.
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

    def stopwatch(self) -> Stopwatch:
        """Return a stopwatch that is started now.

        Time in which the process or the machine was suspended counts. It may be too long if the time of day
        is set forward, but is not too short if that is set back.
        """

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
