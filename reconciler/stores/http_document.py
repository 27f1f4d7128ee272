"""The JSON document that a server for Terraform's HTTP protocol stores: snapshot, log and backup.

`serial` rises with every update: GitLab keeps each version and takes the highest serial for the latest one.
`lineage` is an id of the document that never changes. A snapshot in JSON is stored as JSON, for people to
read; `style` says how to restore its exact bytes. While there is a log, every update sends the whole
document, so a large snapshot is compressed then, and so is a long log, except for its last part.

Format 1, of earlier versions, has a `journal` in place of the log, and no `lock`.
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

_FORMAT: Final = 2
_FORMAT_KEY: Final = "reconcilerState"
_LARGE_BYTES: Final = 64 * 1024
_LARGEST_BYTES: Final = 1024**3
_GZIP: Final = 16 + zlib.MAX_WBITS


class StateDocument(Struct, frozen=True, kw_only=True):
    """What a server stores. `lock_id` names the server's lock under which it was written.

    If the server stores nothing, all fields are defaults.
    """

    serial: int = 0
    lineage: str = ""
    lock_id: str = ""
    snapshot: bytes | None = None
    log: bytes = b""
    backup: bytes | None = None


def encode_document(document: StateDocument) -> bytes:
    """Return the bytes to store. Their first lines show people what they are."""
    parts = {
        _FORMAT_KEY: b"%d" % _FORMAT,
        "serial": b"%d" % document.serial,
        "lineage": _text_of(document.lineage),
        "lock": _text_of(document.lock_id),
        "log": _log_of(document.log),
        "backup": b"null" if document.backup is None else _compressed(document.backup),
        "snapshot": _snapshot_of(document),
    }
    return b"{\n%s\n}\n" % b",\n".join(b'"%s": %s' % (name.encode(), text) for name, text in parts.items())


def decode_document(data: bytes, *, location: str) -> StateDocument:
    """Return the document in `data`. Raise StateError for other content, which must not be overwritten."""

    def refusal(kind: type[StateError], problem: str, remedy: str) -> StateError:
        return kind(f"{location} {problem}", hint=f"Nothing was changed. {remedy}")

    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        problem = f"holds something that is not JSON, or was cut off in transit: {error}"
        remedy = "Check the address, and the proxies before the server."
        raise refusal(StateUnavailable, problem, remedy) from error
    if not isinstance(found, dict) or _FORMAT_KEY not in found:
        kind = "a state of Terraform" if b'"terraform_version"' in data else "something other than a state"
        raise refusal(StateUnavailable, f"holds {kind}", "Choose an address of its own for the state.")
    version = found[_FORMAT_KEY]
    if isinstance(version, int) and version > _FORMAT:
        remedy = "Install a version as new as the one that wrote it."
        raise refusal(StateTooNew, "was written by a newer version of reconciler", remedy)
    try:
        return _decode(found)
    except (KeyError, ValueError, RecursionError) as error:
        remedy = "Put back an earlier version of the document, if the server keeps them."
        raise refusal(StateDamaged, f"holds a document that is damaged: {error}", remedy) from error


def _decode(found: Mapping[str, Any]) -> StateDocument:
    version, serial, lineage = found[_FORMAT_KEY], found["serial"], found["lineage"]
    log, lock_id = (found["journal"], "") if version == 1 else (found["log"], found["lock"])
    if version not in (1, _FORMAT) or type(serial) is not int:
        raise ValueError("it has an unknown format or serial")
    if not all(isinstance(text, str) and text.isascii() for text in (lineage, lock_id)):
        raise ValueError("its lineage or lock is not a plain text")
    snapshot, backup = (
        None if found[key] is None else _bytes_in(found[key]) for key in ("snapshot", "backup")
    )
    return StateDocument(
        serial=serial,
        lineage=lineage,
        lock_id=lock_id,
        snapshot=snapshot,
        log=_bytes_in(log),
        backup=backup,
    )


def _bytes_in(part: object) -> bytes:
    match part:
        case str():
            return part.encode()
        case {"json": value, "style": "indented"}:
            return _indented(value)
        case {"base64": str(text)}:
            return base64.b64decode(text, validate=True)
        case {"gzip": str(text)}:
            return _unpacked(text)
        case {"blocks": list(blocks), "tail": tail}:
            return b"".join(map(_bytes_in, (*blocks, tail)))
    raise ValueError("a part of it has an unknown form")


def _unpacked(text: str) -> bytes:
    """Return the decompressed bytes, up to the largest size of a state."""
    inflating = zlib.decompressobj(_GZIP)
    try:
        data = inflating.decompress(base64.b64decode(text, validate=True), _LARGEST_BYTES)
    except zlib.error as error:
        raise ValueError("a part of it is not valid gzip") from error
    if not inflating.eof:
        raise ValueError("a compressed part of it is cut off, or too large")
    return data


def _snapshot_of(document: StateDocument) -> bytes:
    if document.snapshot is None:
        return b"null"
    is_at_work = document.log and len(document.snapshot) > _LARGE_BYTES
    return _compressed(document.snapshot) if is_at_work else _readable(document.snapshot)


def _log_of(data: bytes) -> bytes:
    """Return `data` in compressed blocks, which stay the same when more is appended, and a plain tail."""
    end = len(data) - len(data) % _LARGE_BYTES
    if not end:
        return _plain(data)
    blocks = (data[start : start + _LARGE_BYTES] for start in range(0, end, _LARGE_BYTES))
    return b'{"blocks": [%s], "tail": %s}' % (b", ".join(map(_compressed, blocks)), _plain(data[end:]))


@lru_cache(maxsize=256)  # successive updates encode the same parts
def _compressed(data: bytes) -> bytes:
    return b'{"gzip": "%s"}' % base64.b64encode(gzip.compress(data, mtime=0))


@lru_cache(maxsize=1)
def _readable(data: bytes) -> bytes:
    """Return `data` as JSON if that restores its exact bytes, else as text, else in base64."""
    try:
        if _indented(json.loads(data, parse_constant=int)) == data:  # JSON has no NaN; int refuses it
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
