"""The journal in object storage: a head that names the generation in use, and that generation's segments.

    KEY.journal/head                 the head: names the generation in use, if any
    KEY.journal/GENERATION/OFFSET    a segment: bytes that were appended at OFFSET; without bytes, a fence

A holder of the lock begins a generation with its first append: it writes the first segment under a name that
nobody can guess, then replaces the head by one that names the generation. Each further append writes one new
object, whatever the size of state and journal. Segments are never replaced. So an append after one with an
unknown outcome, or to a journal that another run began, begins a new generation with a copy of the bytes so
far.

If several runs append at the same offset, one succeeds. Nothing can be appended after a fence. A listing
finds segments fast but may be incomplete: the journal ends only at a fence, or where the store answers that
the next offset has no object.

Whoever takes or breaks a lock fences the generation in use, then replaces the head by one with a new token.
If the last holder is still running, its next append collides with the fence. It cannot begin a generation
either: it can only replace the head that it has seen. Its acknowledged appends are all before the fence. Its
requests that arrive late only reach generations that no head names. Segments of a fenced generation are kept
for some days: if they were removed, that holder could take the gap for the end of the journal.
"""

import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Final

from msgspec import Struct

from reconciler.model.errors import StateUnavailable
from reconciler.stores.object_calls import Bucket, ConditionFailed, Listed, StoredObject, Tag
from reconciler.stores.object_errors import foreign, part_missing
from reconciler.stores.object_lock import HeldObjectLock, ObjectLock
from reconciler.stores.store_errors import lock_taken_away, shortened

_FENCES_LAST: Final = timedelta(days=7)
"""How long the segments of a fenced generation are kept."""

_TRIES: Final = 5
_FENCE_TRIES: Final = 50
_CHECK_EVERY_S: Final = 2.0
"""How often a holder checks that it still has the lock. So one that lost it soon stops appending."""
_HEADER: Final = re.compile(rb"reconciler segment ([0-9a-f]{32}) ([0-9]{8})\n")
_HEADER_BYTES: Final = 61
_READERS: Final = 16
_FENCE_PATIENCE_S: Final = 30.0
"""How long to try to write a fence while a holder appends; much longer than `_CHECK_EVERY_S`."""


class Segment(Struct, frozen=True, kw_only=True):
    """One append: the lock's `token`, a `number` that counts the holder's segments, and the data.

    A fence has no data, the number 0, and a token of its own.
    """

    token: str
    number: int
    data: bytes

    @property
    def is_fence(self) -> bool:
        """Whether this is a fence, after which nothing can be appended."""
        return not self.data

    def encode(self) -> bytes:
        """Return the content of the object."""
        return b"reconciler segment %s %08d\n" % (self.token.encode(), self.number) + self.data


class Generation:
    """The segments below `folder`."""

    def __init__(self, bucket: Bucket, folder: str) -> None:
        self._bucket = bucket
        self._folder = folder

    def put(self, offset: int, segment: Segment) -> None:
        """Durably write `segment` at `offset`. Raise ConditionFailed if there is one already."""
        self._bucket.put(self._key(offset), segment.encode(), replacing=None)

    def get(self, offset: int) -> Segment | None:
        """Return the segment at `offset`; None if there is none."""
        key = self._key(offset)
        found = self._bucket.get(key)
        return None if found is None else self.decode(key, found)

    def decode(self, key: str, found: StoredObject) -> Segment:
        """Return `found` as a segment. Raise StateUnavailable if we did not write it."""
        header = _HEADER.match(found.data)
        if header is None:
            raise foreign(self._bucket.location, key)
        return Segment(token=header[1].decode(), number=int(header[2]), data=found.data[header.end() :])

    def read(self) -> bytes | None:
        """Return the bytes up to the end or the fence; None if a segment is missing."""
        listed = self._sizes()
        with ThreadPoolExecutor(_READERS, thread_name_prefix="segments") as pool:
            fetched = dict(zip(listed, pool.map(self.get, listed), strict=True))
        data = bytearray()
        while (segment := fetched.get(len(data)) or self.get(len(data))) is not None and segment.data:
            data += segment.data
        return bytes(data) if data and max(listed, default=0) <= len(data) else None

    def fence(self, token: str) -> None:
        """Write a fence after the last segment, so that nothing more can be appended.

        If another run appends a segment first, try again after that one. Raise StateUnavailable if that goes
        on too long, or if a segment is missing.
        """
        end = self._end()
        deadline = time.monotonic() + _FENCE_PATIENCE_S
        while time.monotonic() < deadline:
            try:
                self.put(end, Segment(token=token, number=0, data=b""))
            except ConditionFailed as refused:
                if refused.found is None:
                    continue
                segment = self.decode(self._key(end), refused.found)
                if segment.is_fence:
                    return
                end += len(segment.data)
            else:
                return
        raise StateUnavailable(
            f"cannot end the journal of {self._bucket.location}: its last holder goes on writing it",
            hint="End that run, then try again.",
            location=self._bucket.location,
        )

    def _end(self) -> int:
        """Return the offset after the last segment in a listing.

        Segments that the listing lacks, though it has later ones, are read one by one.
        """
        listed = self._sizes()
        end = 0
        while (size_bytes := listed.get(end, 0)) > 0:
            end += size_bytes
        while any(offset > end for offset in listed):
            segment = self.get(end)
            if segment is None or segment.is_fence:
                raise part_missing(self._bucket.location, self._folder)
            end += len(segment.data)
        return end

    def _sizes(self) -> Mapping[int, int]:
        """Return the size of the data at each offset in a listing."""
        listed = self._bucket.listing(self._folder)
        return {
            offset: one.size_bytes - _HEADER_BYTES
            for one in listed
            if (offset := _offset_of(one.key)) is not None
        }

    def _key(self, offset: int) -> str:
        return f"{self._folder}/{offset:016}"


def _offset_of(key: str) -> int | None:
    """Return the offset in a segment's key; None for other keys."""
    name = key.rpartition("/")[2]
    return int(name) if re.fullmatch("[0-9]{16}", name) else None


class _Head(Struct, frozen=True, kw_only=True):
    """The head: names the generation in use, if any. No two heads have the same `token`."""

    generation: str | None
    token: str
    tag: Tag


class ObjectJournal:
    """The journal below `folder`."""

    def __init__(self, bucket: Bucket, folder: str) -> None:
        self.location = bucket.location
        self.folder = folder
        self._bucket = bucket
        self._key = f"{folder}/head"

    def read(self) -> bytes:
        """Return the content of the journal."""
        for _ in range(_TRIES):
            head = self.head()
            if head is None or head.generation is None:
                return b""
            data = self.generation(head.generation).read()
            now = self.head()
            if now is not None and now.token == head.token:
                if data is not None:
                    return data
                break
        raise part_missing(self.location, self.folder)

    def generation(self, name: str) -> Generation:
        """Return the generation `name`."""
        return Generation(self._bucket, f"{self.folder}/{name}")

    def fence(self) -> _Head:
        """Keep earlier holders from appending and from beginning a generation; return the new head."""
        for _ in range(_FENCE_TRIES):
            head = self.head()
            if head is not None and head.generation is not None:
                self.generation(head.generation).fence(secrets.token_hex(16))
            with suppress(ConditionFailed):
                return self.swap(head, secrets.token_hex(16), generation=head.generation if head else None)
        raise lock_taken_away(self.location)

    def head(self) -> _Head | None:
        """Return the head; None if there never was a journal."""
        found = self._bucket.get(self._key)
        if found is None:
            return None
        try:
            told = json.loads(found.data)
            generation = told["generation"]
            name = None if generation is None else str(generation)
            return _Head(generation=name, token=str(told["token"]), tag=found.tag)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise foreign(self.location, self._key) from None

    def swap(self, head: _Head | None, token: str, *, generation: str | None) -> _Head:
        """Replace `head` by one with `token` that names `generation`; return the new one.

        Raise ConditionFailed if `head` is not the present one any more.
        """
        text = f"{json.dumps({'generation': generation, 'token': token}, indent=2)}\n"
        tag = self._bucket.put(self._key, text.encode(), replacing=None if head is None else head.tag)
        return _Head(generation=generation, token=token, tag=tag)

    def tidy(self, head: _Head) -> None:
        """Remove all generations except the one in use and those fenced lately. Ignore failures."""
        with suppress(StateUnavailable):
            listed = self._bucket.listing(self.folder)
            spare = _spared(listed) | {head.generation}
            keys = [
                one.key
                for one in listed
                if _offset_of(one.key) is not None and _generation_of(one) not in spare
            ]
            if keys:
                self._bucket.remove(keys)


def _generation_of(listed: Listed) -> str:
    return listed.key.split("/")[-2]


def _spared(listed: Sequence[Listed]) -> set[str | None]:
    """Return the generations with a fence younger than `_FENCES_LAST`, by the store's clock."""
    if not listed:
        return set()
    since = max(one.changed_at for one in listed) - _FENCES_LAST
    return {
        _generation_of(one) for one in listed if one.size_bytes == _HEADER_BYTES and one.changed_at >= since
    }


class JournalWriter:
    """Changes of the journal by one holder of the lock."""

    def __init__(self, journal: ObjectJournal, lock: ObjectLock, held: HeldObjectLock, head: _Head) -> None:
        self._journal = journal
        self._lock = lock
        self._held = held
        self._head = head
        self._tokens = {head.token}
        """Tokens of the head at the start, and of each that this holder has tried to write."""
        self._generation: str | None = None
        """The generation that this holder began, if it is known to be in use."""
        self._end = 0
        """The size in bytes of the data in that generation."""
        self._number = 0
        self._is_settled = True
        """Whether `_head` is known to be the head in the store."""
        self._checked_s = time.monotonic()

    def append(self, data: bytes, *, after: int) -> None:
        """Durably write `data` after the first `after` bytes."""
        self._check_now_and_then()
        if not data:
            return
        if self._generation is not None and after == self._end and self._extend(self._generation, data):
            return
        self._begin(self._first(after) + data)

    def clear(self) -> None:
        """Durably empty the journal; remove its segments if possible."""
        self._lock.check(self._held)
        if self._is_settled and self._head.generation is None:
            return
        self._swap(None)
        self._generation, self._end = None, 0
        self._journal.tidy(self._head)

    def _extend(self, generation: str, data: bytes) -> bool:
        """Append a segment. Return False if an earlier, late append of this holder is there instead."""
        segments = self._journal.generation(generation)
        try:
            segments.put(self._end, self._segment(data))
        except ConditionFailed as refused:
            if refused.found is None:
                raise lock_taken_away(self._journal.location) from None
            found = segments.decode(self._journal.folder, refused.found)
            if found.is_fence or found.token != self._held.token:
                raise lock_taken_away(self._journal.location) from None
            if found.data != data:
                return False
        self._end += len(data)
        return True

    def _first(self, after: int) -> bytes:
        """Return the first `after` bytes of the journal."""
        data = self._journal.read()[:after] if after else b""
        if len(data) < after:
            raise shortened(self._journal.location)
        return data

    def _begin(self, data: bytes) -> None:
        """Begin a new generation with `data`."""
        self._lock.check(self._held)
        segment = self._segment(data)
        name = f"{self._held.token}-{segment.number:08}"
        self._journal.generation(name).put(0, segment)
        self._generation = None  # until `_swap` returns, it is unknown which one is in use: append to none
        self._swap(name)
        self._generation, self._end = name, len(data)

    def _swap(self, generation: str | None) -> None:
        """Put `generation` in use, by replacing the head that this holder saw or wrote last."""
        self._is_settled = False
        for _ in range(_TRIES):
            token = secrets.token_hex(16)
            self._tokens.add(token)
            try:
                self._head = self._journal.swap(self._head, token, generation=generation)
            except ConditionFailed:
                found = self._journal.head()
                if found is None or found.token not in self._tokens:
                    break
                self._head = found
            else:
                self._is_settled = True
                return
        raise lock_taken_away(self._journal.location)

    def _segment(self, data: bytes) -> Segment:
        """Return a segment of this holder with the next number."""
        self._number += 1
        return Segment(token=self._held.token, number=self._number, data=data)

    def _check_now_and_then(self) -> None:
        now_s = time.monotonic()
        if now_s - self._checked_s >= _CHECK_EVERY_S:
            self._lock.check(self._held)
            self._checked_s = now_s
