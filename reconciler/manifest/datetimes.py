"""Date-times as a user writes them → the one spelling in which they are sent."""

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from importlib import resources
from typing import Final

_WRITTEN: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_MILLI_DIGITS: Final = 3
_EXAMPLE: Final = "Write it as 2026-10-12T09:00 (local to `timezone`) or 2026-10-12T09:00:00-04:00."


class BadDateTime(ValueError):
    """Text is no usable date-time; `code` says in which way and `hint` what to write instead."""

    def __init__(self, code: str, message: str, *, hint: str = _EXAMPLE) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone and its IANA name."""

    name: str
    rules: tzinfo


@cache
def zone_names() -> frozenset[str]:
    """The IANA names of all time zones."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@cache
def zone_of(name: str) -> Zone | None:
    """The zone called `name`; None where there is none.

    Its rules come from the tzdata package and not from the machine, so that plans agree everywhere.
    """
    if name not in zone_names():
        return None
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return Zone(name, zoneinfo.ZoneInfo.from_file(file, key=name))


@lru_cache(maxsize=4096)
def normalized(text: str, zone: Zone | None) -> str:
    """The instant that `text` means, as `YYYY-MM-DDTHH:MM:SS.mmmZ`; local times are in `zone`.

    Raises BadDateTime.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise BadDateTime("bad-date-time", "this is not a date and time")
    moment = _moment(written)
    offset = written["offset"]
    try:
        if offset is None:
            instant = _local_instant(moment, zone)
        else:
            instant = moment.replace(tzinfo=_offset(offset)).astimezone(UTC)
    except OverflowError:
        raise BadDateTime("bad-date-time", "this date is beyond the years 1 to 9999") from None
    return f"{instant:%H:%M:%S}".join(
        (f"{instant.date().isoformat()}T", f".{instant.microsecond // 1000:03}Z")
    )


def _moment(written: re.Match[str]) -> datetime:
    """The wall clock's reading."""
    fraction = written["fraction"] or ""
    if fraction[_MILLI_DIGITS:].strip("0"):
        raise BadDateTime("bad-date-time", "the service takes no finer times than milliseconds")
    milliseconds = fraction[:_MILLI_DIGITS].ljust(_MILLI_DIGITS, "0")
    try:
        return datetime.fromisoformat(
            f"{written['date']}T{written['time']}:{written['second'] or '00'}.{milliseconds}"
        )
    except ValueError:
        raise BadDateTime("bad-date-time", "there is no such date or time in the calendar") from None


def _offset(text: str) -> tzinfo:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    span = timedelta(hours=hours, minutes=minutes)
    if hours >= 24 or minutes >= 60:  # noqa: PLR2004 - hours of a day and minutes of an hour
        raise BadDateTime("bad-date-time", "there is no such offset from UTC")
    return timezone(-span if text[0] == "-" else span)


def _local_instant(moment: datetime, zone: Zone | None) -> datetime:
    """The instant at which the clocks of `zone` show `moment`."""
    if zone is None:
        raise BadDateTime(
            "no-timezone",
            "this time has no offset, and the file names no time zone",
            hint="Add `timezone: America/New_York` (or yours) at the top of the file, or an offset here.",
        )
    earlier = moment.replace(tzinfo=zone.rules, fold=0)
    later = moment.replace(tzinfo=zone.rules, fold=1)
    if earlier.utcoffset() == later.utcoffset():
        return earlier.astimezone(UTC)
    raise _ambiguity(earlier, later, zone)


def _ambiguity(earlier: datetime, later: datetime, zone: Zone) -> BadDateTime:
    """Why two readings of one local time cannot be told apart, or are both wrong."""
    readings = [reading.astimezone(UTC).astimezone(zone.rules) for reading in (earlier, later)]
    shown = [f"{reading.replace(tzinfo=None).isoformat()}{_shown_offset(reading)}" for reading in readings]
    if readings[0].replace(tzinfo=None) != earlier.replace(tzinfo=None):
        return BadDateTime(
            "local-time-skipped",
            f"the clocks of {zone.name} skip this time",
            hint=f"Write {shown[1]} (before the change) or {shown[0]} (after it).",
        )
    return BadDateTime(
        "local-time-repeated",
        f"the clocks of {zone.name} show this time twice",
        hint=f"Write {shown[0]} for the first or {shown[1]} for the second.",
    )


def _shown_offset(reading: datetime) -> str:
    return reading.isoformat()[-6:]
