"""State in object storage: S3 and what speaks it, Google Cloud Storage, Azure Blob Storage.

Beside the snapshot at KEY stand `KEY.backup`, `KEY.lock` and `KEY.journal/…`. Every put names what it
replaces, and the store compares. Three things keep a holder whose lock was broken from changing anything:
- a snapshot is written only after a look at the lock. A write that is under way at that moment may still
  arrive, so whoever takes a broken lock is told (LockHandover.FORCED) and writes the snapshot anew, after
  which it is refused;
- the journal is fenced (see `object_journal`);
- the backup is replaced only if it is still the one from before that look.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from reconciler.backends.complaints import conflict, lock_taken_away
from reconciler.backends.object_calls import Bucket, ConditionFailed, Tag
from reconciler.backends.object_errors import OutcomeUnknown
from reconciler.backends.object_journal import JournalWriter, ObjectJournal
from reconciler.backends.object_lock import HeldObjectLock, ObjectLock, Phase
from reconciler.backends.object_urls import open_place
from reconciler.model.errors import StateUnavailable
from reconciler.ports import Breaking, LockHandover, LockHolder, LockInfo, Snapshot, StateStore, Version

_BACKUP_TRIES: Final = 3


def open_object_store(url: str, *, root: Path) -> StateStore:  # noqa: ARG001 - a bucket is below no directory
    """The object that `url` names."""
    place = open_place(url)
    return ObjectStoreBackend(place.bucket, key=place.key, bucket_url=place.bucket_url)


class ObjectStoreBackend:
    """A state in a bucket; implements `ports.StateStore`."""

    def __init__(self, bucket: Bucket, *, key: str, bucket_url: str) -> None:
        self.location = bucket.location
        self._bucket = bucket
        self._key = key
        self._bucket_url = bucket_url
        self._lock = ObjectLock(bucket, f"{key}.lock")
        self._journal = ObjectJournal(bucket, f"{key}.journal")
        self._held: HeldObjectLock | None = None
        self._writer: JournalWriter | None = None
        self._may_arrive_late = False
        """Whether a snapshot other than the present one may still arrive; no longer once one was written."""

    def read(self) -> Snapshot | None:
        """The object's bytes, or None where there is no object."""
        found = self._bucket.get(self._key)
        return None if found is None else Snapshot(data=found.data, version=Version(found.tag))

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:  # noqa: ARG002 - no history
        """Put `data` in the place of exactly the object `replacing`."""
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
        """Put `data` in the place of the last backup."""
        key = f"{self._key}.backup"
        for _ in range(_BACKUP_TRIES):
            last = self._bucket.get(key)
            self._check_lock()
            try:
                self._bucket.put(key, data, replacing=None if last is None else last.tag)
            except ConditionFailed:
                continue
            return f"{self._bucket_url}/{key}"
        raise lock_taken_away(self.location)

    def read_journal(self) -> bytes:
        """The journal's bytes; none where there is no journal."""
        return self._journal.read()

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:  # noqa: ARG002 - no history
        """Put `data` behind the first `after` bytes of the journal."""
        self._held_writer().append(data, after=after)

    def clear_journal(self) -> None:
        """Empty the journal."""
        self._held_writer().clear()

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[LockHandover]:
        """Hold the lock.

        FORCED if it was broken, and if a journal was left without a lock: somebody may have removed that by
        hand.
        """
        self._held = self._lock.take(info, timeout_s=timeout_s)
        self._may_arrive_late = self._held.was_broken
        try:
            self._writer, handover = self._begun(self._held)
            self._may_arrive_late = handover is LockHandover.FORCED
            yield handover
        finally:
            held, self._held, self._writer = self._held, None, None
            self._lock.let_go(held, Phase.BROKEN if self._may_arrive_late else Phase.RELEASED)

    def lock_holder(self) -> LockHolder | None:
        """Who holds the lock; whether that run goes on nobody can know."""
        return self._lock.holder()

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Break the lock, if it is that of `lock_id`, and fence the journal of who held it."""
        holder = self._lock.break_(lock_id, breaking=breaking)
        self._journal.fence()
        return holder

    def prove_conditional_writes(self) -> None:
        """Raises StateUnavailable unless the store compares before it puts."""
        _prove_conditions(self._bucket, f"{self._key}.proof/{secrets.token_hex(16)}")

    def _begun(self, held: HeldObjectLock) -> tuple[JournalWriter, LockHandover]:
        """The journal is this holder's alone from here on, whatever became of the lock's object before."""
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
        """Raises StateUnavailable if this object took the lock and has it no longer."""
        if self._held is not None:
            self._lock.check(self._held)


def _prove_conditions(bucket: Bucket, key: str) -> None:
    """Raises StateUnavailable unless puts, listings and gets at `key` do what this product relies on.

    The object is removed again as far as that goes.
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
