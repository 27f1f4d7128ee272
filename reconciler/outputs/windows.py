"""Windows of time, in the local time of the exam and in UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.model.payloads import Json
from reconciler.zones import zone_of

_TO: Final = " \N{EN DASH} "
_INSTANT_LENGTH: Final = len("1970-01-01T00:00:00Z")

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_Bounds: TypeAlias = Sequence[datetime]


class Window(Struct, frozen=True):
    """A stretch of time in words; `utc` is empty where local time is UTC, or a bound is no instant."""

    local: str
    utc: str


def window_of(opens: Json, closes: Json, timezone: str | None) -> Window | None:
    """The window from `opens` to `closes` (None, or not there: open on that side); None where both are."""
    shown = [_spelt(bound) for bound in (opens, closes) if bound is not None]
    if not shown:
        return None
    moments = [moment for bound in (opens, closes) if (moment := _instant(bound)) is not None]
    lead = "" if len(shown) > 1 else ("from " if opens is not None else "until ")
    if len(moments) < len(shown):
        return Window(lead + _TO.join(shown), "")
    local = _local(moments, timezone)
    utc = "" if all(moment.utcoffset() == timedelta(0) for moment in local) else _spell_utc(moments, local)
    return Window(lead + _spell(local), utc)


def window_at(moment: datetime, timezone: str | None) -> Window:
    """The one `moment`, which is aware, in local time and in UTC."""
    local = _local([moment.astimezone(UTC)], timezone)
    utc = "" if local[0].utcoffset() == timedelta(0) else _spell_utc([moment.astimezone(UTC)], local)
    return Window(_spell(local), utc)


def moment_text(value: Json, timezone: str | None) -> str | None:
    """`value` in local time, if it is an instant as payloads spell them; None otherwise."""
    moment = _instant(value)
    return None if moment is None else _spell(_local([moment], timezone))


def local_moment(value: Json, timezone: str | None) -> datetime | None:
    """`value` in the zone called `timezone`, if it is an instant as payloads spell them; None otherwise."""
    moment = _instant(value)
    return None if moment is None else _local([moment], timezone)[0]


def _instant(value: Json) -> datetime | None:
    if not isinstance(value, str) or len(value) < _INSTANT_LENGTH or not value.endswith("Z"):
        return None
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _spelt(value: Json) -> str:
    return value if isinstance(value, str) else repr(value)


def _local(moments: _Bounds, timezone: str | None) -> list[datetime]:
    """`moments` in the zone called `timezone`; in UTC where there is none or none that is known here."""
    zone = zone_of(timezone) if timezone else None
    try:
        return [moment.astimezone(zone.rules if zone else UTC) for moment in moments]
    except OverflowError:
        return list(moments)


def _spell(moments: _Bounds) -> str:
    """`moments` with days and zones, a zone only once where it is the same."""
    zones = [_zone(moment) for moment in moments]
    if len(set(zones)) == 1:
        return f"{_TO.join(f'{_day(moment)} {_time(moment)}' for moment in moments)} {zones[0]}"
    spelt = zip(moments, zones, strict=True)
    return _TO.join(f"{_day(moment)} {_time(moment)} {zone}" for moment, zone in spelt)


def _spell_utc(moments: _Bounds, local: _Bounds) -> str:
    """`moments` in UTC, without their days where these are those of `local`."""
    if [moment.date() for moment in moments] == [moment.date() for moment in local]:
        return f"{_TO.join(_time(moment) for moment in moments)} UTC"
    return _spell(moments)


def _day(moment: datetime) -> str:
    # strftime leaves years before 1000 unpadded on some platforms, and is slow.
    return f"{_DAYS[moment.weekday()]} {moment.date().isoformat()}"


def _time(moment: datetime) -> str:
    has_seconds = bool(moment.second or moment.microsecond)
    return moment.time().isoformat("auto" if has_seconds else "minutes")


def _zone(moment: datetime) -> str:
    name = moment.tzname() or "UTC"
    return f"UTC{name}" if name.startswith(("+", "-")) else name
