"""How a date and time that people write in another form reads in the form that manifests have."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from reconciler.manifest.exam.zone_names import zones_meant
from reconciler.zones import zone_of

_FORM: Final = "Write it in the form YYYY-MM-DDThh:mm (local to `timezone`) or YYYY-MM-DDThh:mm-04:00."
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DASH: Final = r"[-\u2010-\u2015\u2212]"
_YEAR_FIRST: Final = re.compile(
    rf"(?P<year>[0-9]{{4}})(?:{_DASH}|[/.])(?P<month>[0-9]{{1,2}})(?:{_DASH}|[/.])(?P<day>[0-9]{{1,2}})"
)
_COMPACT: Final = re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})(?=[t ]|$)")
_SHORT_YEAR: Final = re.compile(
    rf"(?P<year>[0-9]{{2}}){_DASH}(?P<month>[0-9]{{2}}){_DASH}(?P<day>[0-9]{{2}})(?=t)"
)
_CENTURY: Final = "20"
_YEAR_LAST: Final = re.compile(
    rf"(?P<one>[0-9]{{1,2}})(?P<between>{_DASH}|[/.])(?P<two>[0-9]{{1,2}})(?P=between)(?P<year>[0-9]{{4}})"
)
_IN_WORDS: Final = re.compile(
    r"(?:(?P<month>[a-z]{3,9})\.? +(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?,?"
    r"|(?P<day2>[0-9]{1,2})(?:st|nd|rd|th|\.)? +(?P<month2>[a-z]{3,9})\.?,?) +(?P<year>[0-9]{4})"
)
_TIME: Final = re.compile(
    r"[t, ]*(?:at +)?(?P<hour>[0-9]{1,2})"
    r"(?:[:.h](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
    r"|(?<=[0-9]{2})(?P<minute2>[0-9]{2})(?P<second2>[0-9]{2})?|(?P<whole> ?(?=(?:uhr|h)\b)))?"
    r" *(?P<half>[ap]\.?m\.?(?![a-z]))? *(?P<offset>z|[+-][0-9]{2}:?[0-9]{2})?"
)
_SAID_BESIDE: Final = re.compile(
    r"(?<![a-z])(?:uhr|h|hrs?|hours|o'clock|sharp|local(?: time)?|t\.?b\.?[acd]\.?|draft|provisional"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?)(?![a-z])|[][(){},;.?!]"
)
"""Words and signs beside a date and time that do not change it."""
_WEEKDAY_FIRST: Final = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[., ]+(?=[0-9]|[a-z]+\.? +[0-9])")
_MORE: Final = re.compile(rf" *(?:{_DASH}|[/~]|to\b|till?\b|until\b|and\b|bis\b) *(?=[0-9])(?!0[0-9]$)")
_HALF: Final = re.compile(r"[ap]\.?m\b")
_ZONE: Final = re.compile(r"[a-z][a-z_/]+")
_LONGEST: Final = 60
_SOME_DAY: Final = "2000-01-02"
_NOON: Final = 12
_MIDNIGHT: Final = 24


def date_advice(text: str) -> str:
    """Return how `text`, which is no date-time, should read: each way to read it, else the form."""
    if len(text) > _LONGEST:
        return _FORM
    folded = _WEEKDAY_FIRST.sub("", " ".join(text.casefold().split()), count=1)
    *first, last = folded.split(" ")
    found = [*_readings(folded), *_readings(f"{last} {' '.join(first)}".strip())]
    if several := list(dict.fromkeys(spelt for spelt, rest in found if _MORE.match(rest))):
        return f"These are two times: write each in a field of its own, the first as {' or '.join(several)}."
    beside = {spelt: _SAID_BESIDE.sub(" ", rest).strip() for spelt, rest in found}
    if readings := [spelt for spelt, word in beside.items() if not word]:
        return f"Write it as {' or '.join(readings)}."
    if readings := [each for each, word in beside.items() if _is_local(each) and _is_zone(word)]:
        return _in_zone(readings, beside[readings[0]])
    days = [f"{day:%Y-%m-%d}Thh:mm" for day, end in _days(folded) if not folded[end:].strip(" ,;.")]
    return f"Add the time: {' or '.join(dict.fromkeys(days))}." if days else _FORM


def _is_local(spelt: str) -> bool:
    return datetime.fromisoformat(spelt).tzinfo is None


def _is_zone(word: str) -> bool:
    return bool(_ZONE.fullmatch(word)) and (word == "utc" or bool(zones_meant(word)))


def _in_zone(readings: list[str], word: str) -> str:
    """Return how `readings`, which are followed by `word` for a zone, should read."""
    if word == "utc":
        return f"Write it as {' or '.join(f'{reading}Z' for reading in readings)}."
    names = zones_meant(word)
    said = f"{' or '.join(readings)}, with `timezone: {' or '.join(names)}`"
    zone = zone_of(names[0]) if len(names) == 1 and len(readings) == 1 else None
    moment = datetime.fromisoformat(readings[0]).replace(tzinfo=zone)
    if zone is not None and (moment.tzname() or "").casefold() == word:
        said += f", or as {moment.isoformat()}"
    return f"Write it as {said}."


def clock_advice(text: str) -> str:
    """Return how `text`, which is no time of day, should read."""
    folded = " ".join(text.casefold().split())
    readings = (
        []
        if len(text) > _LONGEST
        else [
            spelt
            for spelt, rest in _readings(f"{_SOME_DAY} {folded}")
            if not _SAID_BESIDE.sub(" ", rest).strip()
        ]
    )
    day, _, clock = readings[0].partition("T") if readings else ("", "", "")
    if day != _SOME_DAY or len(clock) != len("09:00"):
        return 'Write hours and minutes of 24 hours, such as "09:00" or "17:30".'
    return f'Write it as "{clock}".'


def _readings(text: str) -> Iterator[tuple[str, str]]:
    """Yield the date and time at the start of `text` in the form of manifests, and the rest of the text.

    There is one for each way to read it.
    """
    for day, end in _days(text):
        time = _TIME.match(text, end)
        if time is None:
            continue
        offset, rest = (time["offset"] or "").upper(), text[time.end() :]
        if offset.startswith("-") and not text[:4].isdecimal():  # only ISO dates have offsets: it is a range
            offset, rest = "", offset + rest
        if time["half"] is None and _MORE.match(rest) and _HALF.search(rest):
            continue  # of 2:00-4:00 pm, nobody knows the half of the first
        hour = int(time["hour"])
        minutes = time["minute"] or time["minute2"]
        if time["half"] is None and minutes is None and time["whole"] is None:
            continue
        is_pm = (time["half"] or "").startswith("p")
        if time["half"] is not None and hour <= _NOON:
            hour = hour % _NOON + (_NOON if is_pm else 0)
        elif time["half"] is not None and not is_pm:
            continue
        minute, second = int(minutes or 0), time["second"] or time["second2"]
        is_midnight = hour == _MIDNIGHT and not minute and not int(second or 0)
        try:
            moment = day.replace(hour=0 if is_midnight else hour, minute=minute, second=int(second or 0))
            moment += timedelta(days=is_midnight)
        except (ValueError, OverflowError):
            continue
        spelt = moment.isoformat(timespec="minutes" if second is None else "seconds")
        yield spelt + (f"{offset[:3]}:{offset[-2:]}" if len(offset) > 1 else offset), rest


def _days(text: str) -> Iterator[tuple[datetime, int]]:
    """Yield each day that `text` may begin with, and where it ends; numbers are read in both orders."""
    if (found := _YEAR_FIRST.match(text) or _COMPACT.match(text)) is not None:
        yield from _day(found["year"], found["month"], found["day"], found.end())
    elif (found := _SHORT_YEAR.match(text)) is not None:
        yield from _day(_CENTURY + found["year"], found["month"], found["day"], found.end())
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
