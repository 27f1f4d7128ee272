"""Shifts dates from one term to another, week by week."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from reconciler.manifest.exam.dates import BadDateTime, local_reading, normalized, offset_of
from reconciler.model.instants import spell_instant
from reconciler.model.terms import Term, monday_of

_OFFSET: Final = re.compile(r"(?<=[0-9]) ?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})\Z")
_SEASON: Final = r"\b(?:spring|summer|fall|autumn|winter)\s+(?:term\s+|semester\s+)?"
_NOTHING: Final = "(?!)"
"""A pattern that matches nothing."""
_MINUTE: Final = timedelta(minutes=1)
_DAY_END: Final = len("2032-01-12")
_CLOCK_END: Final = len("2032-01-12T09:00")


class ShiftedDate(Struct, frozen=True, kw_only=True):
    """A date-time of the new term, as text. `week` is None if it was shifted by plain whole weeks.

    `problem` is that of the local time: a clock change skips or repeats it.
    """

    text: str
    day: date
    week: int | None
    problem: BadDateTime | None = None


class TermShift:
    """Shifts days of the term `old` to the term `new`.

    A day of a counted week becomes the same weekday of the week with the same number, if the new term has
    it. Every other day moves by the whole weeks between the two weeks in which the terms start.
    """

    def __init__(self, old: Term, new: Term) -> None:
        self.old = old
        self.new = new
        pairs = zip(old.mondays, new.mondays, strict=False)
        self._weeks = {before: (after, number) for number, (before, after) in enumerate(pairs, 1)}
        self._plain = monday_of(new.starts) - monday_of(old.starts)
        self._name = re.compile(rf"(?<![A-Za-z0-9]){re.escape(old.name)}(?![A-Za-z0-9])")
        years = {old.starts.year, old.ends.year}
        only_old = "|".join(map(str, sorted(years - {new.starts.year, new.ends.year}))) or _NOTHING
        of_old = "|".join(map(str, sorted(years)))
        self._wording = re.compile(
            rf"{self._name.pattern}|\b(?:{only_old})\b|{_SEASON}(?:{of_old})\b", re.IGNORECASE
        )

    def with_new_name(self, text: str) -> str | None:
        """Return `text` with the new term's name in place of the old one's; None if it does not name it."""
        return self._name.sub(self.new.name, text) if self._name.search(text) else None

    def address(self, address: str) -> str:
        """Return the new address of an exam; one that does not begin with the old term stays."""
        old = f"{self.old.name}/"
        return f"{self.new.name}/{address.removeprefix(old)}" if address.startswith(old) else address

    def renamed(self, course: str) -> str:
        """Return the new short name of `course`."""
        return self.with_new_name(course) or f"{self.new.name}-{course}"

    def names_old_term(self, text: str) -> bool:
        """Return whether `text`, which people read, seems to be about the old term."""
        return self._wording.search(text) is not None

    def day(self, day: date) -> tuple[date, int | None]:
        """Return the day that `day` becomes, and the number of its week; None if it is plainly shifted."""
        monday = monday_of(day)
        after, week = self._weeks.get(monday, (monday + self._plain, None))
        return after + (day - monday), week

    def shifted(self, text: str, zone: ZoneInfo | None) -> ShiftedDate:
        """Return the valid date-time `text`, shifted; its time of day in `zone` stays the same.

        One with an offset gets the offset of `zone` on its new day, or keeps it without a zone. Raises
        OverflowError.
        """
        moment, _ = local_reading(text, zone)
        day, week = self.day(moment.date())
        offset = _OFFSET.search(text)
        local = datetime.combine(day, moment.time())
        if zone is None or offset is None:
            shifted = f"{day}{text[_DAY_END:]}"
        else:
            shifted = _with_offset(local, zone, text, offset[0])
        return ShiftedDate(text=shifted, day=day, week=week, problem=_problem(local, zone))


def _with_offset(local: datetime, zone: ZoneInfo, text: str, offset: str) -> str:
    """Return the time `local` in `zone` with its offset, written as `text` is, which ends in `offset`.

    If the clocks show it twice, it is the reading that has the same offset.
    """
    written = offset_of(offset.strip()).utcoffset(None)
    readings = [local.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    reading = next((one for one in readings if one.utcoffset() == written), readings[0])
    span = reading.utcoffset() or timedelta()
    seconds = text[_CLOCK_END : len(text) - len(offset)]
    if span % _MINUTE or local.second != int(seconds[1:3] or 0):  # RFC 3339 has no such historic offsets
        return spell_instant(reading.astimezone(UTC))
    spelt = offset if span == written else reading.isoformat()[-len("+00:00") :]
    return f"{local.date()}{text[_DAY_END]}{local:%H:%M}{seconds}{spelt}"


def _problem(local: datetime, zone: ZoneInfo | None) -> BadDateTime | None:
    if zone is None:
        return None
    try:
        normalized(local.isoformat(timespec="milliseconds"), zone)
    except BadDateTime as error:
        return error
    return None
