"""Seals: what makes bytes unreadable, and a change of them noticed, without the state key.

AES-256-GCM with a fresh nonce for each piece. Its key is derived from the state key by scrypt with a salt of
the state's own, under another label than the key of the marks of secrets. What a piece is (a snapshot, a
backup, the n-th frame of one journal behind exactly the frames before it) is bound to it, so that pieces
cannot change places.

A snapshot or a backup is an envelope: a JSON object whose format version no build knows that cannot open it.
So is a journal's first line. Each append is one frame: a line in base64. It is bound to its number and to the
frame before it, and the first to the journal's first line, which no other journal has.
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

from reconciler.model.errors import StateDamaged, StateSealed, StateTooNew, UsageError
from reconciler.model.secret_marks import OLD_STATE_KEY_VARIABLE, SHORTEST_KEY, STATE_KEY_VARIABLE, StateKeys
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


class Seal(Unprintable, frozen=True):
    """One derived key, with the salt that it was derived with."""

    salt: bytes
    _key: bytes

    @property
    def key_id(self) -> str:
        """Eight hexadecimal digits that another key would hardly have."""
        return hmac.digest(self._key, b"key id", "sha256").hex()[:_KEY_ID_CHARACTERS]

    def close(self, data: bytes, *, bound_to: bytes) -> bytes:
        """`data` sealed: nonce, ciphertext and tag. It opens only as what it is `bound_to`."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + _cipher(self._key).encrypt(nonce, data, _LABEL + b"\0" + bound_to)

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes | None:
        """What was sealed; None where it was changed, or sealed as something else."""
        cipher = _cipher(self._key)  # says it where the library is missing
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - needed for encrypted states only

        if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
            return None
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
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
def _derive(secret: str, salt: bytes) -> Seal:
    stretched = hashlib.scrypt(
        secret.encode("utf-8", "surrogateescape"), salt=_LABEL + b"\0" + salt, dklen=32, **_SCRYPT
    )
    return Seal(salt, hmac.digest(stretched, b"encryption", "sha256"))


class KeyRing(Struct, frozen=True, kw_only=True):
    """The keys for the state at `location`."""

    keys: StateKeys
    location: str

    def for_writing(self, salt: bytes | None) -> Seal:
        """The present key's seal, with `salt` or (None) a fresh one. Raises StateSealed without a key."""
        if self.keys.present is None:
            raise StateSealed(
                f"to write {self.location} encrypted, {STATE_KEY_VARIABLE} is needed, and it is not set",
                hint=f"Nothing was changed. Set {STATE_KEY_VARIABLE}, to at least {SHORTEST_KEY} characters.",
                location=self.location,
            )
        return _derive(_long_enough(self.keys.present, STATE_KEY_VARIABLE), salt or os.urandom(_SALT_BYTES))

    def for_reading(self, salt: bytes, key_id: str) -> Seal:
        """The seal that made what is to be read. Raises StateSealed where no key is the one that did."""
        given = ((STATE_KEY_VARIABLE, self.keys.present), (OLD_STATE_KEY_VARIABLE, self.keys.previous))
        for variable, key in given:
            if key is not None:
                seal = _derive(_long_enough(key, variable), salt)
                if hmac.compare_digest(seal.key_id, key_id):
                    return seal
        tried = " and ".join(variable for variable, key in given if key is not None)
        raise StateSealed(
            f"{self.location} is encrypted, and "
            + (f"not with what is in {tried}" if tried else f"{STATE_KEY_VARIABLE} is not set"),
            hint=f"Nothing was changed. Set {STATE_KEY_VARIABLE} to the key that it was encrypted with, or, "
            f"while keys are being changed, {OLD_STATE_KEY_VARIABLE}.",
            location=self.location,
        )

    def damaged(self, what: str) -> StateDamaged:
        """What is read is not what was sealed."""
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
            hint="Draw one with `openssl rand -hex 32`, and keep it with your secrets.",
        )
    return key


_FORMAT_VERSION: Final = 3
"""1 is a plain state, 2 one that is marked as moving or moved."""
SNAPSHOT: Final = "snapshot"
BACKUP: Final = "backup"

_HEAD_BYTES: Final = 600
_CHECKSUM_CHARACTERS: Final = 8


class Tip(Struct, frozen=True, kw_only=True):
    """The end of a journal: where it is in plain and in sealed bytes, and what the next frame is bound to."""

    plain_bytes: int
    sealed_bytes: int
    frames: int
    chain: bytes


def read_envelope(data: bytes) -> dict[str, Any] | None:
    """The envelope in `data`; None where it is none."""
    if b'"ciphertext"' not in data[:_HEAD_BYTES]:
        return None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "ciphertext" in found else None


def close_envelope(seal: Seal, kind: str, data: bytes) -> bytes:
    """`data` sealed as a `kind`."""
    sealed = seal.close(data, bound_to=kind.encode())
    document = {
        "formatVersion": _FORMAT_VERSION,
        "cipher": _CIPHER,
        "derivation": _DERIVATION,
        "kind": kind,
        "keyId": seal.key_id,
        "salt": _spell(seal.salt),
        "nonce": _spell(sealed[:_NONCE_BYTES]),
        "ciphertext": _spell(sealed[_NONCE_BYTES:]),
    }
    return f"{json.dumps(document, indent=2)}\n".encode("ascii")


def open_envelope(envelope: dict[str, Any], ring: KeyRing, *kinds: str) -> tuple[bytes, Seal]:
    """What is in `envelope`, which is to be one of `kinds`, and the seal that made it.

    Raises StateSealed without the key, StateTooNew for a later format and StateDamaged for anything else.
    """
    seal = _seal_of(envelope, ring)
    kind, nonce, ciphertext = envelope.get("kind"), _read(envelope, "nonce"), _read(envelope, "ciphertext")
    if kind not in kinds or nonce is None or ciphertext is None:
        raise ring.damaged(f"what stands there is no sealed {' or '.join(kinds)}")
    opened = seal.open(nonce + ciphertext, bound_to=str(kind).encode())
    if opened is None:
        raise ring.damaged("it is not what was sealed")
    return opened, seal


def open_document(data: bytes, *, keys: StateKeys, name: str) -> bytes:
    """What is in an envelope around a snapshot or a backup; `data` itself where it is none.

    `name` names it in errors, which are those of `open_envelope`.
    """
    envelope = read_envelope(data)
    if envelope is None:
        return data
    return open_envelope(envelope, KeyRing(keys=keys, location=name), SNAPSHOT, BACKUP)[0]


def _seal_of(head: dict[str, Any], ring: KeyRing) -> Seal:
    version, salt, key_id = head.get("formatVersion"), _read(head, "salt"), head.get("keyId")
    if isinstance(version, int) and version > _FORMAT_VERSION:
        raise StateTooNew(
            f"{ring.location} is sealed in format version {version}; this reconciler knows {_FORMAT_VERSION}",
            hint="Upgrade reconciler to at least the version that wrote it.",
            location=ring.location,
        )
    if version != _FORMAT_VERSION or (head.get("cipher"), head.get("derivation")) != (_CIPHER, _DERIVATION):
        raise ring.damaged("its head is none that this reconciler writes")
    if salt is None or len(salt) != _SALT_BYTES or not isinstance(key_id, str) or not key_id.isascii():
        raise ring.damaged("its head has no salt or no key id")
    return ring.for_reading(salt, key_id)


def begin_journal(seal: Seal) -> tuple[bytes, Tip]:
    """The first line of a sealed journal, which no other has, and the tip behind it."""
    document = {
        "number": 0,
        "type": "journal",
        "formatVersion": _FORMAT_VERSION,
        "cipher": _CIPHER,
        "derivation": _DERIVATION,
        "keyId": seal.key_id,
        "salt": _spell(seal.salt),
        "id": os.urandom(_SALT_BYTES).hex(),
    }
    text = json.dumps(document, separators=(",", ":")).encode("ascii")
    line = b"%08x %s\n" % (zlib.crc32(text), text)
    return line, _first_tip(line)


def is_sealed_journal(data: bytes) -> bool:
    """Whether `data` begins as a sealed journal does; a torn first line counts where it is known for one."""
    head, _, _ = data.partition(b"\n")
    return b'"type":"journal"' in head and b'"cipher":' in head


def add_frame(seal: Seal, tip: Tip, data: bytes) -> tuple[bytes, Tip]:
    """The line that goes behind `tip` for `data`, and the tip behind that."""
    sealed = seal.close(data, bound_to=_frame(tip))
    line = base64.b64encode(sealed) + b"\n"
    return line, _behind(tip, len(data), len(line), sealed)


def open_journal(data: bytes, ring: KeyRing) -> Iterator[tuple[bytes, Tip]]:
    """Each frame of a sealed journal with the tip behind it.

    A torn last frame is left out. The first is empty: it is the tip in front of all frames.
    """
    head, newline, _ = data.partition(b"\n")
    seal = _seal_of(_header(head, ring), ring)
    tip = _first_tip(head + newline)
    yield b"", tip
    while tip.sealed_bytes < len(data):
        end = data.find(b"\n", tip.sealed_bytes)
        line = data[tip.sealed_bytes : end + 1 or len(data)]
        sealed = _decode(line.rstrip(b"\n"))
        opened = None if sealed is None else seal.open(sealed, bound_to=_frame(tip))
        if sealed is None or opened is None:
            if end < 0:
                return
            raise ring.damaged(f"line {tip.frames + 2} of its journal is not what was sealed there")
        if end < 0:  # whole but for its newline: the next append writes it anew
            yield opened, _behind(tip, len(opened), len(line) + 1, sealed)
            return
        tip = _behind(tip, len(opened), len(line), sealed)
        yield opened, tip


def _header(line: bytes, ring: KeyRing) -> dict[str, Any]:
    checksum, text = line[:_CHECKSUM_CHARACTERS], line[_CHECKSUM_CHARACTERS + 1 :]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if checksum != b"%08x" % zlib.crc32(text) or not isinstance(found, dict):
        raise ring.damaged("line 1 of its journal does not match its checksum")
    return found


def _frame(tip: Tip) -> bytes:
    return b"journal\0%d\0" % tip.frames + tip.chain


def _first_tip(header: bytes) -> Tip:
    return Tip(plain_bytes=0, sealed_bytes=len(header), frames=0, chain=hashlib.sha256(header).digest())


def _behind(tip: Tip, plain_bytes: int, sealed_bytes: int, sealed: bytes) -> Tip:
    return Tip(
        plain_bytes=tip.plain_bytes + plain_bytes,
        sealed_bytes=tip.sealed_bytes + sealed_bytes,
        frames=tip.frames + 1,
        chain=sealed[-_TAG_BYTES:],
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
