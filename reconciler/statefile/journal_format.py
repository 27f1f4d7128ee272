"""The journal's format: one record a line, `CRC32 JSON`, numbered from 1 behind a header.

The header names the snapshot that the records go on top of, the numbers show a lost, doubled or alien line,
and the checksum shows a damaged one. Only a last line without its newline can be the work of a crash: nothing
acts on a record before its append has returned. Such a line counts if it is whole but for the newline.

A recovery file has the same format, with a header of its own type and outcomes only.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, assert_never

from msgspec import Struct

from reconciler.model.errors import StateDamaged, StateTooNew
from reconciler.model.identities import (
    Address,
    AttemptId,
    Digest,
    ExamSid,
    is_address,
    is_attempt_id,
    is_exam_sid,
)
from reconciler.model.payloads import NO_PAYLOADS, Payload
from reconciler.model.records import CreatedRecord, FailedRecord, InDoubtRecord, IntentRecord, Record
from reconciler.statefile import fields
from reconciler.statefile.fields import MalformedError
from reconciler.statefile.state_format import (
    decode_answer,
    decode_configuration_sid,
    decode_intent,
    encode_answer,
    encode_intent,
)

FORMAT_VERSION: Final = 2
"""Version 1, of the same form with fewer keys, is read as well."""

_JOURNAL: Final = "journal"
_RECOVERY: Final = "recovery"
_CHECKSUM_CHARACTERS: Final = 8


class Journal(Struct, frozen=True, kw_only=True):
    """A journal as read: on which snapshot it goes, what it says, and how many of its bytes count."""

    lineage: str
    serial: int
    records: tuple[Record, ...]
    size_bytes: int


def encode_header(lineage: str, serial: int) -> bytes:
    """The first line of a journal that goes on top of the snapshot `serial` of `lineage`."""
    return _encode_line(_header(_JOURNAL, lineage, serial))


def encode_recovery_header(lineage: str, serial: int, *, location: str) -> bytes:
    """The first line of the recovery file of a run on the snapshot `serial` of `lineage` at `location`."""
    return _encode_line(_header(_RECOVERY, lineage, serial) | {"state": location})


def _header(kind: str, lineage: str, serial: int) -> dict[str, Any]:
    return {
        "number": 0,
        "type": kind,
        "formatVersion": FORMAT_VERSION,
        "lineage": lineage,
        "serial": serial,
    }


def encode_record(record: Record, *, number: int) -> bytes:
    """The line of a journal's record `number` (the first behind the header is 1)."""
    return _encode_line({"number": number, "address": record.address} | _encode_fields(record))


def _encode_line(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _encode_fields(record: Record) -> dict[str, Any]:
    match record:
        case IntentRecord():
            intended = {"type": "intent", "intent": encode_intent(record.intent)}
            return intended if record.service is None else intended | {"service": record.service}
        case CreatedRecord(configuration_sid=configuration_sid):
            at = fields.spell_instant(record.at)
            created = {"type": "created", "attempt": record.attempt, "sid": record.sid, "at": at}
            return created if configuration_sid is None else created | {"configurationSid": configuration_sid}
        case FailedRecord():
            at = fields.spell_instant(record.at)
            cause = {"status": record.status, "reason": record.reason}
            return {"type": "failed", "attempt": record.attempt, **cause, "at": at}
        case InDoubtRecord():
            return {"type": "in-doubt", "attempt": record.attempt, "answer": encode_answer(record.answer)}
        case _:
            assert_never(record)


def decode_journal(
    data: bytes, *, location: str, payloads: Mapping[Digest, Payload] = NO_PAYLOADS
) -> Journal | None:
    """The journal in `data`, or None where there is none (no bytes, or no whole header).

    A torn last record is left out. Of a payload that is in `payloads` already no copy stays in memory.
    Raises StateTooNew for a later format and StateDamaged for anything else.
    """
    try:
        name = f"the journal of {location}"
        return _decode(data, name, kind=_JOURNAL, location=location, payloads=payloads)
    except MalformedError as error:
        raise StateDamaged(
            f"the journal of {location} is damaged: {error}",
            hint="Nothing was changed. Keep the journal: it may hold SIDs that state does not have yet. "
            "Restore it from a backup, or have each of its lines settled by hand (see docs/state.md).",
            location=location,
        ) from error


def decode_recovery(data: bytes, *, name: str) -> Journal | None:
    """The outcomes in a recovery file, or None where it ends before any; `name` names it in errors.

    A torn last record is left out. Raises StateTooNew for a later format, MalformedError for anything else.
    """
    return _decode(data, name, kind=_RECOVERY, location=name, payloads=NO_PAYLOADS)


def _decode(
    data: bytes, name: str, *, kind: str, location: str, payloads: Mapping[Digest, Payload]
) -> Journal | None:
    lines = _whole_lines(data, payloads)
    header = next(lines, None)
    if header is None:
        return None
    document, size_bytes = header
    if document.get("type") != kind or document.get("number") != 0:
        raise MalformedError(f"line 1 is not the header of a {kind}")
    version = fields.integer(document, "formatVersion", "line 1")
    if version > FORMAT_VERSION:
        raise StateTooNew(
            f"{name} has format version {version}; this reconciler knows {FORMAT_VERSION}",
            hint="Upgrade reconciler to at least the version that wrote it.",
            location=location,
        )
    records = []
    for number, (line, end) in enumerate(lines, start=1):
        records.append(_decode_record(line, number))
        size_bytes = end
    return Journal(
        lineage=fields.text(document, "lineage", "line 1"),
        serial=fields.integer(document, "serial", "line 1"),
        records=tuple(records),
        size_bytes=size_bytes,
    )


def _whole_lines(data: bytes, payloads: Mapping[Digest, Payload]) -> Iterator[tuple[dict[str, Any], int]]:
    """Each whole line's document, with the offset behind it; the torn last one is left out."""
    start = 0
    number = 1
    while (end := data.find(b"\n", start)) >= 0:
        yield _decode_line(data[start:end], f"line {number}", payloads), end + 1
        start = end + 1
        number += 1
    with suppress(MalformedError):
        yield _decode_line(data[start:], f"line {number}", payloads), len(data)


def _decode_line(line: bytes, place: str, payloads: Mapping[Digest, Payload]) -> dict[str, Any]:
    checksum, gap, text = line[:_CHECKSUM_CHARACTERS], line[_CHECKSUM_CHARACTERS:][:1], line[9:]
    if gap != b" " or checksum != b"%08x" % zlib.crc32(text):
        raise MalformedError(f"{place} does not match its checksum")
    return fields.mapping(fields.decode_json(text, payloads), place)


def _decode_record(found: dict[str, Any], number: int) -> Record:
    place = f"line {number + 1}"
    if found.get("number") != number:
        raise MalformedError(f"{place} is record {fields.shown(found.get('number'))} where {number} belongs")
    address = fields.identity(found, "address", place, accept=is_address, make=Address)
    if found.get("type") == "intent":
        return IntentRecord(
            address=address,
            intent=decode_intent(found.get("intent"), f"{place}.intent"),
            service=fields.optional_text(found, "service", place),
        )
    attempt = fields.identity(found, "attempt", place, accept=is_attempt_id, make=AttemptId)
    match found.get("type"):
        case "created":
            sid = fields.identity(found, "sid", place, accept=is_exam_sid, make=ExamSid)
            return CreatedRecord(
                address=address,
                attempt=attempt,
                sid=sid,
                at=fields.instant(found, "at", place),
                configuration_sid=decode_configuration_sid(found, place),
            )
        case "failed":
            status, reason = fields.status(found, place), fields.prose(found, "reason", place)
            at = fields.instant(found, "at", place)
            return FailedRecord(address=address, attempt=attempt, status=status, reason=reason, at=at)
        case "in-doubt":
            answer = decode_answer(found.get("answer"), f"{place}.answer")
            return InDoubtRecord(address=address, attempt=attempt, answer=answer)
        case other:
            raise MalformedError(f"{place} has the unknown type {fields.shown(other)}")
