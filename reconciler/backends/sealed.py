"""A store whose content may be sealed: around any other store, which then sees sealed bytes only.

Whether a state is sealed stands in the state itself, so that one that is not needs no key. What is sealed
stays sealed: each write is, with the present key, until `unseal` says otherwise.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from reconciler.backends.complaints import shortened
from reconciler.backends.sealing import (
    BACKUP,
    SNAPSHOT,
    KeyRing,
    Seal,
    Tip,
    add_frame,
    begin_journal,
    close_envelope,
    is_sealed_journal,
    open_envelope,
    open_journal,
    read_envelope,
)
from reconciler.model.secret_marks import StateKeys
from reconciler.ports import Breaking, LockHolder, LockInfo, Snapshot, StateBackend, Tenure, Version

_NOTE: Final = "an encrypted change"
"""What a store that keeps a history is told: the words of a note would stand there for all to read."""


class _Present(Struct, frozen=True, kw_only=True):
    """The snapshot that was last read or written. `version` is None where there is none.

    `salt` is None where it is plain.
    """

    version: Version | None
    salt: bytes | None


class SealableBackend:
    """`inner`, sealed where its content is; implements `ports.StateBackend`."""

    def __init__(self, inner: StateBackend, keys: StateKeys) -> None:
        self.location = inner.location
        self._inner = inner
        self._ring = KeyRing(keys=keys, location=inner.location)
        self._is_turning = False
        self._next_seal: Seal | None = None
        self._present: _Present | None = None
        self._tip: Tip | None = None
        self._has_plain_journal = False

    def seal(self) -> None:
        """The next write seals, with the present key and a fresh salt. Raises StateSealed without a key."""
        self._is_turning, self._next_seal = True, self._ring.for_writing(None)

    def unseal(self) -> None:
        """The next write is plain."""
        self._is_turning, self._next_seal = True, None

    def is_sealed(self) -> bool:
        """Whether the snapshot is sealed; False where there is none."""
        return self._known().salt is not None

    def read(self) -> Snapshot | None:
        """The snapshot, opened if it is sealed."""
        found = self._inner.read()
        envelope = None if found is None else read_envelope(found.data)
        if found is None or envelope is None:
            self._present = _Present(version=None if found is None else found.version, salt=None)
            return found
        opened, seal = open_envelope(envelope, self._ring, SNAPSHOT)
        if self._has_plain_journal:
            raise self._ring.damaged("its journal is not")
        self._present = _Present(version=found.version, salt=seal.salt)
        return Snapshot(data=opened, version=found.version)

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:
        """As the store's own; sealed where that is asked for, or where the present one is."""
        seal = None if replacing is None and not self._is_turning else self._seal(replacing)
        if seal is None:
            version = self._inner.write(data, replacing=replacing, note=note)
        else:
            closed = close_envelope(seal, SNAPSHOT, data)
            version = self._inner.write(closed, replacing=replacing, note=_NOTE)
        self._is_turning = False
        self._present = _Present(version=version, salt=None if seal is None else seal.salt)
        return version

    def back_up(self, data: bytes) -> str:
        """As the store's own; sealed where the next write is."""
        seal = self._seal()
        return self._inner.back_up(data if seal is None else close_envelope(seal, BACKUP, data))

    def _seal(self, version: Version | None = None) -> Seal | None:
        """What is written next is sealed with this; None where it is plain. `version` is the present one."""
        if self._is_turning:
            return self._next_seal
        salt = self._known(version).salt
        return None if salt is None else self._ring.for_writing(salt)

    def _known(self, version: Version | None = None) -> _Present:
        """The present snapshot as last seen; seen anew where that was none, or another than `version`."""
        if self._present is None or (version is not None and self._present.version != version):
            self.read()
        assert self._present is not None  # noqa: S101 - it was read
        return self._present

    def read_journal(self) -> bytes:
        """Everything appended since the last `clear_journal`, opened if it is sealed."""
        data = self._inner.read_journal()
        is_whole, is_sealed = b"\n" in data, is_sealed_journal(data)  # without a first line it is a torn one
        self._has_plain_journal = is_whole and not is_sealed
        if not is_sealed:
            return data
        if not is_whole:
            return b""
        return b"".join(opened for opened, _ in open_journal(data, self._ring))

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:
        """As the store's own; sealed where the state is, as one frame."""
        seal = self._seal()
        if seal is None:
            self._inner.append_journal(data, after=after, note=note)
            return
        if after == 0:
            header, tip = begin_journal(seal)
            line, behind = add_frame(seal, tip, data)
            self._inner.append_journal(header + line, after=0, note=_NOTE)
        else:
            tip, kept = self._place(after)
            line, behind = add_frame(seal, tip, kept + data)
            self._inner.append_journal(line, after=tip.sealed_bytes, note=_NOTE)
        self._tip = behind

    def _place(self, after: int) -> tuple[Tip, bytes]:
        """The tip that a frame goes behind for plain bytes to go behind `after`, and what it repeats."""
        if self._tip is not None and self._tip.plain_bytes == after:
            return self._tip, b""
        data = self._inner.read_journal()
        if not is_sealed_journal(data):
            raise self._ring.damaged("its journal is not, or was removed or cut")
        place: tuple[Tip, bytes] | None = None
        for opened, tip in open_journal(data, self._ring):
            if place is not None and tip.plain_bytes > after:
                begun, _ = place
                return begun, opened[: after - begun.plain_bytes]
            if tip.sealed_bytes <= len(data):
                place = tip, b""
            elif place is not None:
                place = place[0], opened
        if place is None or place[0].plain_bytes + len(place[1]) != after:
            raise shortened(self.location)
        return place

    def clear_journal(self) -> None:
        """As the store's own."""
        self._inner.clear_journal()
        self._tip, self._has_plain_journal = None, False

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[Tenure]:
        """As the store's own; what was seen without the lock is seen anew."""
        with self._inner.lock(info, timeout_s=timeout_s) as tenure:
            self._present, self._tip = None, None
            yield tenure

    def lock_holder(self) -> LockHolder | None:
        """As the store's own: who holds a lock is not sealed."""
        return self._inner.lock_holder()

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """As the store's own."""
        return self._inner.break_lock(lock_id, breaking=breaking)

    def prove_conditional_writes(self) -> None:
        """As the store's own."""
        self._inner.prove_conditional_writes()
