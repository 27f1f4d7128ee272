"""Segments: a generation of the journal as objects that are made once and never replaced.

Each holds one append and is named by the offset of its first byte, so that of all who append at one offset
one succeeds. A segment without bytes is a fence: nothing can be appended behind it. A listing finds
segments fast, and is not believed: its end is where the store says of the very next offset that there is no
such object.
"""

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from msgspec import Struct

from reconciler.backends.object_calls import Bucket, Found, Listed, Refused
from reconciler.backends.object_errors import foreign, part_missing
from reconciler.model.errors import StateUnavailable

_HEADER: Final = re.compile(rb"reconciler segment ([0-9a-f]{32}) ([0-9]{8})\n")
HEADER_BYTES: Final = 61
_READERS: Final = 16
_FENCE_PATIENCE_S: Final = 30.0
"""Far longer than a holder goes on without looking whether its lock is still its own."""


class Segment(Struct, frozen=True, kw_only=True):
    """One append. `token` is that of the lock it was made under, `number` of the try; a fence has no data."""

    token: str
    number: int
    data: bytes

    @property
    def is_fence(self) -> bool:
        """Whether nothing can be appended behind it."""
        return not self.data

    def encode(self) -> bytes:
        """The object's bytes."""
        return b"reconciler segment %s %08d\n" % (self.token.encode(), self.number) + self.data


class Reading(Struct, frozen=True, kw_only=True):
    """What a generation holds up to its end or its fence; not `is_whole` where a segment is missing in it."""

    data: bytes
    is_whole: bool


class Generation:
    """The segments below `folder`."""

    def __init__(self, bucket: Bucket, folder: str) -> None:
        self._bucket = bucket
        self._folder = folder

    def put(self, offset: int, segment: Segment) -> None:
        """Durably make `segment` the one at `offset`. Raises Refused if there is one."""
        self._bucket.put(self._key(offset), segment.encode(), replacing=None)

    def get(self, offset: int) -> Segment | None:
        """The segment at `offset`."""
        key = self._key(offset)
        found = self._bucket.get(key)
        return None if found is None else self.decode(key, found)

    def decode(self, key: str, found: Found) -> Segment:
        """`found` as a segment. Raises StateUnavailable where it is none."""
        header = _HEADER.match(found.data)
        if header is None:
            raise foreign(self._bucket.location, key)
        return Segment(token=header[1].decode(), number=int(header[2]), data=found.data[header.end() :])

    def read(self, kept: Mapping[int, bytes]) -> Reading:
        """All of it. `kept` are data that the reader put itself, by offset: they are not fetched again."""
        listed = _sizes(self._bucket.listing(self._folder))
        mine = {offset: data for offset, data in kept.items() if listed.get(offset) == len(data)}
        fetched = self._fetch([offset for offset in _contiguous(listed) if offset not in mine])
        parts: list[bytes] = []
        end = 0
        while data := mine.get(end) or self._data_at(end, fetched):
            parts.append(data)
            end += len(data)
        return Reading(data=b"".join(parts), is_whole=end > 0 and all(offset <= end for offset in listed))

    def _data_at(self, offset: int, fetched: Mapping[int, Segment | None]) -> bytes:
        """The bytes that stand at `offset`; none at the end and at a fence."""
        segment = fetched.get(offset) or self.get(offset)
        return b"" if segment is None else segment.data

    def fence(self, token: str) -> None:
        """Make sure that nothing more can be appended.

        Whoever appends meanwhile is followed, one segment after the other. Raises StateUnavailable where that
        takes too long, and where a segment is missing.
        """
        end = self._end()
        deadline = time.monotonic() + _FENCE_PATIENCE_S
        while time.monotonic() < deadline:
            try:
                self.put(end, Segment(token=token, number=0, data=b""))
            except Refused as refused:
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
        """The offset behind the last segment that a listing shows."""
        listed = _sizes(self._bucket.listing(self._folder))
        end = sum(_contiguous(listed).values())
        while any(offset > end for offset in listed):
            segment = self.get(end)
            if segment is None or segment.is_fence:
                raise part_missing(self._bucket.location, self._folder)
            end += len(segment.data)
        return end

    def _fetch(self, offsets: Sequence[int]) -> Mapping[int, Segment | None]:
        if len(offsets) < 2:  # noqa: PLR2004 - threads pay for several only
            return {}
        with ThreadPoolExecutor(min(_READERS, len(offsets)), thread_name_prefix="segments") as pool:
            return dict(zip(offsets, pool.map(self.get, offsets), strict=True))

    def _key(self, offset: int) -> str:
        return f"{self._folder}/{offset:016}"


def offset_of(key: str) -> int | None:
    """The offset that a segment's key names; None where it is no segment's."""
    name = key.rpartition("/")[2]
    return int(name) if re.fullmatch("[0-9]{16}", name) else None


def _sizes(listed: Sequence[Listed]) -> Mapping[int, int]:
    """The size of the data at each offset."""
    return {
        offset: one.size_bytes - HEADER_BYTES for one in listed if (offset := offset_of(one.key)) is not None
    }


def _contiguous(listed: Mapping[int, int]) -> Mapping[int, int]:
    """Of `listed`, those that follow on one another from the first byte on."""
    found: dict[int, int] = {}
    end = 0
    while listed.get(end, 0) > 0:
        found[end] = listed[end]
        end += listed[end]
    return found
