"""The format of recovery files: that of the log, with a header of its own and outcomes only."""

from typing import Final

from msgspec import Struct

from reconciler.model.records import LogRecord
from reconciler.model.stored_values import Count
from reconciler.state.log_format import decode_line, decode_records, encode_line, refuse_later, whole_lines
from reconciler.state.strict_json import MalformedError, convert

FORMAT_VERSION: Final = 2
_RECOVERY: Final = "recovery"


class RecoveredLog(Struct, frozen=True, kw_only=True):
    """A recovery file as read: the snapshot that it follows, and its records."""

    lineage: str
    serial: int
    records: tuple[LogRecord, ...]


def encode_recovery_header(lineage: str, serial: int, *, location: str) -> bytes:
    """Return the first line of the recovery file of a run on that snapshot of the state at `location`."""
    known = {"formatVersion": FORMAT_VERSION, "lineage": lineage, "serial": serial}
    return encode_line({"number": 0, "type": _RECOVERY, **known, "state": location})


def decode_recovery(data: bytes, *, name: str) -> RecoveredLog | None:
    """Return the outcomes in a recovery file, or None if it ends within its header; errors call it `name`.

    A torn last record is left out. Raises StateTooNew for a later format, MalformedError for anything else.
    """
    lines = whole_lines(data)
    if not lines:
        return None
    header = decode_line(lines[0], "line 1")
    if header.get("type") != _RECOVERY or header.get("number") != 0:
        raise MalformedError("line 1 is not the header of a recovery file")
    refuse_later(convert(header.get("formatVersion"), Count, "line 1.formatVersion"), FORMAT_VERSION, name)
    return RecoveredLog(
        lineage=convert(header.get("lineage"), str, "line 1.lineage"),
        serial=convert(header.get("serial"), Count, "line 1.serial"),
        records=tuple(decode_records(lines[1:])),
    )
