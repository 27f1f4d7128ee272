"""How a date and time that people write in another form reads in the form that manifests have."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

_EXAMPLE: Final = (
    "Write a date and time like 2031-10-06T09:00 (local to `timezone`) or 2031-10-06T09:00:00-04:00."
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR_FIRST: Final = re.compile(r"(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})")
_YEAR_LAST: Final = re.compile(
    r"(?P<one>[0-9]{1,2})(?P<between>[-/.])(?P<two>[0-9]{1,2})(?P=between)(?P<year>[0-9]{4})"
)
_IN_WORDS: Final = re.compile(
    r"(?:[a-z]+,? +)??(?:(?P<month>[a-z]{3,9})\.? +(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?,?"
    r"|(?P<day2>[0-9]{1,2})(?:st|nd|rd|th|\.)? +(?P<month2>[a-z]{3,9})\.?,?) +(?P<year>[0-9]{4})"
)
_TIME: Final = re.compile(
    r"[t, ]*(?:at +)?(?P<hour>[0-9]{1,2})"
    r"(?:[:.h](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?|(?<=[0-9]{2})(?P<minute2>[0-9]{2}))?"
    r" *(?P<half>[ap]\.?m\.?)? *(?P<offset>z|[+-][0-9]{2}:?[0-9]{2})?"
)
_ZONE: Final = re.compile(r"(?![ap]m?\b|uhr|h(?:rs)?\b)\(?[a-z][a-z_/]+\)?")
_LONGEST: Final = 60
_NOON: Final = 12
_MIDNIGHT: Final = 24


def date_advice(text: str) -> str:
    """Return how `text`, which is no date-time, should read: each way to read it, else an example."""
    if len(text) > _LONGEST:
        return _EXAMPLE
    folded = " ".join(text.casefold().split())
    *first, last = folded.split(" ")
    turned = f"{last} {' '.join(first)}"
    if readings := list(dict.fromkeys([*_readings(folded), *_readings(turned)])):
        return f"Write it as {' or '.join(readings)}."
    if _ZONE.fullmatch(last) and (readings := list(dict.fromkeys(_readings(" ".join(first))))):
        return f"Write it as {' or '.join(readings)}, and the zone as `timezone` of the exam or the file."
    days = [f"{day:%Y-%m-%d}T09:00" for day, end in _days(folded) if end == len(folded)]
    return f"Add the time, as in {' or '.join(dict.fromkeys(days))}." if days else _EXAMPLE


def _readings(text: str) -> Iterator[str]:
    """Yield `text` in the form of manifests, once for each way to read it."""
    for day, end in _days(text):
        time = _TIME.fullmatch(text, end)
        if time is None:
            continue
        hour = int(time["hour"])
        minutes = time["minute"] or time["minute2"]
        if time["half"] is None and minutes is None:
            continue
        is_pm = (time["half"] or "").startswith("p")
        if time["half"] is not None and hour <= _NOON:
            hour = hour % _NOON + (_NOON if is_pm else 0)
        elif time["half"] is not None and not is_pm:
            continue
        minute, second = int(minutes or 0), time["second"]
        is_midnight = hour == _MIDNIGHT and not minute and not int(second or 0)
        try:
            moment = day.replace(hour=0 if is_midnight else hour, minute=minute, second=int(second or 0))
            moment += timedelta(days=is_midnight)
        except (ValueError, OverflowError):
            continue
        spelt = moment.isoformat(timespec="minutes" if second is None else "seconds")
        offset = (time["offset"] or "").upper()
        yield spelt + (f"{offset[:3]}:{offset[-2:]}" if len(offset) > 1 else offset)


def _days(text: str) -> Iterator[tuple[datetime, int]]:
    """Yield each day that `text` may begin with, and where it ends; numbers are read in both orders."""
    if (found := _YEAR_FIRST.match(text)) is not None:
        yield from _day(found["year"], found["month"], found["day"], found.end())
    elif (found := _YEAR_LAST.match(text)) is not None:
        if found["between"] != ".":  # with dots, the day comes first everywhere
            yield from _day(found["year"], found["one"], found["two"], found.end())
        yield from _day(found["year"], found["two"], found["one"], found.end())
    elif (found := _IN_WORDS.match(text)) is not None:
        name = (found["month"] or found["month2"])[:3]
        if name in _MONTHS:
            number = f"{_MONTHS.index(name) + 1}"
            yield from _day(found["year"], number, found["day"] or found["day2"], found.end())


def _day(year: str, month: str, day: str, end: int) -> Iterator[tuple[datetime, int]]:
    """Yield the day with `end`, if the calendar has it."""
    try:
        yield datetime(int(year), int(month), int(day)), end  # noqa: DTZ001 - local to the exam's zone
    except ValueError:
        return
