"""Date-times: reads those of a manifest, and normalises them to the form that is sent."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.zone_names import has_fixed_offset, zone_advice
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.model.diagnostics import Severity
from reconciler.model.instants import spell_instant
from reconciler.rules.registry import NO_SUMMER_TIME
from reconciler.zones import zone_of

DATE_FIELDS: Final = ("examOpenDate", "examCloseDate", "scheduleOpenDate", "scheduleCloseDate")

_WRITTEN: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?: ?(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)
_MILLI_DIGITS: Final = 3
_WESTERNMOST: Final = timedelta(hours=-12)
_EASTERNMOST: Final = timedelta(hours=14)
_OF_OFFSETS: Final = (
    "Offsets are between -12:00 and +14:00. If two times are meant, write each in a field of its own."
)
_OF_THE_CALENDAR: Final = "Look it up in a calendar, and write a date and time that exist."


class BadDateTime(ValueError):
    """An unusable date-time, with the code, message and hint of its diagnostic."""

    def __init__(self, code: str, message: str, *, hint: str = _OF_THE_CALENDAR) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def report_date_times(
    exam: YamlMapping,
    zone: ZoneInfo | None,
    diagnostics: FileDiagnostics,
    *,
    zone_is_wrong: bool = False,
) -> bool:
    """Report each invalid date-time of `exam`; return whether all are valid.

    With `zone_is_wrong`, the missing time zone of local times is already reported.
    """
    is_right = True
    for holder, field in date_places(exam):
        text = holder[field]
        if not isinstance(text, str):
            continue
        try:
            normalized(text, zone)
        except BadDateTime as error:
            is_right = False
            if error.code == "no-timezone" and zone_is_wrong:
                continue
            message = f"{field}: {error.message}"
            cause = "timezone" if error.code == "no-timezone" else ""
            diagnostics.add(error.code, holder.value_at(field), message, error.hint, cause=cause)
    return is_right


def date_places(exam: YamlMapping) -> list[tuple[YamlMapping, str]]:
    """Return the place of each date of `exam` as the mapping that holds it and its key."""
    configuration = exam.mapping("configuration")
    proctors = configuration.sequence("instructorAsProctor")
    return [
        *((configuration, field) for field in DATE_FIELDS if field in configuration),
        *((each, "startTime") for each in proctors if isinstance(each, YamlMapping) and "startTime" in each),
    ]


def report_zone(holder: YamlMapping, diagnostics: FileDiagnostics) -> None:
    """Report the `timezone` of `holder` if it is unknown, or warn of one without summer time."""
    name = holder.get("timezone")
    if not isinstance(name, str):
        return
    if zone_of(name) is None:
        report_unknown_zone(name, holder.value_at("timezone"), diagnostics)
    elif has_fixed_offset(name):
        diagnostics.add(
            NO_SUMMER_TIME,
            holder.value_at("timezone"),
            f"'{name}' has one offset all year, so times in summer may be an hour off",
            zone_advice(name),
            severity=Severity.WARNING,
        )


def report_unknown_zone(name: str, at: TextRange, diagnostics: FileDiagnostics) -> None:
    """Report the unknown time zone `name`."""
    message = f"{diagnostics.echo(name)} is not the name of a time zone"
    diagnostics.add("unknown-timezone", at, message, zone_advice(name))


@lru_cache(maxsize=65_536)
def normalized(text: str, zone: ZoneInfo | None) -> str:
    """Return the date-time `text` in UTC, as `YYYY-MM-DDTHH:MM:SS.mmmZ`; local times are in `zone`.

    Raises BadDateTime.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        from reconciler.manifest.exam.date_advice import date_advice  # noqa: PLC0415 - slow to load

        raise BadDateTime("bad-date-time", "this is not a date and time", hint=date_advice(text))
    moment = _moment(written)
    offset = written["offset"]
    try:
        if offset is None:
            instant = _local_instant(moment, zone)
        else:
            instant = moment.replace(tzinfo=offset_of(offset)).astimezone(UTC)
    except OverflowError:
        raise BadDateTime("bad-date-time", "this date is beyond the years 1 to 9999") from None
    return spell_instant(instant)


def local_reading(text: str, zone: ZoneInfo | None) -> tuple[datetime, str]:
    """Return what clocks in `zone` show at the valid date-time `text`, and an empty text.

    Without a zone, return what is written and its offset as text.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError(text)
    moment, offset = _moment(written), written["offset"]
    if offset is None or zone is None:
        return moment, offset or ""
    return moment.replace(tzinfo=offset_of(offset)).astimezone(zone).replace(tzinfo=None), ""


def _moment(written: re.Match[str]) -> datetime:
    """Return the date and time of `written`, without its offset."""
    fraction = written["fraction"] or ""
    if fraction[_MILLI_DIGITS:].strip("0"):
        raise BadDateTime("bad-date-time", "the service accepts no fractions of milliseconds")
    milliseconds = fraction[:_MILLI_DIGITS].ljust(_MILLI_DIGITS, "0")
    try:
        return datetime.fromisoformat(
            f"{written['date']}T{written['time']}:{written['second'] or '00'}.{milliseconds}"
        )
    except ValueError:
        raise BadDateTime("bad-date-time", "there is no such date or time in the calendar") from None


def offset_of(text: str) -> tzinfo:
    """Return the offset from UTC that is written as `text`, such as `Z` or `-04:00`. Raises BadDateTime."""
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    span = timedelta(hours=hours, minutes=minutes)
    offset = -span if text[0] == "-" else span
    if minutes >= 60 or not _WESTERNMOST <= offset <= _EASTERNMOST:  # noqa: PLR2004 - minutes of an hour
        raise BadDateTime("bad-date-time", "there is no such offset from UTC", hint=_OF_OFFSETS)
    return timezone(offset)


def _local_instant(moment: datetime, zone: ZoneInfo | None) -> datetime:
    """Return the UTC time at which the clocks of `zone` show `moment`."""
    if zone is None:
        raise BadDateTime(
            "no-timezone",
            "this time has no offset, and the file names no time zone",
            hint="Add `timezone: America/New_York` (or yours) at the top of the file, or an offset here.",
        )
    earlier = moment.replace(tzinfo=zone, fold=0)
    later = moment.replace(tzinfo=zone, fold=1)
    if earlier.utcoffset() == later.utcoffset():
        return earlier.astimezone(UTC)
    raise _ambiguity(earlier, later, zone)


def _ambiguity(earlier: datetime, later: datetime, zone: ZoneInfo) -> BadDateTime:
    """Return the error for a local time that the clocks of `zone` skip or show twice."""
    readings = [reading.astimezone(UTC).astimezone(zone) for reading in (earlier, later)]
    shown = [_spelt(reading) for reading in readings]
    if readings[0].replace(tzinfo=None) != earlier.replace(tzinfo=None):
        return BadDateTime(
            "local-time-skipped",
            f"the clocks of {zone.key} skip this time",
            hint=f"Write {shown[1]} (before the change) or {shown[0]} (after it).",
        )
    return BadDateTime(
        "local-time-repeated",
        f"the clocks of {zone.key} show this time twice",
        hint=f"Write {shown[0]} for the first or {shown[1]} for the second.",
    )


def _spelt(reading: datetime) -> str:
    """Return `reading` by RFC 3339; in UTC if its historic offset has seconds."""
    offset = reading.utcoffset() or timedelta()
    if offset % timedelta(minutes=1):
        reading = reading.astimezone(UTC)
    return reading.isoformat(timespec="milliseconds" if reading.microsecond else "seconds").replace(
        "+00:00", "Z"
    )
