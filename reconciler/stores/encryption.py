"""Encryption of snapshots, backups and journals with the state key. Changes to encrypted bytes are detected.

AES-256-GCM with a new nonce for each piece. The key is derived from the state key by scrypt, with a salt for
each state and a label that differs from that of the fingerprints of secrets. Each piece is bound to what it
is (a snapshot, a backup, or frame n of one journal after exactly the frames before it), so that pieces cannot
be exchanged.

An encrypted snapshot or backup is a JSON object. Its format version makes older builds refuse it. A journal
begins with a header line of the same fields and a random id. Each append is one frame, a line in base64. It
is bound to its number and to the frame before it; the first frame is bound to the header.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.model.errors import StateDamaged, StateEncrypted, StateTooNew, UsageError
from reconciler.model.secret_fingerprints import (
    OLD_STATE_KEY_VARIABLE,
    SHORTEST_KEY,
    STATE_KEY_VARIABLE,
    StateKeys,
)
from reconciler.model.secrets import Unprintable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_CIPHER: Final = "AES-256-GCM"
_DERIVATION: Final = "scrypt"
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16

_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 1024**2}  # about 100 ms, once a process
_LABEL: Final = b"reconciler sealed state 1"
_KEY_ID_CHARACTERS: Final = 8


class DerivedKey(Unprintable, frozen=True):
    """A key derived from the state key and `salt`."""

    salt: bytes
    _key: bytes

    @property
    def key_id(self) -> str:
        """Eight hexadecimal digits that identify the key without revealing it."""
        return hmac.digest(self._key, b"key id", "sha256").hex()[:_KEY_ID_CHARACTERS]

    def encrypt(self, data: bytes, *, bound_to: bytes) -> bytes:
        """Return nonce, ciphertext and tag. They can be decrypted only with the same `bound_to`."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + _cipher(self._key).encrypt(nonce, data, _LABEL + b"\0" + bound_to)

    def decrypt(self, encrypted: bytes, *, bound_to: bytes) -> bytes | None:
        """Return the plain bytes; None if `encrypted` was changed or is bound to something else."""
        cipher = _cipher(self._key)  # reports a missing library
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - needed for encrypted states only

        if len(encrypted) < _NONCE_BYTES + _TAG_BYTES:
            return None
        nonce, rest = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, rest, _LABEL + b"\0" + bound_to)
        except InvalidTag:
            return None


def _cipher(key: bytes) -> "AESGCM":
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above
    except ImportError as error:
        raise UsageError(
            "an encrypted state needs the package cryptography, which is not installed",
            hint="Install it: pip install 'reconciler[encryption]'.",
        ) from error
    return AESGCM(key)


@lru_cache(maxsize=16)
def _derive(secret: str, salt: bytes) -> DerivedKey:
    stretched = hashlib.scrypt(
        secret.encode("utf-8", "surrogateescape"), salt=_LABEL + b"\0" + salt, dklen=32, **_SCRYPT
    )
    return DerivedKey(salt, hmac.digest(stretched, b"encryption", "sha256"))


class KeyRing(Struct, frozen=True, kw_only=True):
    """The state keys of the user, for the state at `location`."""

    keys: StateKeys
    location: str

    def for_writing(self, salt: bytes | None) -> DerivedKey:
        """Return the present key, derived with `salt` or a new salt. Raise StateEncrypted without a key."""
        if self.keys.present is None:
            raise StateEncrypted(
                f"to write {self.location} encrypted, {STATE_KEY_VARIABLE} is needed, and it is not set",
                hint=f"Nothing was changed. Set {STATE_KEY_VARIABLE}, to at least {SHORTEST_KEY} characters.",
                location=self.location,
            )
        return _derive(_long_enough(self.keys.present, STATE_KEY_VARIABLE), salt or os.urandom(_SALT_BYTES))

    def for_reading(self, salt: bytes, key_id: str) -> DerivedKey:
        """Return the key with the id `key_id`. Raise StateEncrypted if the user gave another key or none."""
        given = ((STATE_KEY_VARIABLE, self.keys.present), (OLD_STATE_KEY_VARIABLE, self.keys.previous))
        for variable, key in given:
            if key is not None:
                derived = _derive(_long_enough(key, variable), salt)
                if hmac.compare_digest(derived.key_id, key_id):
                    return derived
        tried = " and ".join(variable for variable, key in given if key is not None)
        raise StateEncrypted(
            f"{self.location} is encrypted, and "
            + (f"not with what is in {tried}" if tried else f"{STATE_KEY_VARIABLE} is not set"),
            hint=f"Nothing was changed. Set {STATE_KEY_VARIABLE} to the key that it was encrypted with, or, "
            f"while keys are being changed, {OLD_STATE_KEY_VARIABLE}.",
            location=self.location,
        )

    def damaged(self, what: str) -> StateDamaged:
        """Return the error for content that was changed; `what` continues "LOCATION is encrypted, and"."""
        return StateDamaged(
            f"{self.location} is encrypted, and {what}",
            hint="Nothing was changed. It was damaged, or somebody without the key changed it. Restore state "
            "and journal from one moment; do not run `init` instead.",
            location=self.location,
        )


def _long_enough(key: str, variable: str) -> str:
    if len(key) < SHORTEST_KEY:
        raise UsageError(
            f"{variable} is too short: it needs at least {SHORTEST_KEY} characters",
            hint="Make one with `openssl rand -hex 32`, and keep it with your secrets.",
        )
    return key


_FORMAT_VERSION: Final = 3
"""Versions 1 and 2 are plain states; 2 has marks of a migration."""
SNAPSHOT: Final = "snapshot"
BACKUP: Final = "backup"

_HEAD_BYTES: Final = 600
_CHECKSUM_CHARACTERS: Final = 8


class JournalEnd(Struct, frozen=True, kw_only=True):
    """The end of a journal after `frames` frames, as an offset in its plain and in its encrypted bytes.

    The next frame is bound to `chain`, the authentication tag of the frame before it.
    """

    plain_bytes: int
    encrypted_bytes: int
    frames: int
    chain: bytes


def read_encrypted(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object of an encrypted snapshot or backup; None if `data` is plain."""
    if b'"ciphertext"' not in data[:_HEAD_BYTES]:
        return None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "ciphertext" in found else None


def encrypt_document(key: DerivedKey, kind: str, data: bytes) -> bytes:
    """Return the JSON object with `data` encrypted as `kind`, SNAPSHOT or BACKUP."""
    encrypted = key.encrypt(data, bound_to=kind.encode())
    document = {
        "formatVersion": _FORMAT_VERSION,
        "cipher": _CIPHER,
        "derivation": _DERIVATION,
        "kind": kind,
        "keyId": key.key_id,
        "salt": _spell(key.salt),
        "nonce": _spell(encrypted[:_NONCE_BYTES]),
        "ciphertext": _spell(encrypted[_NONCE_BYTES:]),
    }
    return f"{json.dumps(document, indent=2)}\n".encode("ascii")


def decrypt_read(document: dict[str, Any], ring: KeyRing, *kinds: str) -> tuple[bytes, DerivedKey]:
    """Return the plain bytes in `document`, and their key. Its kind must be one of `kinds`.

    Raise StateEncrypted without the key, StateTooNew for a newer format, StateDamaged for other problems.
    """
    key = _key_of(document, ring)
    kind, nonce, ciphertext = document.get("kind"), _read(document, "nonce"), _read(document, "ciphertext")
    if kind not in kinds or nonce is None or ciphertext is None:
        raise ring.damaged(f"what stands there is not an encrypted {' or '.join(kinds)}")
    plain = key.decrypt(nonce + ciphertext, bound_to=str(kind).encode())
    if plain is None:
        raise ring.damaged("it was changed")
    return plain, key


def decrypt_document(data: bytes, *, keys: StateKeys, name: str) -> bytes:
    """Return the plain bytes of the snapshot or backup `data`, which may be plain already.

    `name` names it in errors; they are those of `decrypt_read`.
    """
    document = read_encrypted(data)
    if document is None:
        return data
    return decrypt_read(document, KeyRing(keys=keys, location=name), SNAPSHOT, BACKUP)[0]


def _key_of(head: dict[str, Any], ring: KeyRing) -> DerivedKey:
    version, salt, key_id = head.get("formatVersion"), _read(head, "salt"), head.get("keyId")
    if isinstance(version, int) and version > _FORMAT_VERSION:
        raise StateTooNew(
            f"{ring.location} is encrypted in format version {version}; this one reads {_FORMAT_VERSION}",
            hint="Upgrade reconciler to at least the version that wrote it.",
            location=ring.location,
        )
    if version != _FORMAT_VERSION or (head.get("cipher"), head.get("derivation")) != (_CIPHER, _DERIVATION):
        raise ring.damaged("its header is not one that this reconciler writes")
    if salt is None or len(salt) != _SALT_BYTES or not isinstance(key_id, str) or not key_id.isascii():
        raise ring.damaged("its header has no salt or no key id")
    return ring.for_reading(salt, key_id)


def new_journal_header(key: DerivedKey) -> tuple[bytes, JournalEnd]:
    """Return a new header line for an encrypted journal, and the journal's end after it."""
    document = {
        "number": 0,
        "type": "journal",
        "formatVersion": _FORMAT_VERSION,
        "cipher": _CIPHER,
        "derivation": _DERIVATION,
        "keyId": key.key_id,
        "salt": _spell(key.salt),
        "id": os.urandom(_SALT_BYTES).hex(),
    }
    text = json.dumps(document, separators=(",", ":")).encode("ascii")
    line = b"%08x %s\n" % (zlib.crc32(text), text)
    return line, _header_end(line)


def is_encrypted_journal(data: bytes) -> bool:
    """Return whether `data` begins as an encrypted journal does. A torn first line may already show it."""
    head, _, _ = data.partition(b"\n")
    return b'"type":"journal"' in head and b'"cipher":' in head


def encrypt_frame(key: DerivedKey, end: JournalEnd, data: bytes) -> tuple[bytes, JournalEnd]:
    """Return `data` as the frame to append at `end`, and the journal's end after it."""
    encrypted = key.encrypt(data, bound_to=_frame(end))
    line = base64.b64encode(encrypted) + b"\n"
    return line, _behind(end, len(data), len(line), encrypted)


def decrypt_journal(data: bytes, ring: KeyRing) -> Iterator[tuple[bytes, JournalEnd]]:
    """Give the plain bytes of each frame, and the journal's end after it.

    The first pair has no bytes: its end is that of the header. A torn last frame is left out.
    """
    head, newline, _ = data.partition(b"\n")
    key = _key_of(_header(head, ring), ring)
    end = _header_end(head + newline)
    yield b"", end
    while end.encrypted_bytes < len(data):
        newline_at = data.find(b"\n", end.encrypted_bytes)
        line = data[end.encrypted_bytes : newline_at + 1 or len(data)]
        encrypted = _decode(line.rstrip(b"\n"))
        plain = None if encrypted is None else key.decrypt(encrypted, bound_to=_frame(end))
        if encrypted is None or plain is None:
            if newline_at < 0:
                return
            raise ring.damaged(f"line {end.frames + 2} of its journal was changed")
        if newline_at < 0:  # only its newline is missing: the next append writes this frame again
            yield plain, _behind(end, len(plain), len(line) + 1, encrypted)
            return
        end = _behind(end, len(plain), len(line), encrypted)
        yield plain, end


def _header(line: bytes, ring: KeyRing) -> dict[str, Any]:
    checksum, text = line[:_CHECKSUM_CHARACTERS], line[_CHECKSUM_CHARACTERS + 1 :]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if checksum != b"%08x" % zlib.crc32(text) or not isinstance(found, dict):
        raise ring.damaged("line 1 of its journal does not match its checksum")
    return found


def _frame(end: JournalEnd) -> bytes:
    return b"journal\0%d\0" % end.frames + end.chain


def _header_end(header: bytes) -> JournalEnd:
    return JournalEnd(
        plain_bytes=0, encrypted_bytes=len(header), frames=0, chain=hashlib.sha256(header).digest()
    )


def _behind(end: JournalEnd, plain_bytes: int, encrypted_bytes: int, encrypted: bytes) -> JournalEnd:
    return JournalEnd(
        plain_bytes=end.plain_bytes + plain_bytes,
        encrypted_bytes=end.encrypted_bytes + encrypted_bytes,
        frames=end.frames + 1,
        chain=encrypted[-_TAG_BYTES:],
    )


def _spell(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _read(document: dict[str, Any], key: str) -> bytes | None:
    value = document.get(key)
    return _decode(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else None


def _decode(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
