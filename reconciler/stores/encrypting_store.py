"""A wrapper around any store that encrypts what is written, if the state is encrypted.

The stored bytes themselves show whether a state is encrypted, so a plain state needs no key. An encrypted
state stays encrypted with each write, until `decrypt_next_write` is called.
"""

from typing import Final

from msgspec import Struct

from reconciler.model.errors import StateDamaged
from reconciler.model.secret_fingerprints import StateKeys
from reconciler.ports import Head, Store, Stored
from reconciler.stores.encryption import (
    DerivedKey,
    KeyRing,
    LogEnd,
    begin_log,
    decrypt_document,
    decrypt_log,
    encrypt_document,
    encrypt_frame,
    is_encrypted_log,
    read_document,
)
from reconciler.stores.store_errors import conflict
from reconciler.stores.wrappers import StoreWrapper

_NOTE: Final = "an encrypted change"
"""The note for stores that keep a history, where the real note would be readable without the key."""


class _Seen(Struct, frozen=True, kw_only=True):
    """What the store holds at `head`.

    `salt` is that of the snapshot, None if it is plain. `end` is None if the log is plain or empty.
    """

    head: Head
    salt: bytes | None
    end: LogEnd | None


class EncryptingStore(StoreWrapper):
    """The store `inner` with its content encrypted, if the state is. Heads are those of `inner`."""

    def __init__(self, inner: Store, keys: StateKeys) -> None:
        super().__init__(inner)
        self._keys = keys
        self._ring = KeyRing(keys=keys, location=inner.location)
        self._is_changing = False
        self._next_key: DerivedKey | None = None
        self._seen: _Seen | None = None

    def encrypt_next_write(self) -> None:
        """Encrypt from the next `replace` on, with a new salt. Raise StateEncrypted without a key."""
        self._is_changing, self._next_key = True, self._ring.for_writing(None)

    def decrypt_next_write(self) -> None:
        """Write plain bytes from the next `replace` on."""
        self._is_changing, self._next_key = True, None

    def is_encrypted(self) -> bool:
        """Return whether the state is encrypted; False for an empty store."""
        return self._present_salt() is not None

    def load(self) -> Stored | None:
        """Return what `inner` holds, decrypted. Raise StateDamaged if only one of its parts is encrypted.

        If the snapshot is gone or damaged, the error has the decrypted log, and the next `replace` encrypts
        if the state was encrypted.
        """
        self._seen = None
        try:
            found = self._inner.load()
        except StateDamaged as error:
            if error.log is not None and is_encrypted_log(error.log):
                error.log, _ = decrypt_log(error.log, self._ring)
                self.encrypt_next_write()
            if error.head is not None:
                self._seen = _Seen(head=Head(error.head), salt=None, end=None)
            raise
        if found is None:
            return None
        try:
            snapshot, key = read_document(found.snapshot, self._ring, "snapshot")
        except StateDamaged as error:
            log, _ = decrypt_log(found.log, self._ring)
            error.log, error.head = log, found.head
            self.encrypt_next_write()
            raise
        is_begun = b"\n" in found.log  # a journal of an earlier version can end within its first line
        if is_begun and is_encrypted_log(found.log) is not (key is not None):
            raise self._ring.damaged("its snapshot is not" if key is None else "its log is not")
        log, end = (found.log, None) if key is None else decrypt_log(found.log, self._ring)
        self._seen = _Seen(head=found.head, salt=None if key is None else key.salt, end=end)
        return Stored(snapshot=snapshot, log=log, head=found.head)

    def append(self, records: bytes, *, at: Head, note: str = "") -> Head:
        """Append as `inner` does. Encrypt `records` as one frame if the state is encrypted."""
        seen = self._at(at)
        if seen.salt is None:
            end, head = None, self._inner.append(records, at=at, note=note)
        else:
            lines, end = b"", seen.end
            if end is None:
                lines, end = begin_log(self._ring.for_writing(seen.salt))
            frame, end = encrypt_frame(end, records)
            head = self._inner.append(lines + frame, at=at, note=_NOTE)
        self._seen = _Seen(head=head, salt=seen.salt, end=end)
        return head

    def replace(self, snapshot: bytes, log: bytes, *, at: Head | None, note: str = "") -> Head:
        """Replace as `inner` does. Encrypt if that was requested, or if the state at `at` is encrypted."""
        key = self._writing_key(None if at is None or self._is_changing else self._at(at).salt)
        end: LogEnd | None = None
        if key is not None:
            snapshot, note = encrypt_document(key, "snapshot", snapshot), _NOTE
            if log:
                header, end = begin_log(key)
                frame, end = encrypt_frame(end, log)
                log = header + frame
        head = self._inner.replace(snapshot, log, at=at, note=note)
        self._is_changing = False
        self._seen = _Seen(head=head, salt=None if key is None else key.salt, end=end)
        return head

    def keep_backup(self, snapshot: bytes) -> str | None:
        """Keep `snapshot` as `inner` does. Encrypt it if the next `replace` would be encrypted."""
        key = self._writing_key(self._present_salt())
        return super().keep_backup(snapshot if key is None else encrypt_document(key, "backup", snapshot))

    def backup(self) -> bytes | None:
        """Return the last backup, decrypted if it is encrypted."""
        return self._plain(super().backup())

    def earlier(self, version: str) -> bytes | None:
        """Return the snapshot of an earlier `version`, decrypted if it is encrypted."""
        return self._plain(super().earlier(version))

    def _plain(self, copy: bytes | None) -> bytes | None:
        name = f"the copy of {self.location}"
        return None if copy is None else decrypt_document(copy, keys=self._keys, name=name)

    def _at(self, head: Head) -> _Seen:
        """Return what the store holds at `head`. Raise StateConflict if it has another head by now."""
        if self._seen is None or self._seen.head != head:
            self.load()
        if self._seen is None or self._seen.head != head:
            raise conflict(self.location)
        return self._seen

    def _present_salt(self) -> bytes | None:
        if self._seen is None:
            self.load()
        return None if self._seen is None else self._seen.salt

    def _writing_key(self, salt: bytes | None) -> DerivedKey | None:
        """Return the key for the next `replace` of a snapshot with `salt`; None to write plain bytes."""
        if self._is_changing:
            return self._next_key
        return None if salt is None else self._ring.for_writing(salt)
