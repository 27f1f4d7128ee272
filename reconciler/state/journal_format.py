"""The journal's format: one record a line, `CRC32 JSON`, numbered from 1 behind a header.

The header names the snapshot that the records follow. The numbers reveal a lost, repeated or foreign line,
and the checksum a damaged one. A crash can leave only a last line without its newline, because nothing acts
on a record before its append has returned. Such a line counts if its checksum fits.

A recovery file has the same format, with a header of its own type and outcomes only.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.errors import StateDamaged, StateTooNew
from reconciler.model.identities import Digest
from reconciler.model.instants import spell_instant
from reconciler.model.payloads import NO_PAYLOADS, Payload
from reconciler.model.records import IntentRecord, Record
from reconciler.model.stored_values import Count
from reconciler.state.state_format import with_known_payload
from reconciler.state.strict_json import MalformedError, convert, decode_json, to_builtins

FORMAT_VERSION: Final = 2
"""Version 1, which has fewer keys, is read as well."""

_JOURNAL: Final = "journal"
_RECOVERY: Final = "recovery"
_TEXT_STARTS: Final = 9


class DecodedJournal(Struct, frozen=True, kw_only=True):
    """A journal as read: the snapshot that it follows, its records, and how many of its bytes count."""

    lineage: str
    serial: int
    records: tuple[Record, ...]
    size_bytes: int


def encode_header(lineage: str, serial: int) -> bytes:
    """Return the first line of a journal that follows the snapshot `serial` of `lineage`."""
    return _encode_header(_JOURNAL, lineage, serial)


def encode_recovery_header(lineage: str, serial: int, *, location: str) -> bytes:
    """Return the first line of the recovery file of a run on that snapshot of the state at `location`."""
    return _encode_header(_RECOVERY, lineage, serial, state=location)


def _encode_header(kind: str, lineage: str, serial: int, **more: str) -> bytes:
    known = {"formatVersion": FORMAT_VERSION, "lineage": lineage, "serial": serial}
    return _encode_line({"number": 0, "type": kind, **known, **more})


def encode_record(record: Record, *, number: int) -> bytes:
    """Return the line of record `number` (the first after the header is 1)."""
    return _encode_line({"number": number} | to_builtins(record))


def _encode_line(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, separators=(",", ":"), default=spell_instant).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode_journal(
    data: bytes, *, location: str, payloads: Mapping[Digest, Payload] = NO_PAYLOADS
) -> DecodedJournal | None:
    """Return the journal in `data`, or None if it is empty or ends within its header.

    A torn last record is left out. Payloads that are in `payloads` are shared, not copied.
    Raises StateTooNew for a later format and StateDamaged for anything else.
    """
    try:
        return _decode(data, f"the journal of {location}", kind=_JOURNAL, payloads=payloads)
    except MalformedError as error:
        raise StateDamaged(
            f"the journal of {location} is damaged: {error}",
            hint="Nothing was changed. Keep the journal: it may hold SIDs that state does not have yet. "
            "Restore it from a backup, or have each of its lines settled by hand (see docs/state.md).",
            location=location,
        ) from error


def decode_recovery(data: bytes, *, name: str) -> DecodedJournal | None:
    """Return the outcomes in a recovery file, or None if it ends within its header; errors call it `name`.

    A torn last record is left out. Raises StateTooNew for a later format, MalformedError for anything else.
    """
    return _decode(data, name, kind=_RECOVERY, payloads=NO_PAYLOADS)


def _decode(
    data: bytes, name: str, *, kind: str, payloads: Mapping[Digest, Payload]
) -> DecodedJournal | None:
    *lines, last = data.split(b"\n")
    size_bytes = len(data)
    if _is_whole(last):
        lines.append(last)
    else:
        size_bytes -= len(last)
    if not lines:
        return None
    header = _decode_line(lines[0], "line 1")
    if header.get("type") != kind or header.get("number") != 0:
        raise MalformedError(f"line 1 is not the header of a {kind}")
    version = convert(header.get("formatVersion"), Count, "line 1.formatVersion")
    if version > FORMAT_VERSION:
        raise StateTooNew(
            f"{name} has format version {version}; this reconciler knows {FORMAT_VERSION}",
            hint="Upgrade reconciler to at least the version that wrote it.",
            location=name,
        )
    return DecodedJournal(
        lineage=convert(header.get("lineage"), str, "line 1.lineage"),
        serial=convert(header.get("serial"), Count, "line 1.serial"),
        records=tuple(_record(line, number, payloads) for number, line in enumerate(lines[1:], start=1)),
        size_bytes=size_bytes,
    )


def _is_whole(line: bytes) -> bool:
    """Return whether `line` matches its checksum."""
    return line[:_TEXT_STARTS] == b"%08x " % zlib.crc32(line[_TEXT_STARTS:])


def _decode_line(line: bytes, place: str) -> dict[str, Any]:
    if not _is_whole(line):
        raise MalformedError(f"{place} does not match its checksum")
    return convert(decode_json(line[_TEXT_STARTS:]), dict[str, Any], place)


def _record(line: bytes, number: int, payloads: Mapping[Digest, Payload]) -> Record:
    place = f"line {number + 1}"
    found = _decode_line(line, place)
    if found.pop("number", None) != number:
        raise MalformedError(f"{place} is not record {number}, which belongs there")
    record: Record = convert(found, Record, place)  # type: ignore[arg-type] # a union is no `type` to mypy
    if isinstance(record, IntentRecord):
        return replace(record, intent=with_known_payload(record.intent, payloads))
    return record
