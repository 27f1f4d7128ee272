"""State in object storage: S3 and what speaks it, Google Cloud Storage, Azure Blob Storage.

The snapshot is the object KEY, beside `KEY.backup`, `KEY.lock` and `KEY.journal/…`. Every put names the
version that it replaces, and the store compares. A holder whose lock was broken cannot change anything:

    snapshot   The holder checks its lock before each write. A write that was under way may still arrive, so
               the next holder is told (LockHandover.FORCED). It writes the snapshot again; the late write is
               then refused.
    journal    It is fenced: see `object_journal`.
    backup     The holder reads its version, then checks the lock, then replaces exactly that version.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from reconciler.model.errors import StateUnavailable
from reconciler.ports import Breaking, LockHandover, LockHolder, LockInfo, Snapshot, StateStore, Version
from reconciler.stores.object_calls import Bucket, ConditionFailed, Tag
from reconciler.stores.object_errors import OutcomeUnknown
from reconciler.stores.object_journal import JournalWriter, ObjectJournal
from reconciler.stores.object_lock import HeldObjectLock, ObjectLock, Phase
from reconciler.stores.object_urls import open_bucket
from reconciler.stores.store_errors import conflict, lock_taken_away

_BACKUP_TRIES: Final = 3


def open_object_store(url: str, *, root: Path) -> StateStore:  # noqa: ARG001 - a bucket is below no directory
    """Return the store for the object that `url` names."""
    bucket, key = open_bucket(url)
    return BucketStore(bucket, key=key)


class BucketStore:
    """A state in a bucket; implements `ports.StateStore`."""

    def __init__(self, bucket: Bucket, *, key: str) -> None:
        self.location = bucket.location
        self._bucket = bucket
        self._key = key
        self._lock = ObjectLock(bucket, f"{key}.lock")
        self._journal = ObjectJournal(bucket, f"{key}.journal")
        self._held: HeldObjectLock | None = None
        self._writer: JournalWriter | None = None
        self._may_arrive_late = False
        """Whether a late write may still replace the snapshot. The next successful write rules that out."""

    def read(self) -> Snapshot | None:
        """Return the content of the object; None if it does not exist."""
        found = self._bucket.get(self._key)
        return None if found is None else Snapshot(data=found.data, version=Version(found.tag))

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:  # noqa: ARG002 - no history
        """Replace the object whose version is `replacing` by `data`."""
        self._check_lock()
        try:
            tag = self._bucket.put(self._key, data, replacing=None if replacing is None else Tag(replacing))
        except ConditionFailed:
            raise conflict(self.location) from None
        except OutcomeUnknown:
            self._may_arrive_late = True
            raise
        self._may_arrive_late = False
        return Version(tag)

    def back_up(self, data: bytes) -> str:
        """Replace the last backup by `data`; return its URL."""
        key = f"{self._key}.backup"
        for _ in range(_BACKUP_TRIES):
            last = self._bucket.get(key)
            self._check_lock()
            try:
                self._bucket.put(key, data, replacing=None if last is None else last.tag)
            except ConditionFailed:
                continue
            return f"{self.location.partition('#')[0]}.backup"
        raise lock_taken_away(self.location)

    def read_journal(self) -> bytes:
        """Return the content of the journal; empty if there is none."""
        return self._journal.read()

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:  # noqa: ARG002 - no history
        """Write `data` after the first `after` bytes of the journal."""
        self._held_writer().append(data, after=after)

    def clear_journal(self) -> None:
        """Empty the journal."""
        self._held_writer().clear()

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[LockHandover]:
        """Hold the lock.

        FORCED if it was broken. Also if a journal was left: somebody may have removed the lock by hand.
        """
        self._held = self._lock.take(info, timeout_s=timeout_s)
        self._may_arrive_late = self._held.was_broken
        try:
            self._writer, handover = self._begun(self._held)
            self._may_arrive_late = handover is LockHandover.FORCED
            yield handover
        finally:
            held, self._held, self._writer = self._held, None, None
            self._lock.release(held, Phase.BROKEN if self._may_arrive_late else Phase.RELEASED)

    def lock_holder(self) -> LockHolder | None:
        """Return who holds the lock, perhaps a run that was killed; None if nobody does."""
        return self._lock.holder()

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Break the lock if its id is `lock_id`, and fence its holder's journal."""
        holder = self._lock.break_(lock_id, breaking=breaking)
        self._journal.fence()
        return holder

    def prove_conditional_writes(self) -> None:
        """Raise StateUnavailable unless the store refuses puts whose condition is false."""
        _prove_conditions(self._bucket, f"{self._key}.proof/{secrets.token_hex(16)}")

    def _begun(self, held: HeldObjectLock) -> tuple[JournalWriter, LockHandover]:
        """Fence earlier holders; return the writer for this holder, and how the lock came to be free."""
        head = self._journal.fence()
        handover = (
            LockHandover.FORCED if held.was_broken or head.generation is not None else LockHandover.ORDERLY
        )
        return JournalWriter(self._journal, self._lock, held, head), handover

    def _held_writer(self) -> JournalWriter:
        if self._writer is None:
            raise lock_taken_away(self.location)
        return self._writer

    def _check_lock(self) -> None:
        """Raise StateUnavailable if this object took the lock and has lost it."""
        if self._held is not None:
            self._lock.check(self._held)


def _prove_conditions(bucket: Bucket, key: str) -> None:
    """Raise StateUnavailable unless puts, listings and gets at `key` behave as we need.

    Remove the object again, if possible.
    """
    try:
        _prove(bucket, key)
    finally:
        with suppress(StateUnavailable):
            bucket.remove([key])


def _prove(bucket: Bucket, key: str) -> None:
    try:
        first = _put(bucket, key, None)
        _must_refuse(bucket, "to make an object that is there", lambda: _put(bucket, key, None))
        last = _put(bucket, key, first)
    except ConditionFailed:
        raise _unfit(bucket, "it refuses a write whose condition holds") from None
    _must_refuse(bucket, "to replace an object that has changed", lambda: _put(bucket, key, first))
    found = bucket.get(key)
    if found is None or found.tag != last:
        raise _unfit(bucket, "it does not give back what was written to it last")
    if key not in {listed.key for listed in bucket.listing(key.rpartition("/")[0])}:
        raise _unfit(bucket, "it does not list an object that was just made")


def _put(bucket: Bucket, key: str, replacing: Tag | None) -> Tag:
    return bucket.put(key, secrets.token_hex(16).encode(), replacing=replacing)


def _must_refuse(bucket: Bucket, what: str, put: Callable[[], Tag]) -> None:
    try:
        put()
    except ConditionFailed:
        return
    raise _unfit(bucket, f"it did not refuse {what}: it ignores conditions")


def _unfit(bucket: Bucket, problem: str) -> StateUnavailable:
    return StateUnavailable(
        f"the store of {bucket.location} is not fit for state: {problem}",
        hint="Two runs could overwrite each other there. Use a store with conditional writes, or a newer "
        "version of this one; see docs/backends/object-storage.md.",
        location=bucket.location,
    )
