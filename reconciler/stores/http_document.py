"""The JSON document that a server for Terraform's HTTP protocol stores: snapshot, journal and backup.

`serial` rises with every update: GitLab keeps each version and takes the highest serial for the latest one.
`lineage` is an id of the document that never changes. A snapshot in JSON is stored as JSON, for people to
read; `style` says how to restore its exact bytes. While there is a journal, every batch sends the whole
document, so a large snapshot is compressed then, and so is a long journal, except for its last part.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from reconciler.model.errors import StateDamaged, StateError, StateTooNew, StateUnavailable

_FORMAT: Final = 1
_FORMAT_KEY: Final = "reconcilerState"
_LARGE_BYTES: Final = 64 * 1024
_LARGEST_BYTES: Final = 1024**3
_GZIP: Final = 16 + zlib.MAX_WBITS


class StateDocument(Struct, frozen=True, kw_only=True):
    """What a server stores; `backup` is as `pack` returns it.

    If it stores nothing, all fields are defaults.
    """

    serial: int = 0
    lineage: str = ""
    snapshot: bytes | None = None
    journal: bytes = b""
    backup: str | None = None


def pack(data: bytes) -> str:
    """Return `data` compressed, in base64."""
    return base64.b64encode(gzip.compress(data, mtime=0)).decode("ascii")


def encode_document(document: StateDocument) -> bytes:
    """Return the bytes to store. Their first lines show people what they are."""
    parts = {
        _FORMAT_KEY: b"%d" % _FORMAT,
        "serial": b"%d" % document.serial,
        "lineage": _text_of(document.lineage),
        "journal": _journal(document.journal),
        "backup": b"null" if document.backup is None else b'{"gzip": %s}' % _text_of(document.backup),
        "snapshot": _snapshot(document),
    }
    return b"{\n%s\n}\n" % b",\n".join(b'"%s": %s' % (name.encode(), text) for name, text in parts.items())


def decode_document(data: bytes, *, location: str) -> StateDocument:
    """Return the document in `data`. Raise StateError for other content, which must not be overwritten."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StateUnavailable(
            f"the document at {location} is not JSON, or was cut off in transit: {error}",
            hint="Nothing was changed. Check the address, and the proxies before the server.",
            location=location,
        ) from error
    if not isinstance(found, dict) or _FORMAT_KEY not in found:
        raise _foreign(found, location)
    version = found[_FORMAT_KEY]
    if isinstance(version, int) and version > _FORMAT:
        raise StateTooNew(
            f"{location} was written by a newer version of reconciler",
            hint="Nothing was changed. Install a version as new as the one that wrote it.",
            location=location,
        )
    try:
        return _decode(found)
    except (KeyError, ValueError, RecursionError) as error:
        raise StateDamaged(
            f"the document at {location} is damaged: {error}",
            hint="Nothing was changed. Put back an earlier version of it, if the server keeps them.",
            location=location,
        ) from error


def _foreign(found: object, location: str) -> StateError:
    is_terraform = isinstance(found, dict) and "terraform_version" in found
    return StateUnavailable(
        f"{location} holds {'a state of Terraform' if is_terraform else 'something other than a state'}",
        hint="Nothing was changed. Choose another address: a state needs an address of its own.",
        location=location,
    )


def _decode(found: Mapping[str, Any]) -> StateDocument:
    serial, lineage = found["serial"], found["lineage"]
    if found[_FORMAT_KEY] != _FORMAT or type(serial) is not int or not _is_ascii(lineage):
        raise ValueError("invalid format, serial or lineage")
    return StateDocument(
        serial=serial,
        lineage=lineage,
        snapshot=None if found["snapshot"] is None else _bytes_of(found["snapshot"]),
        journal=_journal_in(found["journal"]),
        backup=None if found["backup"] is None else _packed(found["backup"]),
    )


def _is_ascii(part: object) -> bool:
    return isinstance(part, str) and part.isascii()


def _journal_in(part: object) -> bytes:
    match part:
        case {"blocks": list(blocks), "tail": tail}:
            return b"".join((*map(_bytes_of, blocks), _bytes_of(tail)))
    return _bytes_of(part)


def _bytes_of(part: object) -> bytes:
    match part:
        case str():
            return part.encode()
        case {"json": value, "style": "indented"}:
            return _indented(value)
        case {"base64": str(text)}:
            return base64.b64decode(text, validate=True)
        case {"gzip": str(text)}:
            return _unpacked(text)
    raise ValueError("a part of it has an unknown form")


def _unpacked(text: str) -> bytes:
    """Return the bytes that `pack` compressed, up to the largest size of a state."""
    inflating = zlib.decompressobj(_GZIP)
    try:
        data = inflating.decompress(base64.b64decode(text, validate=True), _LARGEST_BYTES)
    except zlib.error as error:
        raise ValueError("a part of it is not valid gzip") from error
    if not inflating.eof:
        raise ValueError("a compressed part of it is cut off, or too large")
    return data


def _packed(part: object) -> str:
    match part:
        case {"gzip": str(text)} if text.isascii():
            return text
    raise ValueError("its backup has an unknown form")


def _snapshot(document: StateDocument) -> bytes:
    if document.snapshot is None:
        return b"null"
    is_at_work = document.journal and len(document.snapshot) > _LARGE_BYTES
    return _compressed(document.snapshot) if is_at_work else _readable(document.snapshot)


def _journal(data: bytes) -> bytes:
    """Return `data` in compressed blocks, which stay the same when more is appended, and a plain tail."""
    end = len(data) - len(data) % _LARGE_BYTES
    if not end:
        return _plain(data)
    blocks = (data[start : start + _LARGE_BYTES] for start in range(0, end, _LARGE_BYTES))
    return b'{"blocks": [%s], "tail": %s}' % (b", ".join(map(_compressed, blocks)), _plain(data[end:]))


@lru_cache(maxsize=256)  # successive batches encode the same parts
def _compressed(data: bytes) -> bytes:
    return b'{"gzip": "%s"}' % pack(data).encode("ascii")


@lru_cache(maxsize=1)
def _readable(data: bytes) -> bytes:
    """Return `data` as JSON if that restores its exact bytes, else as text, else in base64."""
    try:
        if _indented(json.loads(data.decode(), parse_constant=_refuse_constant)) == data:
            return b'{"style": "indented", "json": %s}' % data.rstrip()
    except (ValueError, RecursionError):
        pass
    return _plain(data)


def _indented(value: Any) -> bytes:
    """Return `value` in the style in which states are written."""
    return f"{json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)}\n".encode()


def _plain(data: bytes) -> bytes:
    try:
        return _text_of(data.decode())
    except UnicodeDecodeError:
        return b'{"base64": "%s"}' % base64.b64encode(data)


def _text_of(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # JSON has no NaN or Infinity
