"""Finds the row that names the columns of a table, and which column holds which field."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.drafting.cells import Findings, Row, Sheet, Value
from reconciler.drafting.fields import Field, fields_by_column, folded_name
from reconciler.model.outside_text import SHORT, tamed
from reconciler.model.words import first_few

_LOOKED_AT: Final = 30
"""Rows at the top among which the names of the columns are looked for."""
_FEWEST: Final = 2
_MAP_HINT: Final = "To read one of them, say which field it holds: --map FILE.yaml."

ColumnMap: TypeAlias = Mapping[str, Field | None]
"""Fields by the folded names of columns; None for a column that is not to be read."""
NO_COLUMNS: Final[ColumnMap] = MappingProxyType({})


_Cells: TypeAlias = frozenset[tuple[int, str]]


class Columns(Struct, frozen=True):
    """The columns of one table by the names of their fields; `head` is the row that names them.

    `names` are those of all columns. `above` are the cells of the rows down to `head`.
    """

    head: Row
    names: Mapping[int, str]
    above: frozenset[_Cells]
    by_field: Mapping[str, int]
    fields: Mapping[str, Field]

    @property
    def width(self) -> int:
        """The last column with a name."""
        return max(self.names)

    def named(self, column: int) -> str:
        """Return the name of a column, to begin a message about one of its cells."""
        return f"column {_quoted(self.names[column])}: "

    def is_repeated(self, row: Row) -> bool:
        """Return whether `row` is one of the rows down to `head` again, as on each page of a print-out."""
        return len(row.values) >= _FEWEST and _cells(row) in self.above


def known_columns(given: ColumnMap) -> ColumnMap:
    """Return all names of columns that are known: the documented ones, and those of `--map`."""
    return {**fields_by_column(), **given}


def count_known(cells: Iterable[Value], known: ColumnMap) -> int:
    """Return how many different fields `cells` name."""
    found = (known.get(_folded(cell)) for cell in cells)
    return len({field.name for field in found if field is not None})


def columns_of(sheet: Sheet, known: ColumnMap, findings: Findings) -> tuple[Columns, list[Row]] | None:
    """Return the columns of `sheet`, and the rows below their names; None if no row names any.

    A row that names groups of columns may be above the names: `Window` above `Start` and `End`.
    """
    best, most = -1, 0
    for index, row in enumerate(sheet.rows[:_LOOKED_AT]):
        names = _names(sheet.rows, index, known)
        count = count_known(names.values(), known)
        if count > most and (count >= _FEWEST or len(row.values) == count):
            best, most = index, count
    if best < 0:
        return None
    head, names = sheet.rows[best], _names(sheet.rows, best, known)
    by_field, ignored, fields = dict[str, int](), list[str](), dict[str, Field]()
    for column, name in names.items():
        field = known.get(_folded(name))
        if _folded(name) not in known:
            ignored.append(_quoted(name))
        elif field is not None and field.name in by_field:
            first = names[by_field[field.name]]
            findings.error(
                "two-columns",
                head.at(column),
                f"the columns {_quoted(first)} and {_quoted(name)} both hold `{field.name}`",
                "Say in a file of --map which of the two to ignore, as in "
                f"`{_quoted(name)}: ignore`, or what else it holds.",
            )
        elif field is not None:
            by_field[field.name], fields[field.name] = column, field
    if ignored:
        names_ignored = first_few(ignored, between=", ")
        findings.warn("not-read", head.at(), f"these columns are not read: {names_ignored}", _MAP_HINT)
    above = frozenset(map(_cells, sheet.rows[: best + 1]))
    return Columns(head, names, above, by_field, fields), sheet.rows[best + 1 :]


def _names(rows: list[Row], index: int, known: ColumnMap) -> dict[int, str]:
    """Return the name of each column if row `index` names them, with the help of the row above it."""
    own = rows[index].values
    above = rows[index - 1].values if index and rows[index - 1].line == rows[index].line - 1 else {}
    names, group = dict[int, str](), ""
    for column in range(1, max([*own, *above], default=0) + 1):
        group = str(above.get(column, group))
        name = str(own.get(column, above.get(column, "")))
        whole = f"{group} {name}"
        if column in own and _folded(whole) in known:
            name = whole
        if name:
            names[column] = name
    return names


def _cells(row: Row) -> _Cells:
    return frozenset((column, _folded(value)) for column, value in row.values.items())


def _folded(value: Value | None) -> str:
    return folded_name(value[:SHORT]) if isinstance(value, str) else ""


def _quoted(name: str) -> str:
    return f"'{tamed(name, most=60)}'"
