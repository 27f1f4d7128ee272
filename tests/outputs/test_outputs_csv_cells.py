"""CSV for spreadsheets: no cell runs as a formula, and every row is one line."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.outputs.tables.csv_cells import csv_text

_HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", " =1+1", '"=1+1"', "＝1+1"]  # noqa: RUF001


def _read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(text.splitlines(), delimiter=delimiter))


@pytest.mark.parametrize("cell", _HOSTILE)
def test_a_formula_is_text_in_every_column(cell: str) -> None:
    """A cell that a spreadsheet would run gets a quotation mark, or begins with a spelt-out character."""
    for row in _read(csv_text([[cell, "a", cell]])):
        assert [one[0] for one in row if one != "a"] in (["'", "'"], ["\\", "\\"])


@pytest.mark.parametrize("cell", _HOSTILE)
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_formula_behind_another_separator_is_text(cell: str, separator: str) -> None:
    """A spreadsheet of a country that separates by semicolons finds no formula either."""
    text = csv_text([["a", f"Quiz{separator}{cell}", "b"]])
    cells = [cell for row in _read(text, separator) for cell in row]
    assert not [cell for cell in cells if cell.lstrip().startswith(tuple("=+-@＝"))]  # noqa: RUF001


def test_what_is_no_formula_stays_as_it_is() -> None:
    """Commas, quotation marks and signs inside a text are read back unharmed."""
    row = ["cs101/final", "a1b2-c3", "", 'Final, "A=B" - part 1; or 2', "Prüfung"]
    assert _read(csv_text([row])) == [row]


@given(st.lists(st.lists(st.text(), min_size=1), max_size=4))
def test_every_row_is_one_line(rows: list[list[str]]) -> None:
    """Whatever a title holds, rows and cells stay as many as they are."""
    text = csv_text(rows)
    assert text.count("\n") == len(rows)
    assert [len(row) for row in _read(text)] == [len(row) or 1 for row in rows]
