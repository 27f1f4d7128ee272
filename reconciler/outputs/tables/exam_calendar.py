"""A plan as a calendar (RFC 5545): an event for each exam window, and one for each booking window.

The same plan always gives the same calendar, so nothing in it depends on the clock.
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.plan import Action, Change, Plan
from reconciler.outputs.escapes import printable
from reconciler.outputs.exam_facts import facts_of_change, local_window, payload_of, title_of
from reconciler.outputs.tables.zone_data import is_in_zone, local_time, zone_lines

_OCTETS: Final = 75
_SPECIAL: Final = re.compile(r"([\\;,])")
_WEB: Final = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_FIRST_STAMP: Final = datetime(2000, 1, 1, tzinfo=UTC)
_PLANNED: Final = frozenset({Action.CREATE, Action.IN_DOUBT})
"""Exams that may not exist: their events are tentative."""
_KINDS: Final = {"exam": "", "schedule": "Booking: "}
"""The kinds of windows, and what stands before the title."""


class _Event(Struct, frozen=True, kw_only=True):
    change: Change
    kind: str
    opens: datetime
    closes: datetime | None


def plan_calendar(plan: Plan) -> str:
    """Return the exams of `plan` as a calendar, those included that are up to date.

    An exam that differs from its declaration is shown as it was created, one in doubt as it was sent. One
    that state is to forget is left out.
    """
    events = [event for change in plan.changes for event in _events_of(_as_it_is(change))]
    name = f"Exams {plan.destination.environment or ''}".rstrip()
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//reconciler//exams//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(name)}",
        *_zones_of(events),
        *(line for event in events for line in _event_lines(event, plan)),
        "END:VCALENDAR",
    )
    return "".join(map(_folded, lines))


def _as_it_is(change: Change) -> Change:
    """Return `change` with the payload that was sent, if the declared one is another."""
    if change.action is Action.CHANGED:
        return replace(change, after=None)
    if change.intent is not None:
        return replace(change, before=change.intent.payload, after=None)
    return change


def _events_of(change: Change) -> Iterator[_Event]:
    """Yield an event for each window. Without its opening, it is at its close."""
    if change.action is Action.FORGET:
        return
    for kind in _KINDS:
        opens, closes = local_window(payload_of(change), kind, change.timezone)
        begins = opens or closes
        if begins is not None:
            ends = closes if opens is not None and closes is not None and opens < closes else None
            yield _Event(change=change, kind=kind, opens=begins, closes=ends)


def _zones_of(events: Iterable[_Event]) -> Iterator[str]:
    moments: dict[ZoneInfo, list[datetime]] = {}
    for event in events:
        for moment in (event.opens, event.closes):
            if moment is not None and is_in_zone(moment) and isinstance(moment.tzinfo, ZoneInfo):
                moments.setdefault(moment.tzinfo, []).append(moment)
    for zone in sorted(moments, key=lambda zone: zone.key):
        yield from zone_lines(zone, moments[zone])


def _event_lines(event: _Event, plan: Plan) -> Iterator[str]:
    change = event.change
    yield "BEGIN:VEVENT"
    yield f"UID:{uuid.uuid5(uuid.NAMESPACE_URL, f'reconciler:{plan.lineage}:{event.kind}:{change.address}')}"
    # The serial rises with each change of state, and so with each change of a created exam's times.
    yield f"SEQUENCE:{plan.serial}"
    yield f"DTSTAMP:{_utc(_FIRST_STAMP + timedelta(seconds=plan.serial))}"
    yield _time("DTSTART", event.opens)
    if event.closes is not None:
        yield _time("DTEND", event.closes)
    payload = payload_of(change)
    yield f"SUMMARY:{_text(f'{_KINDS[event.kind]}{title_of(payload)} ({change.course_name})')}"
    yield "DESCRIPTION:" + r"\n".join(map(_text, _description(change)))
    url = payload.get("url")
    if isinstance(url, str) and _WEB.fullmatch(url):
        yield f"URL:{url}"
    yield f"CATEGORIES:{'Exam' if event.kind == 'exam' else 'Booking'}"
    yield f"STATUS:{'TENTATIVE' if change.action in _PLANNED else 'CONFIRMED'}"
    yield "TRANSP:TRANSPARENT"  # a window of days keeps nobody busy
    yield "END:VEVENT"


def _description(change: Change) -> Iterator[str]:
    facts = facts_of_change(change)
    yield change.address
    if change.action is Action.IN_DOUBT:
        yield "In doubt: it is not known whether this exam exists."
    elif change.action is Action.CREATE:
        yield "Not yet created."
    elif change.action is Action.CHANGED:
        yield "As created; its declaration differs."
    elif change.action is Action.ORPHANED:
        yield "No longer declared."
    yield from filter(None, (facts.duration, facts.proctoring, change.sid))


def _time(name: str, moment: datetime) -> str:
    if is_in_zone(moment) and isinstance(moment.tzinfo, ZoneInfo):
        return f"{name};TZID={moment.tzinfo.key}:{local_time(moment)}"
    return f"{name}:{_utc(moment)}"


def _utc(moment: datetime) -> str:
    return f"{local_time(moment.astimezone(UTC))}Z"


def _text(text: str) -> str:
    """Return `text` as a value of the type TEXT; unsafe characters are spelt out, so it is one line."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def _folded(line: str) -> str:
    """Return `line` with its line end, broken so that no part is longer than 75 octets of UTF-8."""
    parts, size = [""], 0
    for char in line:
        octets = len(char.encode())
        if size + octets > _OCTETS:
            parts.append(" ")
            size = 1
        parts[-1] += char
        size += octets
    return "".join(f"{part}\r\n" for part in parts)
