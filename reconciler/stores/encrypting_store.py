"""A wrapper around any store that encrypts what is written, if the state is encrypted.

The stored bytes themselves show whether a state is encrypted, so a plain state needs no key. An encrypted
state stays encrypted with each write, until `decrypt_next_write` is called.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from reconciler.model.secret_fingerprints import StateKeys
from reconciler.ports import LockHandover, LockInfo, Snapshot, StateStore, Version
from reconciler.stores.encryption import (
    BACKUP,
    SNAPSHOT,
    DerivedKey,
    JournalEnd,
    KeyRing,
    decrypt_journal,
    decrypt_read,
    encrypt_document,
    encrypt_frame,
    is_encrypted_journal,
    new_journal_header,
    read_encrypted,
)
from reconciler.stores.store_errors import shortened

_NOTE: Final = "an encrypted change"
"""The note for stores that keep a history, where the real note would be readable without the key."""


class _Present(Struct, frozen=True, kw_only=True):
    """The snapshot as last read or written.

    `version` is None if there is no snapshot, and `salt` is None if it is plain.
    """

    version: Version | None
    salt: bytes | None


class EncryptingStore:
    """The store `inner` with its content encrypted, if the state is; implements `ports.StateStore`."""

    def __init__(self, inner: StateStore, keys: StateKeys) -> None:
        self.location = inner.location
        self.lock_holder = inner.lock_holder
        self.break_lock = inner.break_lock
        self.prove_conditional_writes = inner.prove_conditional_writes
        self._inner = inner
        self._ring = KeyRing(keys=keys, location=inner.location)
        self._is_changing = False
        self._next_key: DerivedKey | None = None
        self._present: _Present | None = None
        self._end: JournalEnd | None = None
        self._has_plain_journal = False

    def encrypt_next_write(self) -> None:
        """Encrypt from the next write on, with a new salt. Raise StateEncrypted without a key."""
        self._is_changing, self._next_key = True, self._ring.for_writing(None)

    def decrypt_next_write(self) -> None:
        """Write plain bytes from the next write on."""
        self._is_changing, self._next_key = True, None

    def is_encrypted(self) -> bool:
        """Return whether the snapshot is encrypted; False if there is no snapshot."""
        return self._known().salt is not None

    def read(self) -> Snapshot | None:
        """Return the snapshot, decrypted."""
        found = self._inner.read()
        document = None if found is None else read_encrypted(found.data)
        if found is None or document is None:
            self._present = _Present(version=None if found is None else found.version, salt=None)
            return found
        plain, key = decrypt_read(document, self._ring, SNAPSHOT)
        if self._has_plain_journal:
            raise self._ring.damaged("its journal is not")
        self._present = _Present(version=found.version, salt=key.salt)
        return Snapshot(data=plain, version=found.version)

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:
        """Write as `inner` does. Encrypt if that was requested or the present snapshot is encrypted."""
        key = None if replacing is None and not self._is_changing else self._writing_key(replacing)
        if key is None:
            version = self._inner.write(data, replacing=replacing, note=note)
        else:
            encrypted = encrypt_document(key, SNAPSHOT, data)
            version = self._inner.write(encrypted, replacing=replacing, note=_NOTE)
        self._is_changing = False
        self._present = _Present(version=version, salt=None if key is None else key.salt)
        return version

    def back_up(self, data: bytes) -> str:
        """Back up as `inner` does. Encrypt if the next write would be encrypted."""
        key = self._writing_key()
        return self._inner.back_up(data if key is None else encrypt_document(key, BACKUP, data))

    def _writing_key(self, version: Version | None = None) -> DerivedKey | None:
        """Return the key for the next write; None writes plain bytes.

        `version` is the snapshot's present version, if the caller knows it.
        """
        if self._is_changing:
            return self._next_key
        salt = self._known(version).salt
        return None if salt is None else self._ring.for_writing(salt)

    def _known(self, version: Version | None = None) -> _Present:
        """Return the present snapshot, read again if it is not known yet or its version is not `version`."""
        if self._present is None or (version is not None and self._present.version != version):
            self.read()
        assert self._present is not None  # noqa: S101 - it was read
        return self._present

    def read_journal(self) -> bytes:
        """Return everything appended since the last `clear_journal`, decrypted."""
        data = self._inner.read_journal()
        is_whole, is_encrypted = b"\n" in data, is_encrypted_journal(data)  # a torn first line has no newline
        self._has_plain_journal = is_whole and not is_encrypted
        if not is_encrypted:
            return data
        if not is_whole:
            return b""
        return b"".join(plain for plain, _ in decrypt_journal(data, self._ring))

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:
        """Append as `inner` does. Encrypt `data` as one frame if the state is encrypted."""
        key = self._writing_key()
        if key is None:
            self._inner.append_journal(data, after=after, note=note)
            return
        if after == 0:
            header, end = new_journal_header(key)
            line, behind = encrypt_frame(key, end, data)
            self._inner.append_journal(header + line, after=0, note=_NOTE)
        else:
            end, kept = self._place(after)
            line, behind = encrypt_frame(key, end, kept + data)
            self._inner.append_journal(line, after=end.encrypted_bytes, note=_NOTE)
        self._end = behind

    def _place(self, after: int) -> tuple[JournalEnd, bytes]:
        """Return where to write the next frame, so that its data follows the first `after` plain bytes.

        Where `after` lies within a frame, that frame is replaced: also return its first bytes, to write
        again.
        """
        if self._end is not None and self._end.plain_bytes == after:
            return self._end, b""
        data = self._inner.read_journal()
        if not is_encrypted_journal(data):
            raise self._ring.damaged("its journal is not, or was removed or cut")
        place: tuple[JournalEnd, bytes] | None = None
        for plain, end in decrypt_journal(data, self._ring):
            if place is not None and end.plain_bytes > after:
                begun, _ = place
                return begun, plain[: after - begun.plain_bytes]
            if end.encrypted_bytes <= len(data):
                place = end, b""
            elif place is not None:
                place = place[0], plain
        if place is None or place[0].plain_bytes + len(place[1]) != after:
            raise shortened(self.location)
        return place

    def clear_journal(self) -> None:
        """Clear the journal of `inner`."""
        self._inner.clear_journal()
        self._end, self._has_plain_journal = None, False

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[LockHandover]:
        """Hold the lock of `inner`. What was read before is read again, as it may have changed."""
        with self._inner.lock(info, timeout_s=timeout_s) as handover:
            self._present, self._end = None, None
            yield handover
