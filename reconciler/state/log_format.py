"""The format of the log: one record a line, `CRC32 JSON`, numbered from 1 behind a header.

The header names the snapshot that the records follow. The numbers reveal a lost, repeated or foreign line,
and the checksum a damaged one. The first record is the lock of the run that began the log; nothing is
appended but by the run that holds the lock, and what takes or breaks a lock. A log without a byte is that of
a state on which nobody works.

Logs that earlier versions wrote (formats 1 and 2, with a header of the type `journal`) have no locks.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from reconciler.model.errors import StateDamaged
from reconciler.model.identities import Digest
from reconciler.model.instants import spell_instant
from reconciler.model.locks import LockInfo
from reconciler.model.payloads import NO_PAYLOADS, Payload
from reconciler.model.records import BrokenRecord, IntentRecord, LockRecord, LogRecord, Record, UnlockRecord
from reconciler.model.stored_values import Count
from reconciler.state.state_format import with_payload_of
from reconciler.state.strict_json import MalformedError, convert, decode_json, refuse_later, to_builtins

FORMAT_VERSION: Final = 3

_LOG: Final = "log"
_EARLY_LOG: Final = "journal"
_EARLY_VERSIONS: Final = frozenset({1, 2})
_TEXT_STARTS: Final = 9


class DecodedLog(Struct, frozen=True, kw_only=True):
    """A log as read: the snapshot that it follows, its records, and the lock that they leave (None: free).

    `is_early` tells a log of an earlier version: it has no locks, and nothing is appended to it.
    """

    lineage: str
    serial: int
    records: tuple[LogRecord, ...]
    lock: LockInfo | None
    is_early: bool

    @property
    def has_news(self) -> bool:
        """Whether a record changes the state."""
        return any(isinstance(record, Record) for record in self.records)


def encode_log(lineage: str, serial: int, records: Iterable[LogRecord]) -> bytes:
    """Return a log that follows the snapshot `serial` of `lineage`."""
    known = {"formatVersion": FORMAT_VERSION, "lineage": lineage, "serial": serial}
    return encode_line({"number": 0, "type": _LOG, **known}) + encode_records(records, after=0)


def encode_records(records: Iterable[LogRecord], *, after: int) -> bytes:
    """Return the lines of `records`, which follow `after` others."""
    return b"".join(
        encode_line({"number": number} | to_builtins(record))
        for number, record in enumerate(records, start=after + 1)
    )


def encode_line(document: dict[str, Any]) -> bytes:
    """Return `document` as a line with its checksum."""
    text = json.dumps(document, separators=(",", ":"), default=spell_instant).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode_log(
    data: bytes, *, location: str, payloads: Mapping[Digest, Payload] = NO_PAYLOADS
) -> DecodedLog | None:
    """Return the log in `data`, or None if it is empty or ends within its header.

    A torn last record is left out. Payloads that are in `payloads` are shared, not copied.
    Raises StateTooNew for a later format and StateDamaged for anything else.
    """
    try:
        return _decode(data, f"the log of {location}", payloads)
    except MalformedError as error:
        raise StateDamaged(
            f"the log of {location} is damaged: {error}",
            hint="Nothing was changed. Keep the log: it may hold SIDs that state does not have yet. "
            "Restore it from a backup, or have each of its lines settled by hand.",
        ) from error


def _decode(data: bytes, name: str, payloads: Mapping[Digest, Payload]) -> DecodedLog | None:
    lines = whole_lines(data)
    if not lines:
        return None
    header = decode_line(lines[0], "line 1")
    kind, version = header.get("type"), convert(header.get("formatVersion"), Count, "line 1.formatVersion")
    if kind not in {_LOG, _EARLY_LOG} or header.get("number") != 0:
        raise MalformedError("line 1 is not the header of a log")
    refuse_later(version, FORMAT_VERSION, name)
    if (version in _EARLY_VERSIONS) is not (kind == _EARLY_LOG):
        raise MalformedError("line 1 is not the header of a log")
    records, is_early = tuple(decode_records(lines[1:], payloads)), kind == _EARLY_LOG
    return DecodedLog(
        lineage=convert(header.get("lineage"), str, "line 1.lineage"),
        serial=convert(header.get("serial"), Count, "line 1.serial"),
        records=records,
        lock=None if is_early else _lock_after(records),
        is_early=is_early,
    )


def whole_lines(data: bytes) -> list[bytes]:
    """Return the lines of `data`, without a torn last one.

    A crash can leave only a last line without its newline, because nothing acts on a record before its
    append has returned. Such a line counts if its checksum fits.
    """
    *lines, last = data.split(b"\n")
    return [*lines, last] if _is_whole(last) else lines


def _is_whole(line: bytes) -> bool:
    return line[:_TEXT_STARTS] == b"%08x " % zlib.crc32(line[_TEXT_STARTS:])


def decode_line(line: bytes, place: str, payloads: Mapping[Digest, Payload] = NO_PAYLOADS) -> dict[str, Any]:
    """Return the document in `line`. Raises MalformedError if its checksum does not fit."""
    if not _is_whole(line):
        raise MalformedError(f"{place} does not match its checksum")
    return convert(decode_json(line[_TEXT_STARTS:], payloads), dict[str, Any], place)


def decode_records(
    lines: Iterable[bytes], payloads: Mapping[Digest, Payload] = NO_PAYLOADS
) -> Iterable[LogRecord]:
    """Give the records in `lines`, which are those behind a header. Raises MalformedError."""
    for number, line in enumerate(lines, start=1):
        place = f"line {number + 1}"
        found = decode_line(line, place, payloads)
        if found.pop("number", None) != number:
            raise MalformedError(f"{place} is not record {number}, which belongs there")
        record: LogRecord = convert(found, LogRecord, place)  # type: ignore[arg-type] # a union is no `type` to mypy
        if isinstance(record, IntentRecord):
            with_payload_of(record.intent, found["intent"])
        yield record


def _lock_after(records: Iterable[LogRecord]) -> LockInfo | None:
    """Return the lock as `records` leave it; None if it is free.

    Raises MalformedError if a record stands where the lock does not allow it.
    """
    held: LockInfo | None = None
    for number, record in enumerate(records, start=1):
        match record:
            case LockRecord(lock=lock):
                if held is not None:
                    raise MalformedError(f"line {number + 1} takes a lock that {held.lock_id} holds")
                held = lock
            case BrokenRecord(lock_id=lock_id) | UnlockRecord(lock_id=lock_id):
                if held is None or held.lock_id != lock_id:
                    raise MalformedError(f"line {number + 1} ends the lock {lock_id}, which is not held")
                held = None
            case _:
                if held is None:
                    raise MalformedError(f"line {number + 1} was written without a lock")
    return held
