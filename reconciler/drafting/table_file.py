"""Reads the exams of a file of any kind: CSV, a workbook, or quizzes that Canvas exported."""

from collections.abc import Iterable
from functools import partial

from msgspec import Struct

from reconciler.drafting.canvas import is_json, read_canvas
from reconciler.drafting.cells import MAX_FILE_BYTES, Findings, Row, Sheet, Unreadable
from reconciler.drafting.columns import ColumnMap, count_known, known_columns
from reconciler.drafting.csv_table import decoded, read_csv
from reconciler.drafting.exams import TableExam, named
from reconciler.drafting.rows import read_rows
from reconciler.drafting.table_dates import Order
from reconciler.drafting.workbook import is_workbook, read_workbook
from reconciler.model.diagnostics import Position, has_errors


class TableExams(Struct, frozen=True):
    """The exams of the file `name`. `heads` are the rows that name columns, with the fields named there."""

    name: str
    exams: list[TableExam]
    heads: list[tuple[Row, frozenset[str]]]


def read_table(
    data: bytes, name: str, findings: Findings, *, columns: ColumnMap, order: Order | None
) -> TableExams:
    """Return the exams in `data`, the file `name`; report what is wrong.

    `columns` are those of `--map`, and `order` is that of day and month, if the user gave it. Raises
    PackageMissing.
    """
    known, start = known_columns(columns), Position(name, 1, 1)
    try:
        sheets = _sheets(data, name, findings, known)
    except Unreadable as error:
        findings.error("table-unreadable", error.at, error.message, error.hint)
        return TableExams(name, [], [])
    table = read_rows(sheets, known, order, findings)
    if not table.heads:
        findings.error(
            "table-unreadable",
            start,
            "no row names the columns of a table of exams",
            "Name them in the first row, such as title, course, start and end, or use --map FILE.yaml.",
        )
    elif not (table.rows or has_errors(findings.collected)):
        at = table.heads[0][0].at()
        findings.error(
            "table-unreadable", at, "there is no exam below the names of the columns", "Add the exams."
        )
    return TableExams(name, named(table.rows, findings), table.heads)


def _sheets(data: bytes, name: str, findings: Findings, known: ColumnMap) -> Iterable[Sheet]:
    """Return the tables in `data`. Raises Unreadable and PackageMissing."""
    if len(data) > MAX_FILE_BYTES:
        raise Unreadable(
            f"this file is larger than {MAX_FILE_BYTES // 1024**2} MiB",
            hint="Keep only the rows of the exams, or split the table.",
            at=Position(name, 1, 1),
        )
    if is_workbook(data):
        return read_workbook(data, name)
    if is_json(data):
        return read_canvas(decoded(data, name, findings), name, findings)
    return read_csv(data, name, findings, partial(count_known, known=known))
