"""Exams in words: title, time windows, other facts, and both sides of a difference; never a secret."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.model.instants import read_instant
from reconciler.model.lookalikes import latinised
from reconciler.model.payloads import Json, Payload, configuration_of
from reconciler.model.plan import Absent, Change, FieldDiff
from reconciler.model.proctors import proctor_words
from reconciler.model.sameness import folded
from reconciler.outputs.escapes import ELLIPSIS, shorten, visible
from reconciler.zones import zone_of

_TO: Final = " \N{EN DASH} "
_MINUTE_S: Final = 60
_INSTANT_LENGTH: Final = len("1970-01-01T00:00:00Z")

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_OFFSETS: Final = {
    "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180,
    "MSK": 180, "SAST": 120, "NST": -210, "NDT": -150, "AST": -240, "ADT": -180, "EST": -300, "EDT": -240,
    "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "AKST": -540,
    "AKDT": -480, "HST": -600, "PKT": 300, "HKT": 480, "JST": 540, "KST": 540, "AWST": 480,
    "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
}  # fmt: skip
"""Abbreviations of time zones with the offset, in minutes, that readers take them to mean."""

_Bounds: TypeAlias = Sequence[datetime]


class Window(Struct, frozen=True):
    """A time window in words; `utc` is empty if local time is UTC, or if a bound is not an instant."""

    local: str
    utc: str


def _bounds_of(payload: Payload, kind: str) -> tuple[Json, Json]:
    """Return the bounds of the window `kind` (`exam` or `schedule`) as they are in `payload`."""
    configuration = configuration_of(payload)
    return configuration.get(f"{kind}OpenDate"), configuration.get(f"{kind}CloseDate")


def window_of(payload: Payload, kind: str, timezone: str | None) -> Window | None:
    """Return the window `kind` in words; None if the payload has neither bound."""
    bounds = _bounds_of(payload, kind)
    shown = [bound if isinstance(bound, str) else repr(bound) for bound in bounds if bound is not None]
    if not shown:
        return None
    moments = [moment for bound in bounds if (moment := _instant(bound)) is not None]
    lead = "" if len(shown) > 1 else ("from " if bounds[0] is not None else "until ")
    if len(moments) < len(shown):
        return Window(lead + _TO.join(shown), "")
    return _window(moments, timezone, lead)


def window_at(moment: datetime, timezone: str | None) -> Window:
    """Return `moment`, which is aware, in local time and in UTC."""
    return _window([moment.astimezone(UTC)], timezone, "")


def _window(moments: _Bounds, timezone: str | None, lead: str) -> Window:
    local = _local(moments, timezone)
    is_utc = all(moment.utcoffset() == timedelta(0) for moment in local)
    return Window(lead + _spell(local), "" if is_utc else _spell_utc(moments, local))


def moment_text(value: Json, timezone: str | None) -> str | None:
    """Return `value` in local time; None if it is not an instant of a payload."""
    moment = _instant(value)
    return None if moment is None else _spell(_local([moment], timezone))


def local_window(
    payload: Payload, kind: str, timezone: str | None
) -> tuple[datetime | None, datetime | None]:
    """Return the bounds of the window `kind` in `timezone`; None for a bound that is not an instant."""
    opens, closes = (
        None if (moment := _instant(bound)) is None else _local([moment], timezone)[0]
        for bound in _bounds_of(payload, kind)
    )
    return opens, closes


def _instant(value: Json) -> datetime | None:
    if not isinstance(value, str) or len(value) < _INSTANT_LENGTH or not value.endswith("Z"):
        return None
    return read_instant(value)


def _local(moments: _Bounds, timezone: str | None) -> list[datetime]:
    """Return `moments` in `timezone`; in UTC if it is None or unknown."""
    zone = zone_of(timezone) if timezone else None
    try:
        return [moment.astimezone(zone or UTC) for moment in moments]
    except OverflowError:
        return list(moments)


def _spell(moments: _Bounds) -> str:
    """Return `moments` with days and zones; a day or a zone that they share is named once."""
    zones = [_zone(moment) for moment in moments]
    is_one_zone, is_one_day = len(set(zones)) == 1, len({moment.date() for moment in moments}) == 1
    spelt = [
        f"{'' if number and is_one_zone and is_one_day else f'{_day(moment)} '}{_time(moment)}"
        for number, moment in enumerate(moments)
    ]
    if is_one_zone:
        return f"{_TO.join(spelt)} {zones[0]}"
    return _TO.join(f"{each} {zone}" for each, zone in zip(spelt, zones, strict=True))


def _spell_utc(moments: _Bounds, local: _Bounds) -> str:
    """Return `moments` in UTC, without days if they are the same as those of `local`."""
    if [moment.date() for moment in moments] == [moment.date() for moment in local]:
        return f"{_TO.join(_time(moment) for moment in moments)} UTC"
    return _spell(moments)


def _day(moment: datetime) -> str:
    # On some platforms, strftime does not pad years before 1000.
    return f"{_DAYS[moment.weekday()]} {moment.date().isoformat()}"


def _time(moment: datetime) -> str:
    has_seconds = bool(moment.second or moment.microsecond)
    return moment.time().isoformat("auto" if has_seconds else "minutes")


def _zone(moment: datetime) -> str:
    """Return the abbreviation of the zone or, if readers could take it for another zone, its offset."""
    name, offset = moment.tzname() or "UTC", moment.utcoffset() or timedelta(0)
    if _OFFSETS.get(name) == offset.total_seconds() / _MINUTE_S:
        return name
    hours, minutes = divmod(abs(round(offset.total_seconds() / _MINUTE_S)), 60)
    sign = "-" if offset < timedelta(0) else "+"
    return f"UTC{sign}{hours}{f':{minutes:02}' if minutes else ''}"


PASSWORD_PATH: Final = "configuration.password"  # noqa: S105 - a path, not a password

ALIASED: Final = {"courseSid": "course", "contactUserSid": "contactUser"}
"""Paths of SIDs, and of the aliases that manifests may have in place of them."""

NO_NAMES: Final[Mapping[str, str]] = {}
"""Aliases by SID: none is known."""

_LONGEST_TITLE: Final = 200
_LONGEST_SIDE: Final = 300
_SHARED_SHOWN: Final = 30


def payload_of(change: Change) -> Payload:
    """Return the payload that describes the exam: the declared, else the created, else the one in doubt."""
    if change.after is not None:
        return change.after
    if change.before is not None:
        return change.before
    return {} if change.intent is None else change.intent.payload


def title_of(payload: Payload) -> str:
    """Return the title, shortened; an empty text if there is none."""
    title = payload.get("title")
    return shorten(visible(title), _LONGEST_TITLE) if isinstance(title, str) else ""


def windows_of(payload: Payload, timezone: str | None) -> list[tuple[str, Window]]:
    """Return the windows of `payload` after their labels: `exam` (sitting), then `schedule` (booking)."""
    found = ((kind, window_of(payload, kind, timezone)) for kind in ("exam", "schedule"))
    return [(kind, window) for kind, window in found if window is not None]


def secret_words(reference: Json) -> str:
    """Return where a secret comes from; a reference of an unknown form is hidden."""
    match reference:
        case {"fromEnv": str(name)}:
            return f"from {name}"
        case {"fromFile": str(path)}:
            return f"from file {path}"
        case {"inline": True}:
            return "written in the manifest (hidden)"
        case _:
            return "(hidden)"


def sides_of(
    difference: FieldDiff, timezone: str | None, names: Mapping[str, str] = NO_NAMES
) -> tuple[str, str]:
    """Return both sides of `difference` in words; long ones are cut around the first differing character.

    `names` are aliases of courses and users by SID. Sides that look alike are spelt out: their characters
    beyond ASCII are escapes.
    """
    if difference.is_of_value:
        reference = _side(difference.before, difference.path, timezone, names)
        return f"{reference}, the value that was sent", "another value (both hidden)"
    before, after = (
        _side(side, difference.path, timezone, names) for side in (difference.before, difference.after)
    )
    if folded(latinised(before)) == folded(latinised(after)):
        before, after = (side.encode("ascii", "backslashreplace").decode("ascii") for side in (before, after))
    shared = _shared_length(before, after)
    skipped = 0 if max(len(before), len(after)) <= _LONGEST_SIDE else max(shared - _SHARED_SHOWN, 0)
    lead = ELLIPSIS if skipped else ""
    return (
        shorten(lead + before[skipped:], _LONGEST_SIDE),
        shorten(lead + after[skipped:], _LONGEST_SIDE),
    )


def _shared_length(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _side(value: "Json | Absent", path: str, timezone: str | None, names: Mapping[str, str]) -> str:
    if isinstance(value, Absent):
        return "(not set)"
    if path == PASSWORD_PATH and value is not None:
        return secret_words(value)
    if path == "configuration" and isinstance(value, Mapping) and "password" in value:
        return _json({**value, "password": secret_words(value["password"])})
    if path in ALIASED and isinstance(value, str) and value in names:
        return f"{visible(names[value])} ({value})"
    return moment_text(value, timezone) or _json(value)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


_PROCTOR_TYPES_SHOWN: Final = 4
_LONGEST_WORD: Final = 60


class ExamFacts(Struct, frozen=True, kw_only=True):
    """One exam in words, not yet escaped. Facts that are not set are empty, windows None."""

    title: str
    course: str
    exam: Window | None
    booking: Window | None
    duration: str
    proctoring: str


def facts_of_change(change: Change) -> ExamFacts:
    """Return the facts of the exam of `change`, from the same payload as `payload_of`."""
    payload = payload_of(change)
    windows = dict(windows_of(payload, change.timezone))
    return ExamFacts(
        title=title_of(payload),
        course=change.course_name,
        exam=windows.get("exam"),
        booking=windows.get("schedule"),
        duration=duration_of(payload),
        proctoring=proctoring_of(payload),
    )


def proctoring_of(payload: Payload) -> str:
    """Return the kinds of proctors, and whether the proctor manager assigns them."""
    kinds = configuration_of(payload).get("proctorTypes")
    listed = kinds if isinstance(kinds, Sequence) and not isinstance(kinds, str) else ()
    words = [
        _word(proctor_words(kind) if isinstance(kind, str) else kind)
        for kind in listed[:_PROCTOR_TYPES_SHOWN]
    ]
    if len(listed) > _PROCTOR_TYPES_SHOWN:
        words.append(f"{len(listed) - _PROCTOR_TYPES_SHOWN} more")
    words += ["proctor manager"] if payload.get("useProctorManager") is True else []
    return ", ".join(word for word in words if word)


def duration_of(payload: Payload) -> str:
    """Return the duration in minutes; an empty text if it is not set."""
    value = configuration_of(payload).get("duration")
    return f"{_word(value)} min" if value is not None else ""


def _word(value: Json) -> str:
    return "" if value is None else shorten(str(value), _LONGEST_WORD)
