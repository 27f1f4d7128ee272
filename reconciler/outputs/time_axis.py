"""A scale of time: where a moment stands between the first and the last, and which moments get a label."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from itertools import takewhile
from typing import Final

from msgspec import Struct

_MARGIN: Final = 0.015
_MOST_TICKS: Final = 12
_DAY_STEPS: Final = (1, 2, 7, 14)
_MONTH_STEPS: Final = (1, 3, 6, 12, 24, 60, 120, 600, 1200, 6000)
_DAYS_OF_MONTH: Final = 30.44
_MONTHS_OF_YEAR: Final = 12


class Tick(Struct, frozen=True):
    """A labelled moment; `x` is in percent of the scale."""

    x: float
    label: str


class TimeAxis(Struct, frozen=True):
    """The stretch of time from `start` to `end`, which are in one zone, `start` the earlier."""

    start: datetime
    end: datetime

    def at(self, moment: datetime) -> float:
        """Where `moment` stands, in percent of the stretch."""
        return 100 * ((moment - self.start) / (self.end - self.start))

    def ticks(self) -> list[Tick]:
        """At most a dozen days, months or years, in local time."""
        days = (self.end - self.start) / timedelta(days=1)
        for step in _DAY_STEPS:
            if days / step <= _MOST_TICKS:
                return [Tick(self.at(moment), f"{moment:%b} {moment.day}") for moment in self._days(step)]
        months = days / _DAYS_OF_MONTH
        step = next((step for step in _MONTH_STEPS if months / step <= _MOST_TICKS), _MONTH_STEPS[-1] * 10)
        return [Tick(self.at(moment), f"{moment:%b} {moment.year}") for moment in self._months(step)]

    def _days(self, step: int) -> Iterator[datetime]:
        first = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        if step >= 7:  # noqa: PLR2004 - weeks begin on Monday
            first -= timedelta(days=first.weekday())
        moments = (first + timedelta(days=step * number) for number in range(_MOST_TICKS + 3))
        return (moment for moment in moments if self.start <= moment <= self.end)

    def _months(self, step: int) -> Iterator[datetime]:
        first = self.start.year * _MONTHS_OF_YEAR + self.start.month - 1
        first -= first % step
        months = (first + step * number for number in range(_MOST_TICKS + 3))
        years = takewhile(lambda pair: pair[0] <= MAXYEAR, (divmod(one, 12) for one in months))
        moments = (
            datetime(year, month + 1, 1, tzinfo=self.start.tzinfo) for year, month in years if year > 0
        )
        return (moment for moment in moments if self.start <= moment <= self.end)


def axis_of(moments: Iterable[datetime]) -> TimeAxis | None:
    """The scale that holds all of `moments` with some margin, in the zone of the first; None without any."""
    known: Sequence[datetime] = list(moments)
    if not known:
        return None
    first, last = min(known), max(known)
    margin = max((last - first) * _MARGIN, timedelta(hours=12))
    zone = known[0].tzinfo or UTC
    try:
        return TimeAxis((first - margin).astimezone(zone), (last + margin).astimezone(zone))
    except OverflowError:  # at either end of what a calendar holds there is no room for a margin
        return TimeAxis(first, max(last, first + timedelta(microseconds=1))) if first < last else None
