"""Zone data of a calendar (VTIMEZONE): when the offset of a time zone changes, for the years of the exams."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_MARGIN: Final = timedelta(days=400)
"""So long before the first exam the data begin: every change of a year is in them."""
_FIRST_YEAR: Final = 1972
_LAST_YEAR: Final = 2099
_MINUTE_S: Final = 60


def is_in_zone(moment: datetime) -> bool:
    """Return whether `moment` can be written in its zone: else only UTC is certain.

    The second of two equal local times cannot, when clocks are set back (RFC 5545 section 3.3.5). Far past
    and future years are left out, so that no date makes the data long.
    """
    has_zone = isinstance(moment.tzinfo, ZoneInfo) and moment.tzname() != "UTC"
    return has_zone and not moment.fold and _FIRST_YEAR <= moment.year <= _LAST_YEAR


def zone_lines(zone: ZoneInfo, moments: Sequence[datetime]) -> Iterator[str]:
    """Yield the lines of the VTIMEZONE component of `zone`, for `moments` in it (at least one)."""
    yield from ("BEGIN:VTIMEZONE", f"TZID:{zone.key}")
    # The difference of two times of one zone is that of local times: hence UTC, without a zone.
    instants = [_instant(moment) for moment in moments]
    here = min(instants) - _MARGIN
    yield from _observance(zone, here, before=here)
    while here < max(instants):
        there = here + _DAY
        if _rule(zone, here) != _rule(zone, there):
            onset = _first_after(zone, here, there)
            yield from _observance(zone, onset, before=here)
        here = there
    yield "END:VTIMEZONE"


def _instant(moment: datetime) -> datetime:
    """Return `moment` in UTC, without a zone."""
    return (moment - (moment.utcoffset() or timedelta())).replace(tzinfo=None)


def _in(zone: ZoneInfo, instant: datetime) -> datetime:
    return zone.fromutc(instant.replace(tzinfo=zone))


def _rule(zone: ZoneInfo, instant: datetime) -> tuple[timedelta | None, str | None]:
    local = _in(zone, instant)
    return local.utcoffset(), local.tzname()


def _first_after(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """Return the first instant, to the second, after `early` that has the rule of `late`."""
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        middle = middle.replace(microsecond=0)
        if _rule(zone, middle) == _rule(zone, late):
            late = middle
        else:
            early = middle
    return late


def _observance(zone: ZoneInfo, onset: datetime, *, before: datetime) -> Iterator[str]:
    """Yield the lines of the rule that begins at `onset`; the rule at `before` was in force until then."""
    local, former = _in(zone, onset), _in(zone, before).utcoffset() or timedelta()
    kind = "DAYLIGHT" if local.dst() else "STANDARD"
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{local_time(onset + former)}"  # in the time of the rule before it
    yield f"TZOFFSETFROM:{_offset(former)}"
    yield f"TZOFFSETTO:{_offset(local.utcoffset() or timedelta())}"
    yield f"TZNAME:{local.tzname()}"
    yield f"END:{kind}"


def local_time(moment: datetime) -> str:
    """Return date and time of `moment` as in `20311001T090000`."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds").replace("-", "").replace(":", "")


def _offset(offset: timedelta) -> str:
    seconds = round(offset.total_seconds())
    hours, rest = divmod(abs(seconds), _MINUTE_S * _MINUTE_S)
    minutes, left = divmod(rest, _MINUTE_S)
    return f"{'-' if seconds < 0 else '+'}{hours:02}{minutes:02}{f'{left:02}' if left else ''}"
