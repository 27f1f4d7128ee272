"""Encryption of snapshots, backups and logs with the state key. Changes to encrypted bytes are detected.

AES-256-GCM with a new nonce for each piece. The key is derived from the state key by scrypt, with a salt for
each state and a label that differs from that of the fingerprints of secrets. Each piece is bound to what it
is (a snapshot, a backup, or frame n of one log after exactly the frames before it), so that pieces cannot
be exchanged.

An encrypted snapshot or backup is a JSON object. Its format version makes older builds refuse it. A log
begins with a header line of the same fields and a random id. Each append is one frame, a line in base64. It
is bound to its number and to the frame before it; the first frame is bound to the header.
"""

import base64
import hashlib
import hmac
import os
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from reconciler.model.errors import PackageMissing, StateDamaged, StateEncrypted, StateTooNew, UsageError
from reconciler.model.secret_fingerprints import (
    OLD_STATE_KEY_VARIABLE,
    SHORTEST_KEY,
    STATE_KEY_VARIABLE,
    StateKeys,
)
from reconciler.model.secrets import Unprintable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16

_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 1024**2}  # about 100 ms, once a process
_LABEL: Final = b"reconciler sealed state 1"
_KEY_ID_CHARACTERS: Final = 8
_CHECKSUM_CHARACTERS: Final = 8
_HEAD_BYTES: Final = 600
_FORMAT_VERSION: Final = 3

DocumentKind: TypeAlias = Literal["snapshot", "backup"]


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
        raise PackageMissing("an encrypted state", error, extra="encryption") from error
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
            )
        return _derive(long_enough(self.keys.present, STATE_KEY_VARIABLE), salt or os.urandom(_SALT_BYTES))

    def for_reading(self, salt: bytes, key_id: str) -> DerivedKey:
        """Return the key with the id `key_id`. Raise StateEncrypted if the user gave another key or none."""
        given = ((STATE_KEY_VARIABLE, self.keys.present), (OLD_STATE_KEY_VARIABLE, self.keys.previous))
        for variable, key in given:
            if key is not None:
                derived = _derive(long_enough(key, variable), salt)
                if hmac.compare_digest(derived.key_id, key_id):
                    return derived
        tried = " and ".join(variable for variable, key in given if key is not None)
        raise StateEncrypted(
            f"{self.location} is encrypted, and "
            + (f"not with what is in {tried}" if tried else f"{STATE_KEY_VARIABLE} is not set"),
            hint=f"Nothing was changed. Set {STATE_KEY_VARIABLE} to the key that it was encrypted with, or, "
            f"while keys are being changed, {OLD_STATE_KEY_VARIABLE}.",
        )

    def damaged(self, what: str) -> StateDamaged:
        """Return the error for content that was changed; `what` continues "LOCATION is encrypted, and"."""
        return StateDamaged(
            f"{self.location} is encrypted, and {what}",
            hint="Nothing was changed. It was damaged, or somebody without the key changed it. Put back "
            "state and log from one moment, or run `reconciler state restore`; do not run `init` instead.",
        )


def long_enough(key: str, variable: str) -> str:
    """Return `key`, the content of `variable`. Raise UsageError if it is too short to be safe."""
    if len(key) < SHORTEST_KEY:
        raise UsageError(
            f"{variable} is too short: it needs at least {SHORTEST_KEY} characters",
            hint="Make one with `openssl rand -hex 32`, and keep it with your secrets: state depends on it.",
        )
    return key


class _Header(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an encrypted document and an encrypted log say of their key. Bytes are spelt in base64."""

    format_version: Literal[3] = 3
    """Versions 1 and 2 are plain states; 2 has marks of a migration."""
    cipher: Literal["AES-256-GCM"] = "AES-256-GCM"
    derivation: Literal["scrypt"] = "scrypt"
    key_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{8}\Z")]
    salt: Annotated[bytes, Meta(min_length=_SALT_BYTES, max_length=_SALT_BYTES)]


class _Document(_Header, frozen=True, kw_only=True, rename="camel"):
    """An encrypted snapshot or backup."""

    kind: DocumentKind
    nonce: bytes
    ciphertext: bytes


class _LogHeader(_Header, frozen=True, kw_only=True, rename="camel"):
    """The first line of an encrypted log; each log has another `id`."""

    number: Literal[0] = 0
    type: Literal["journal"] = "journal"
    id: str


_HeaderT = TypeVar("_HeaderT", bound=_Header)


class LogEnd(Struct, frozen=True, kw_only=True):
    """The end of a log under `key`, after `frames` frames.

    The next frame is bound to `chain`, the authentication tag of the frame before it.
    """

    key: DerivedKey
    frames: int
    chain: bytes


def encrypt_document(key: DerivedKey, kind: DocumentKind, data: bytes) -> bytes:
    """Return a JSON object with `data` encrypted as `kind`."""
    encrypted = key.encrypt(data, bound_to=kind.encode())
    nonce, ciphertext = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
    document = _Document(key_id=key.key_id, salt=key.salt, kind=kind, nonce=nonce, ciphertext=ciphertext)
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def read_document(data: bytes, ring: KeyRing, *kinds: DocumentKind) -> tuple[bytes, DerivedKey | None]:
    """Return the plain bytes of `data`, a document of one of `kinds`, and their key; None if it is plain.

    Raise StateEncrypted without the key, StateTooNew for a newer format, StateDamaged for other problems.
    """
    found = _read_json(data) if b'"ciphertext"' in data[:_HEAD_BYTES] else None
    if not isinstance(found, dict) or "ciphertext" not in found:
        return data, None
    document = _convert(found, _Document, ring)
    key = ring.for_reading(document.salt, document.key_id)
    if document.kind not in kinds:
        raise ring.damaged(f"what stands there is not an encrypted {' or '.join(kinds)}")
    plain = key.decrypt(document.nonce + document.ciphertext, bound_to=document.kind.encode())
    if plain is None:
        raise ring.damaged("it was changed")
    return plain, key


def decrypt_document(data: bytes, *, keys: StateKeys, name: str) -> bytes:
    """Return the plain bytes of the snapshot or backup `data`, which may be plain already.

    `name` names it in errors; they are those of `read_document`.
    """
    return read_document(data, KeyRing(keys=keys, location=name), "snapshot", "backup")[0]


def begin_log(key: DerivedKey) -> tuple[bytes, LogEnd]:
    """Return the header line of a new log, and the log's end after it."""
    header = _LogHeader(key_id=key.key_id, salt=key.salt, id=os.urandom(_SALT_BYTES).hex())
    text = msgspec.json.encode(header)
    line = b"%08x %s\n" % (zlib.crc32(text), text)
    return line, _log_begin(key, line)


def is_encrypted_log(data: bytes) -> bool:
    """Return whether `data` begins as an encrypted log does."""
    head, _, _ = data.partition(b"\n")
    return b'"type":"journal"' in head and b'"cipher":' in head


def encrypt_frame(end: LogEnd, data: bytes) -> tuple[bytes, LogEnd]:
    """Return `data` as the frame to append at `end`, and the log's end after it."""
    encrypted = end.key.encrypt(data, bound_to=_place(end))
    return base64.b64encode(encrypted) + b"\n", _behind(end, encrypted)


def decrypt_log(data: bytes, ring: KeyRing) -> tuple[bytes, LogEnd | None]:
    """Return the plain bytes of a log, and its end; None for one that has not begun.

    A journal of an earlier version can end with a torn frame, which is left out.
    """
    head, newline, rest = data.partition(b"\n")
    if not newline:
        return b"", None
    checksum, text = head[:_CHECKSUM_CHARACTERS], head[_CHECKSUM_CHARACTERS + 1 :]
    if checksum != b"%08x" % zlib.crc32(text):
        raise ring.damaged("line 1 of its log does not match its checksum")
    header = _convert(_read_json(text), _LogHeader, ring)
    key = ring.for_reading(header.salt, header.key_id)
    end, pieces = _log_begin(key, head + newline), []
    *frames, torn = rest.split(b"\n")
    for frame in [*frames, torn] if torn else frames:
        encrypted = _read_base64(frame)
        plain = key.decrypt(encrypted, bound_to=_place(end))
        if plain is None:
            if end.frames == len(frames):
                break
            raise ring.damaged(f"line {end.frames + 2} of its log was changed")
        pieces.append(plain)
        end = _behind(end, encrypted)
    return b"".join(pieces), end


def _convert(found: object, kind: type[_HeaderT], ring: KeyRing) -> _HeaderT:
    version = found.get("formatVersion") if isinstance(found, dict) else None
    if isinstance(version, int) and version > _FORMAT_VERSION:
        raise StateTooNew(
            f"{ring.location} is encrypted in format version {version}; this one reads {_FORMAT_VERSION}",
            hint="Upgrade reconciler to at least the version that wrote it.",
        )
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise ring.damaged("its header is not one that this reconciler writes") from error


def _log_begin(key: DerivedKey, line: bytes) -> LogEnd:
    return LogEnd(key=key, frames=0, chain=hashlib.sha256(line).digest())


def _place(end: LogEnd) -> bytes:
    return b"journal\0%d\0" % end.frames + end.chain


def _behind(end: LogEnd, encrypted: bytes) -> LogEnd:
    return replace(end, frames=end.frames + 1, chain=encrypted[-_TAG_BYTES:])


def _read_json(text: bytes) -> object:
    """Return the JSON value in `text`; None if there is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _read_base64(text: bytes) -> bytes:
    """Return the bytes spelt in `text`; empty if it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
