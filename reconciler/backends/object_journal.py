"""The journal in object storage: a head that names the generation in use, and that generation's segments.

A generation begins with its first append: its segment is put under a name that nobody can guess, then the
head is swapped to name it. From there an append is one put of a new object, whatever the state's size. What
is not a plain append (a batch after one whose outcome was not known, a journal that another began) begins a
new generation with a copy of what counts, so that no segment is ever replaced.

Whoever breaks a lock, and whoever takes one, fences the generation in use, if one is, and swaps the head
for one like it: the last holder's next append collides with the fence, and it can begin no generation, for
it can swap only the head that it saw. All that it was told is durable stands before the fence. Late
requests of its own reach generations that no head names any more. Segments of a fenced generation are kept
for some days, because a holder that still lived could mistake a gap for the end.
"""

import json
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from msgspec import Struct

from reconciler.backends.complaints import lock_taken_away
from reconciler.backends.object_calls import Bucket, Listed, Refused, Tag
from reconciler.backends.object_errors import foreign, part_missing
from reconciler.backends.object_lock import Hold, ObjectLock
from reconciler.backends.object_segments import HEADER_BYTES, Generation, Reading, Segment, offset_of
from reconciler.model.errors import StateUnavailable

FENCES_LAST: Final = timedelta(days=7)

_TRIES: Final = 5
_FENCE_TRIES: Final = 50
_CHECK_EVERY_S: Final = 2.0
"""A holder looks this often whether its lock is still its own, so that who fences it soon catches up."""


class _Head(Struct, frozen=True, kw_only=True):
    """Names the generation in use, if one is. No two heads have the same `token`."""

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

    def read(self, kept: "_Kept | None" = None) -> bytes:
        """The bytes that count, whoever reads; `kept` are those that the reader wrote itself."""
        for _ in range(_TRIES):
            head = self.head()
            if head is None or head.generation is None:
                return b""
            reading = self.reading(head.generation, kept)
            now = self.head()
            if now is not None and now.token == head.token:
                if reading.is_whole:
                    return reading.data
                break
        raise part_missing(self.location, self.folder)

    def reading(self, generation: str, kept: "_Kept | None") -> Reading:
        """What `generation` holds."""
        mine = kept.data if kept is not None and kept.generation == generation else {}
        return self.generation(generation).read(mine)

    def generation(self, name: str) -> Generation:
        """The generation of that name."""
        return Generation(self._bucket, f"{self.folder}/{name}")

    def fence(self) -> _Head:
        """Let no earlier holder append to the generation in use, or begin one; the head after that."""
        for _ in range(_FENCE_TRIES):
            head = self.head()
            if head is not None and head.generation is not None:
                self.generation(head.generation).fence(secrets.token_hex(16))
            with suppress(Refused):
                return self.swap(head, secrets.token_hex(16), generation=head.generation if head else None)
        raise lock_taken_away(self.location)

    def head(self) -> _Head | None:
        """The head; None where there never was a journal."""
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
        """Put a head that names `generation` in the place of `head`. Raises Refused if another is there."""
        text = f"{json.dumps({'generation': generation, 'token': token}, indent=2)}\n"
        tag = self._bucket.put(self._key, text.encode(), replacing=None if head is None else head.tag)
        return _Head(generation=generation, token=token, tag=tag)

    def tidy(self, head: _Head) -> None:
        """Remove all generations but the one in use and those that were fenced lately, as far as it goes."""
        with suppress(StateUnavailable):
            listed = self._bucket.listing(self.folder)
            spare = _spared(listed) | {head.generation}
            keys = [
                one.key
                for one in listed
                if offset_of(one.key) is not None and _generation_of(one) not in spare
            ]
            if keys:
                self._bucket.remove(keys)


def _generation_of(listed: Listed) -> str:
    return listed.key.split("/")[-2]


def _spared(listed: Sequence[Listed]) -> set[str | None]:
    """Generations with a fence that is younger than `FENCES_LAST`, by the store's own clock."""
    if not listed:
        return set()
    since = max(one.changed_at for one in listed) - FENCES_LAST
    return {
        _generation_of(one) for one in listed if one.size_bytes == HEADER_BYTES and one.changed_at >= since
    }


class _Kept(Struct, kw_only=True):
    """What a holder put into its generation itself, by offset."""

    generation: str
    data: dict[int, bytes]


class Term:
    """The journal in the hands of one holder of the lock."""

    def __init__(self, journal: ObjectJournal, lock: ObjectLock, hold: Hold, head: _Head) -> None:
        self._journal = journal
        self._lock = lock
        self._hold = hold
        self._head = head
        self._tokens = {head.token}
        self._kept: _Kept | None = None
        self._end = 0
        self._number = 0
        self._is_settled = True
        self._checked_s = time.monotonic()

    def read(self) -> bytes:
        """The bytes that count."""
        return self._journal.read(self._kept)

    def append(self, data: bytes, *, after: int) -> None:
        """Durably put `data` behind the first `after` bytes."""
        self._check_now_and_then()
        if not data:
            return
        if self._kept is not None and after == self._end and self._extend(self._kept, data):
            return
        self._begin(self._first(after) + data)

    def clear(self) -> None:
        """Durably empty the journal, and remove its segments as far as that goes."""
        self._lock.check(self._hold)
        if self._is_settled and self._head.generation is None:
            return
        self._swap(None)
        self._kept, self._end = None, 0
        self._journal.tidy(self._head)

    def _extend(self, kept: _Kept, data: bytes) -> bool:
        """Whether `data` stands at the end now; else an earlier batch of this holder does."""
        try:
            self._journal.generation(kept.generation).put(self._end, self._segment(data))
        except Refused as refused:
            if not self._is_mine(kept, refused, data):
                return False
        kept.data[self._end] = data
        self._end += len(data)
        return True

    def _is_mine(self, kept: _Kept, refused: Refused, data: bytes) -> bool:
        """Whether the segment in the way holds `data`. Raises StateUnavailable if it is another's."""
        if refused.found is None:
            raise lock_taken_away(self._journal.location)
        segment = self._journal.generation(kept.generation).decode(self._journal.folder, refused.found)
        if segment.is_fence or segment.token != self._hold.token:
            raise lock_taken_away(self._journal.location)
        return segment.data == data

    def _first(self, after: int) -> bytes:
        """The first `after` bytes that count."""
        data = self.read()[:after] if after else b""
        if len(data) < after:
            raise StateUnavailable(
                f"the journal of {self._journal.location} was removed or cut while this run was writing it",
                hint="Put it back: it holds what state does not have yet.",
                location=self._journal.location,
            )
        return data

    def _begin(self, data: bytes) -> None:
        """Make a new generation that holds `data` the one in use."""
        self._lock.check(self._hold)
        segment = self._segment(data)
        name = f"{self._hold.token}-{segment.number:08}"
        self._journal.generation(name).put(0, segment)
        self._kept = None  # until it is known which generation is in use, nothing can be appended to one
        self._swap(name)
        self._kept, self._end = _Kept(generation=name, data={0: data}), len(data)

    def _swap(self, generation: str | None) -> None:
        """Make `generation` the one in use, on top of the head that this holder saw or wrote itself."""
        self._is_settled = False
        for _ in range(_TRIES):
            token = secrets.token_hex(16)
            self._tokens.add(token)
            try:
                self._head = self._journal.swap(self._head, token, generation=generation)
            except Refused:
                found = self._journal.head()
                if found is None or found.token not in self._tokens:
                    break
                self._head = found
            else:
                self._is_settled = True
                return
        raise lock_taken_away(self._journal.location)

    def _segment(self, data: bytes) -> Segment:
        self._number += 1
        return Segment(token=self._hold.token, number=self._number, data=data)

    def _check_now_and_then(self) -> None:
        now_s = time.monotonic()
        if now_s - self._checked_s >= _CHECK_EVERY_S:
            self._lock.check(self._hold)
            self._checked_s = now_s
