"""The format of recovery files: lines like those of the log, behind a header of their own.

The header names the state and the run; records are intents and outcomes. The last key of each line, `mac`, is
an HMAC-SHA256 of the line before it and of the `mac` of the previous line, with the key of the machine that
wrote the file. Without that key no line can be added, changed, or left out from between others. Files of
versions 1 and 2 have outcomes only, and no `mac`.
"""

import hmac
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from reconciler.model.records import CreatedRecord, FailedRecord, InDoubtRecord, Record
from reconciler.model.stored_values import Count
from reconciler.state.log_format import decode_line, decode_records, encode_line, whole_lines
from reconciler.state.strict_json import MalformedError, convert, refuse_later, to_builtins

FORMAT_VERSION: Final = 3

OutcomeRecord: TypeAlias = CreatedRecord | FailedRecord | InDoubtRecord

_RECOVERY: Final = "recovery"
_TEXT_STARTS: Final = 9
_MAC: Final = b',"mac":"%s"}'
_MAC_TAKES: Final = len(_MAC % (b"0" * 64))


class RecoveryHeader(Struct, frozen=True, kw_only=True, rename={"location": "state"}):
    """What a recovery file belongs to: a run, named by its lock, on a snapshot of the state at `location`."""

    lineage: str
    serial: Count
    location: str = ""
    run: str = ""


class DecodedRecovery(Struct, frozen=True, kw_only=True):
    """A recovery file as read. `is_ours` tells that every line has the `mac` of this machine."""

    header: RecoveryHeader
    records: tuple[Record, ...]
    is_ours: bool


class Chain(Struct, frozen=True, kw_only=True):
    """The end of a recovery file: its next line has `number`, and follows a line with the HMAC `mac`.

    `key` is that of this machine; None writes lines without an HMAC.
    """

    key: bytes | None
    number: int = 0
    mac: str = ""

    def begin(self, header: RecoveryHeader) -> tuple[bytes, "Chain"]:
        """Return the file's first line, and the end after it."""
        known = {"number": self.number, "type": _RECOVERY, "formatVersion": FORMAT_VERSION}
        return self._line(known | msgspec.to_builtins(header))

    def add(self, record: Record) -> tuple[bytes, "Chain"]:
        """Return the line of `record`, and the end after it."""
        return self._line({"number": self.number} | to_builtins(record))

    def _line(self, document: dict[str, Any]) -> tuple[bytes, "Chain"]:
        line, mac = encode_line(document), ""
        if self.key is not None:
            mac = _mac(self.key, self.mac, line[_TEXT_STARTS:-2])
            line = encode_line(document | {"mac": mac})
        return line, Chain(key=self.key, number=self.number + 1, mac=mac)


def _mac(key: bytes, before: str, text: bytes) -> str:
    return hmac.digest(key, before.encode() + text, "sha256").hex()


def decode_recovery(data: bytes, *, name: str, key: bytes | None = None) -> DecodedRecovery | None:
    """Return the recovery file `data`, or None if it ends within its header; errors call it `name`.

    `key` is that of this machine; None recognises no file as ours. A torn last record is left out. Raises
    StateTooNew for a later format, MalformedError for anything else.
    """
    lines = whole_lines(data)
    if not lines:
        return None
    header = decode_line(lines[0], "line 1")
    if header.get("type") != _RECOVERY or header.get("number") != 0:
        raise MalformedError("line 1 is not the header of a recovery file")
    refuse_later(convert(header.get("formatVersion"), Count, "line 1.formatVersion"), FORMAT_VERSION, name)
    return DecodedRecovery(
        header=convert(header, RecoveryHeader, "line 1"),
        records=tuple(record for record in decode_records(lines[1:]) if isinstance(record, Record)),
        is_ours=key is not None and _is_signed(lines, key),
    )


def _is_signed(lines: list[bytes], key: bytes) -> bool:
    mac = ""
    for line in lines:
        mac = _mac(key, mac, line[_TEXT_STARTS:-_MAC_TAKES])
        if not hmac.compare_digest(line[-_MAC_TAKES:], _MAC % mac.encode()):
            return False
    return True
