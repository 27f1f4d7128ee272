"""What a sealed state looks like in its store: envelopes of snapshots and backups, frames of a journal.

An envelope is a JSON object whose format version no build knows that cannot open it; so is a journal's first
line. Each append is one frame: a line in base64. It is bound to its number and to the frame before it, and
the first to the journal's first line, which no other journal has.
"""

import base64
import binascii
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from reconciler.backends.sealing import CIPHER, DERIVATION, NONCE_BYTES, SALT_BYTES, TAG_BYTES, KeyRing, Seal
from reconciler.model.errors import StateTooNew
from reconciler.model.secret_marks import StateKeys

FORMAT_VERSION: Final = 3
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
        "formatVersion": FORMAT_VERSION,
        "cipher": CIPHER,
        "derivation": DERIVATION,
        "kind": kind,
        "keyId": seal.key_id,
        "salt": _spell(seal.salt),
        "nonce": _spell(sealed[:NONCE_BYTES]),
        "ciphertext": _spell(sealed[NONCE_BYTES:]),
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
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise StateTooNew(
            f"{ring.location} is sealed in format version {version}; this reconciler knows {FORMAT_VERSION}",
            hint="Upgrade reconciler to at least the version that wrote it.",
            location=ring.location,
        )
    if version != FORMAT_VERSION or (head.get("cipher"), head.get("derivation")) != (CIPHER, DERIVATION):
        raise ring.damaged("its head is none that this reconciler writes")
    if salt is None or len(salt) != SALT_BYTES or not isinstance(key_id, str) or not key_id.isascii():
        raise ring.damaged("its head has no salt or no key id")
    return ring.for_reading(salt, key_id)


def begin_journal(seal: Seal) -> tuple[bytes, Tip]:
    """The first line of a sealed journal, which no other has, and the tip behind it."""
    document = {
        "number": 0,
        "type": "journal",
        "formatVersion": FORMAT_VERSION,
        "cipher": CIPHER,
        "derivation": DERIVATION,
        "keyId": seal.key_id,
        "salt": _spell(seal.salt),
        "id": os.urandom(SALT_BYTES).hex(),
    }
    text = json.dumps(document, separators=(",", ":")).encode("ascii")
    line = b"%08x %s\n" % (zlib.crc32(text), text)
    chain = hashlib.sha256(line).digest()
    return line, Tip(plain_bytes=0, sealed_bytes=len(line), frames=0, chain=chain)


def is_sealed_journal(data: bytes) -> bool:
    """Whether `data` begins as a sealed journal does; a torn first line counts where it is known for one."""
    head, _, _ = data.partition(b"\n")
    return b'"type":"journal"' in head and b'"cipher":' in head


def add_frame(seal: Seal, tip: Tip, data: bytes) -> tuple[bytes, Tip]:
    """The line that goes behind `tip` for `data`, and the tip behind that."""
    sealed = seal.close(data, bound_to=_frame(tip))
    line = base64.b64encode(sealed) + b"\n"
    return line, _behind(tip, len(data), len(line), sealed)


def open_journal(data: bytes, ring: KeyRing) -> tuple[Seal, Iterator[tuple[bytes, Tip]]]:
    """The seal of a sealed journal, and each of its frames with the tip behind it.

    A torn last frame is left out. The first is empty: it is the tip in front of all frames.
    """
    head, newline, _ = data.partition(b"\n")
    seal = _seal_of(_header(head, ring), ring)
    return seal, _frames(data, head + newline, seal, ring)


def _frames(data: bytes, header: bytes, seal: Seal, ring: KeyRing) -> Iterator[tuple[bytes, Tip]]:
    chain = hashlib.sha256(header).digest()
    tip = Tip(plain_bytes=0, sealed_bytes=len(header), frames=0, chain=chain)
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


def _behind(tip: Tip, plain_bytes: int, sealed_bytes: int, sealed: bytes) -> Tip:
    return Tip(
        plain_bytes=tip.plain_bytes + plain_bytes,
        sealed_bytes=tip.sealed_bytes + sealed_bytes,
        frames=tip.frames + 1,
        chain=sealed[-TAG_BYTES:],
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
