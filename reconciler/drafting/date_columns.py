"""The date-times of a table: each column in one order, and the columns of one moment joined."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from reconciler.drafting.cell_values import is_blank
from reconciler.drafting.cells import Findings, Row
from reconciler.drafting.columns import Columns
from reconciler.drafting.fields import Kind
from reconciler.drafting.table_dates import Moment, Order, WrittenDate, orders_of, read_date

_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "examOpenDate": ("examOpenDate", "startDate", "startTime"),
    "examCloseDate": ("examCloseDate", "endDate", "endTime"),
    "scheduleOpenDate": ("scheduleOpenDate",),
    "scheduleCloseDate": ("scheduleCloseDate",),
}
"""By field, the columns that may hold a date-time together."""
_SHARED: Final = "date"
"""The column with the day of an exam, where the columns above hold times of day only."""
_WITH_SHARED: Final = frozenset({"examOpenDate", "examCloseDate"})
_FORMS: Final = "Write it as 2031-10-12 09:00, or as a date of the spreadsheet; a time as 9:00 AM or 14:30."


class RowDate(Struct, frozen=True):
    """A date-time of a row, as a manifest has it, and its column. If it is None, `gap` says why."""

    field: str
    column: int
    moment: str | None
    gap: str = ""


class DateColumns:
    """The columns of a table that hold dates and times. They are read, and mistakes reported, at once."""

    def __init__(
        self, columns: Columns, rows: Sequence[Row], epoch: date, order: Order | None, findings: Findings
    ) -> None:
        self._named = columns.named
        self._columns = columns.by_field
        self._rows = rows
        self._epoch = epoch
        self._findings = findings
        self._moments = {
            name: self._read(column, order)
            for name, column in columns.by_field.items()
            if columns.fields[name].kind is Kind.DATE
        }

    def of_row(self, index: int) -> Iterator[RowDate]:
        """Yield the date-times of a row, those with a missing part too."""
        row = self._rows[index]
        for field, parts in _PARTS.items():
            named = [part for part in parts if part in self._columns]
            if field in _WITH_SHARED and _SHARED in self._columns and (named or field == "examOpenDate"):
                named.append(_SHARED)
            filled = [part for part in named if self._columns[part] in row.values]
            moments = [self._moments[part][index] for part in filled if index in self._moments[part]]
            column = self._columns[filled[0]] if filled else 0
            if moments:
                yield self._joined(field, moments, row, column)
            elif filled and all(is_blank(row.values[self._columns[part]]) for part in filled):
                yield RowDate(field, column, None, "the table leaves it open")

    def _joined(self, field: str, moments: Sequence[Moment], row: Row, column: int) -> RowDate:
        """Return the date-time that `moments` give together; report those that contradict each other."""
        days = [each.day for each in moments if each.day is not None]
        hours = [(each.hour, each.offset) for each in moments if each.hour is not None]
        if len(set(hours)) > 1 or len(set(days)) > 1:
            self._error(
                row, column, "two columns give other dates or times for this", "Clear one of the two cells."
            )
        if not days or not hours:
            return RowDate(field, column, None, f"the table gives no {'time of day' if days else 'date'}")
        hour, offset = hours[0]
        time = hour.isoformat("seconds" if hour.second else "minutes")
        return RowDate(field, column, f"{days[0]}T{time}{offset}")

    def _read(self, column: int, order: Order | None) -> dict[int, Moment]:
        """Return the moments of a column by the index of their rows."""
        written = dict[int, WrittenDate]()
        for index, row in enumerate(self._rows):
            value = row.values.get(column)
            if value is None or is_blank(value):
                continue
            read = read_date(value, self._epoch)
            if read is None:
                self._error(row, column, "this is neither a date nor a time", _FORMS)
            else:
                written[index] = read
        order = order or self._order_of(written, column)
        moments = dict[int, Moment]()
        for index, each in written.items() if order else ():
            if order in each.readings:
                moments[index] = each.readings[order]
            else:
                message = f"there is no such date in the order {order} of --dates"
                self._error(self._rows[index], column, message, _FORMS)
        return moments

    def _order_of(self, written: Mapping[int, WrittenDate], column: int) -> Order | None:
        """Return the one order in which a column can be read; None, after an error, if that is unsure."""
        orders = sorted(orders_of(written.values()))
        unsure = [
            index
            for index, each in written.items()
            if not orders or len({each.readings[order].day for order in orders}) > 1
        ]
        if not unsure:
            return orders[0]
        first = written[unsure[0]].readings
        more = f"; cells of the column that are unsure: {len(unsure):,}" if len(unsure) > 1 else ""
        days = " or ".join(sorted({str(each.day) for each in first.values()}))
        hint = f"Say in which order they are written: {' or '.join(f'--dates {each}' for each in orders)}."
        if not orders:
            hint = "The column has no one order of day and month: write its dates as 2031-10-12 09:00."
        self._findings.error(
            "ambiguous-date",
            self._rows[unsure[0]].at(column),
            f"{self._named(column)}this may be {days}{more}",
            hint,
        )
        return None

    def _error(self, row: Row, column: int, message: str, hint: str) -> None:
        self._findings.error("bad-cell", row.at(column), f"{self._named(column)}{message}", hint)
