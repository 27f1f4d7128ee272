"""State as an object in a bucket: Amazon S3 and compatible servers, Google Cloud Storage, Azure Blob Storage.

    KEY                               the snapshot and, on a last line of blanks, the name of the log
    KEY.log/GENERATION/00000001, …    the log, one object for each append; an empty object ends the log
    KEY.backup                        the last backup
    KEY.journal/…                     keeps earlier versions from using the state: see `bucket_old_layout`

An append puts the next object, which must not exist yet. Every other change replaces KEY if it still has the
version that was read; this put is the commit point. It names a new generation of the log, whose first object
was put before. `replace` first ends the generation that it leaves, so that no append to it can succeed
any more. If that `replace` goes no further, the next append finds the end and copies the log into a new
generation.

An append that arrives late finds an object in its place, or hits a generation that KEY no longer names. The
objects of old generations are therefore kept for some days. A put of KEY that arrives late is refused by
its version. S3 makes versions from content alone, so the line of blanks is different in every put.
"""

import hashlib
import re
import secrets
from contextlib import suppress
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.model.errors import StateUnavailable
from reconciler.ports import Head, Store, Stored
from reconciler.stores.bucket_calls import Bucket, Listed, PutRefused, StoredObject, Tag
from reconciler.stores.bucket_errors import log_unnamed, part_missing
from reconciler.stores.bucket_old_layout import (
    read_old_journal,
    refuse_old_lock,
    replace_old_layout,
)
from reconciler.stores.bucket_urls import find_bucket
from reconciler.stores.store_errors import conflict

_KEPT: Final = timedelta(days=7)
"""How long an old generation is kept, which is longer than a run can be paused."""

_TRIES: Final = 5
_PIECE: Final = re.compile(r"/[0-9a-f]{16}/[0-9]{8}$")
_BLANKS: Final = re.compile(rb"[ \t]{65}\n")
_BLANKS_BYTES: Final = 66


class _Position(NamedTuple):
    """A head in parts."""

    tag: Tag | None
    """Version of KEY; None in an empty store."""
    generation: str = ""
    """Generation of the log; empty at rest."""
    number: int = 0
    """Number of the log's next object; 0 at rest, and if the log has ended."""
    old_journal: str = ""
    """For a KEY without a line of blanks, a digest of the journal that an earlier version left."""

    def head(self) -> Head:
        """Return the head for this position."""
        return Head(f"{self.generation}/{self.number}/{self.old_journal}/{self.tag or ''}")


def _position(head: Head) -> _Position:
    generation, number, old_journal, tag = head.split("/", 3)
    return _Position(Tag(tag) if tag else None, generation, int(number), old_journal)


def open_bucket(url: str, *, root: Path, is_typed: bool = False) -> Store:  # noqa: ARG001 - below no directory
    """Return the store for the object that `url` names. `is_typed`: it comes from the command line."""
    bucket, key = find_bucket(url, is_typed=is_typed)
    return BucketStore(bucket, key=key)


class BucketStore:
    """A state in a bucket; implements `ports.Store` and `ports.KeepsCopies`."""

    def __init__(self, bucket: Bucket, *, key: str) -> None:
        self.location = bucket.location
        self._bucket = bucket
        self._key = key
        self._folder = f"{key}.log"
        self._backup_key = f"{key}.backup"
        self._next_backup: bytes | None = None

    def load(self) -> Stored | None:
        """Return snapshot, log and head; None if there is no object KEY."""
        tag = None
        for _ in range(_TRIES):
            found = self._bucket.get(self._key)
            if found is None:
                self._refuse_unnamed_log(read_old_journal(self._bucket, self._key), None)
                return None
            snapshot, generation = _parted(found.data)
            if generation is None:
                return self._unmarked(found)
            log = self._read_log(generation) if generation else (b"", 0)
            if log is not None:
                position = _Position(found.tag, generation, log[1])
                return Stored(snapshot=snapshot, log=log[0], head=position.head())
            if found.tag == tag:
                break
            tag = found.tag  # perhaps KEY names another generation by now: look again
        raise part_missing(self.location, self._folder)

    def append(self, records: bytes, *, at: Head, note: str = "") -> Head:  # noqa: ARG002 - no history
        """Put the next object of the log. At rest, or after the log's end, begin a new generation."""
        position = _position(at)
        if position.number and records and self._extend(position, records):
            return position._replace(number=position.number + 1).head()
        # At rest, or the log has ended just there.
        stored = self.load()
        if stored is None or _position(stored.head)._replace(number=0) != position._replace(number=0):
            raise conflict(self.location)
        return self.replace(stored.snapshot, stored.log + records, at=stored.head)

    def replace(self, snapshot: bytes, log: bytes, *, at: Head | None, note: str = "") -> Head:  # noqa: ARG002 - no history
        """End the log's generation, then replace KEY."""
        position = _Position(None) if at is None else _position(at)
        may_be_earlier = position.tag is None or bool(position.old_journal)
        if may_be_earlier:
            self._refuse_earlier_run(position)
        if position.number:
            self._extend(position, b"")
        generation = secrets.token_hex(8) if log else ""
        if log:
            with suppress(PutRefused):  # by an earlier copy of this put: nobody else knows the name
                self._bucket.put(self._piece(generation, 1), log, replacing=None)
        if self._next_backup is not None:
            self._put_backup(self._next_backup, position)
        try:
            tag = self._bucket.put(self._key, snapshot + _blanks(generation), replacing=position.tag)
        except PutRefused:
            if log:
                self._end_unnamed(generation)
            raise conflict(self.location) from None
        self._next_backup = None
        if not log:
            self._tidy()
        if may_be_earlier:
            replace_old_layout(self._bucket, self._key)
        return _Position(tag, generation, 2 if log else 0).head()

    def has_ended(self, lock_id: str) -> bool:  # noqa: ARG002 - as the port says
        """Return False: other machines' runs cannot be seen."""
        return False

    def keep_backup(self, snapshot: bytes) -> str:
        """Keep `snapshot` with the next `replace`, which a run that has lost the lock cannot do."""
        self._next_backup = snapshot
        return f"{self.location.partition('#')[0]}.backup"

    def backup(self) -> bytes | None:
        """Return the last backup."""
        found = self._bucket.get(self._backup_key)
        return None if found is None else found.data

    def earlier(self, version: str) -> bytes | None:  # noqa: ARG002 - as the port says
        """Return None: there is no history."""
        return None

    def _unmarked(self, found: StoredObject) -> Stored:
        """Return a KEY that an earlier version or a person wrote, with the journal of an earlier version."""
        journal = read_old_journal(self._bucket, self._key)
        self._refuse_unnamed_log(b"", found)
        position = _Position(found.tag, old_journal=hashlib.sha256(journal).hexdigest())
        return Stored(snapshot=found.data, log=journal, head=position.head())

    def _refuse_earlier_run(self, position: _Position) -> None:
        """Raise if a run of an earlier version holds the lock, or has changed something since `position`."""
        refuse_old_lock(self._bucket, self._key)
        if position.old_journal:
            now = self.load()
            if now is None or now.head != position.head():
                raise conflict(self.location)

    def _extend(self, position: _Position, data: bytes) -> bool:
        """Put `data` as the next object of the log; return False if the log has ended there.

        Without `data`, end it. Raise StateConflict if there is another object.
        """
        key = self._piece(position.generation, position.number)
        try:
            self._bucket.put(key, data, replacing=None)
        except PutRefused:
            found = self._bucket.get(key)
            if found is None or found.data:
                raise conflict(self.location) from None
            return False
        return True

    def _read_log(self, generation: str) -> tuple[bytes, int] | None:
        """Return the log, and its next number as in a position; None if a part of the log is missing."""
        keys = [one.key for one in self._bucket.listing(f"{self._folder}/{generation}")]
        fetched = dict(zip(keys, self._bucket.get_all(keys), strict=True))
        pieces: list[bytes] = []
        while True:
            key = self._piece(generation, len(pieces) + 1)
            found = fetched.get(key) or self._bucket.get(key)  # listings may lag
            if found is None or not found.data:
                break
            pieces.append(found.data)
        if not pieces or max(keys, default="") > key:
            return None
        return b"".join(pieces), 0 if found is not None else len(pieces) + 1

    def _piece(self, generation: str, number: int) -> str:
        return f"{self._folder}/{generation}/{number:08}"

    def _end_unnamed(self, generation: str) -> None:
        """End a new generation that KEY does not name, if that succeeds, so that it looks like no run's log.

        If a lost copy of the refused put was done, KEY names it after all, and it goes on in another one.
        """
        with suppress(StateUnavailable, PutRefused):
            self._bucket.put(self._piece(generation, 2), b"", replacing=None)

    def _put_backup(self, snapshot: bytes, position: _Position) -> None:
        """Replace the backup unless another run has replaced KEY, or the backup, meanwhile."""
        last = self._bucket.get(self._backup_key)
        found = self._bucket.get(self._key)
        if found is not None and found.tag == position.tag:
            with suppress(PutRefused):
                self._bucket.put(self._backup_key, snapshot, replacing=None if last is None else last.tag)

    def _generations(self) -> list[list[Listed]]:
        """Return the objects of each generation, by number."""
        listed = [one for one in self._bucket.listing(self._folder) if _PIECE.search(one.key)]
        return [list(objects) for _, objects in groupby(listed, key=lambda one: one.key.rpartition("/")[0])]

    def _refuse_unnamed_log(self, old_journal: bytes, found: StoredObject | None) -> None:
        """Raise StateDamaged if there is a log without an end, although KEY, which is `found`, names none.

        The error has the head at which `replace` ends that log and puts a state there.
        """
        if old_journal:
            error = log_unnamed(self.location, f"{self._key}.journal")
            error.log = old_journal
            raise error
        open_ones = [objects for objects in self._generations() if objects[-1].size_bytes]
        if not open_ones:
            return
        # A run that was killed while it took the lock leaves one object; the log of a run that sent has more.
        longest = max(open_ones, key=lambda objects: (len(objects), objects[-1].changed_at))
        generation = longest[-1].key.split("/")[-2]
        read = self._read_log(generation)
        if read is None:
            raise part_missing(self.location, self._folder)
        log, number = read
        error = log_unnamed(self.location, self._folder)
        error.snapshot, error.log = None if found is None else found.data, log
        error.head = _Position(None if found is None else found.tag, generation, number).head()
        raise error

    def _tidy(self) -> None:
        """Remove generations that have not changed lately, by the store's clock, if that succeeds."""
        with suppress(StateUnavailable):
            newest = [(max(one.changed_at for one in objects), objects) for objects in self._generations()]
            now = max((changed_at for changed_at, _ in newest), default=None)
            old = [objects for changed_at, objects in newest if now and changed_at < now - _KEPT]
            if old:
                self._bucket.remove([one.key for objects in old for one in objects])


def _blanks(generation: str) -> bytes:
    """Return the last line of KEY: the generation, or at rest a random number, in blanks."""
    number = int(generation, 16) if generation else secrets.randbits(64)
    bits = f"{number:064b}{1 if generation else 0}"
    return bits.translate({ord("0"): " ", ord("1"): "\t"}).encode() + b"\n"


def _parted(data: bytes) -> tuple[bytes, str | None]:
    """Return the snapshot in KEY, and the generation: empty at rest, None without a line of blanks."""
    blanks = data[-_BLANKS_BYTES:]
    if not _BLANKS.fullmatch(blanks):
        return data, None
    bits = blanks.translate(bytes.maketrans(b" \t", b"01")).decode()
    return data[:-_BLANKS_BYTES], f"{int(bits[:64], 2):016x}" if bits[64] == "1" else ""
