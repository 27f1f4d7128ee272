"""Date-times of tables: day and month in any order, names of months, and serial numbers."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from reconciler.drafting.cells import EPOCH, Value

Order: TypeAlias = Literal["mdy", "dmy", "ymd"]
"""In which order a table writes month, day and year."""
ORDERS: Final[tuple[Order, ...]] = ("mdy", "dmy", "ymd")

_TIME: Final = (
    r"(?P<hour>[0-9]{1,2})(?:[:.](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.0+)?)?)?"
    r"(?: ?(?P<half>[ap])\.? ?m\.?)?(?: ?(?P<offset>z|[+-][0-9]{2}:?[0-9]{2}))?"
)
_NUMBERS: Final = r"(?P<a>[0-9]{1,4})(?P<sign>[-/.])(?P<b>[0-9]{1,2})(?P=sign)(?P<c>[0-9]{4}|[0-9]{1,2})"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY: Final = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>[0-9]{4}|[0-9]{2})"
_WEEKDAY: Final = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}[.,]? )?"
_WHOLE: Final = tuple(
    re.compile(rf"{_WEEKDAY}{day}(?:(?:,? (?:at )?|t){_TIME})?")
    for day in (_NUMBERS, rf"{_DAY}[- .]{{1,2}}{_MONTH}[- ,]{{1,2}}{_YEAR}", rf"{_MONTH} {_DAY},? {_YEAR}")
)
_ONLY_TIME: Final = re.compile(_TIME)
_SERIAL: Final = re.compile(r"[0-9]{5}(?:\.[0-9]+)?|0?\.[0-9]+")
_SERIALS: Final = range(36_526, 73_051)
"""Serial numbers of the years 2000 to 2099, and of 2004 to 2103 in the other epoch."""
_CENTURY: Final = 2000
_YEAR_DIGITS: Final = 4
_NOON: Final = 12


class Moment(Struct, frozen=True):
    """What a cell says: a date, a time, or both; `offset` from UTC is empty for local time."""

    day: date | None = None
    hour: time | None = None
    offset: str = ""


class WrittenDate(Struct, frozen=True):
    """A cell with its possible readings; a date that has one only has it under every order."""

    readings: dict[Order, Moment]


def read_date(value: Value, epoch: date = EPOCH) -> WrittenDate | None:
    """Return the readings of `value`; None if it is neither a date nor a time.

    `epoch` is day 0 of serial dates.
    """
    if isinstance(value, str):
        text = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
        if not _SERIAL.fullmatch(text):
            return _of_text(text)
        value = float(text)
    moment = _of_cell(value, epoch)
    return None if moment is None else _certain(moment)


def orders_of(written: Iterable[WrittenDate]) -> frozenset[Order]:
    """Return the orders in which every one of the dates can be read."""
    return frozenset(ORDERS).intersection(*(each.readings for each in written))


def _certain(moment: Moment) -> WrittenDate:
    return WrittenDate(dict.fromkeys(ORDERS, moment))


def _of_cell(value: Value, epoch: date) -> Moment | None:
    """Return what a cell of a workbook says."""
    if isinstance(value, datetime):
        value = _to_the_second(value)
        return Moment(value.date(), value.time())
    if isinstance(value, date):
        return Moment(value)
    if isinstance(value, time):
        return Moment(None, value.replace(microsecond=0))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _of_serial(value, epoch)


def _of_serial(days: float, epoch: date) -> Moment | None:
    """Return what a serial number says: days since `epoch`, or a fraction of a day."""
    is_time = 0 <= days < 1
    if not is_time and not _SERIALS.start <= days < _SERIALS.stop:
        return None
    moment = _to_the_second(datetime.combine(epoch, time()) + timedelta(days=days))
    if is_time:
        return Moment(None, moment.time())
    return Moment(moment.date(), moment.time() if days % 1 else None)


def _to_the_second(moment: datetime) -> datetime:
    """Return `moment` rounded to a second: serial numbers are fractions, which are seldom exact."""
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


def _of_text(text: str) -> WrittenDate | None:
    found = _ONLY_TIME.fullmatch(text)
    if found is not None:
        hour = _time(found)
        is_time = hour is not None and (found["minute"] or found["half"])
        return _certain(Moment(None, hour, _offset(found))) if is_time else None
    found = next((match for form in _WHOLE if (match := form.fullmatch(text))), None)
    if found is None:
        return None
    hour = _time(found) if found["hour"] else None
    if found["hour"] and (hour is None or not (found["minute"] or found["half"])):
        return None
    readings = {
        order: Moment(day, hour, _offset(found))
        for order in ORDERS
        if (day := _date(found, order)) is not None
    }
    return WrittenDate(readings) if readings else None


def _date(found: re.Match[str], order: Order) -> date | None:
    """Return the date if month, day and year are in this order; None if there is no such date."""
    parts = found.groupdict()
    if "month" in parts:
        year, month, day = parts["year"], str(_MONTHS.index(parts["month"][:3]) + 1), parts["day"]
    else:
        order = "ymd" if len(parts["a"]) == _YEAR_DIGITS else order
        by_letter = dict(zip(order, (parts["a"], parts["b"], parts["c"]), strict=True))
        year, month, day = (by_letter[letter] for letter in "ymd")
        if len(year) not in {2, _YEAR_DIGITS} or max(len(month), len(day)) > 2:  # noqa: PLR2004 - two digits
            return None
    try:
        return date(int(year) + (_CENTURY if len(year) < _YEAR_DIGITS else 0), int(month), int(day))
    except ValueError:
        return None


def _time(found: re.Match[str]) -> time | None:
    """Return the time of day; None if there is none such."""
    hour, half = int(found["hour"]), found["half"]
    if half and not 1 <= hour <= _NOON:
        return None
    if half:
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    try:
        return time(hour, int(found["minute"] or 0), int(found["second"] or 0))
    except ValueError:
        return None


def _offset(found: re.Match[str]) -> str:
    offset = found["offset"] or ""
    if not offset or offset == "z":
        return offset.upper()
    return f"{offset[:3]}:{offset[-2:]}"
