"""Reads the rows of tables: what each says of one exam, with the place of every value."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time, timedelta
from typing import Final

from msgspec import Struct, field

from reconciler.drafting.cell_values import BadCell, is_blank, says_no_url, text_of, value_for
from reconciler.drafting.cells import Findings, Row, Sheet, Value
from reconciler.drafting.columns import ColumnMap, Columns, columns_of
from reconciler.drafting.date_columns import DateColumns, RowDate
from reconciler.drafting.fields import Field, Kind
from reconciler.drafting.table_dates import Order
from reconciler.manifest.exam.zone_names import zone_advice
from reconciler.model.diagnostics import Position
from reconciler.model.identities import ADDRESS_RULE, is_address, is_course_sid, is_exam_sid, is_install_sid
from reconciler.model.payloads import Json
from reconciler.model.secrets import InlineSecret
from reconciler.zones import zone_of

Path = tuple[str, ...]

PASSWORD: Final = ("configuration", "password")
_DURATION: Final = ("configuration", "duration")
_FEW_COLUMNS: Final = 3
_SHORTEST_SECRET: Final = 4
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ERROR: Final = re.compile(r"#(?:REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|N/A|SPILL!|CALC!)")
_CHECKS: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "address": (is_address, f"Use {ADDRESS_RULE}."),
    "sid": (
        is_exam_sid,
        "Write `EX` and 32 hexadecimal digits in lower case, as SmarterProctoring shows it.",
    ),
    "courseSid": (is_course_sid, "Write `CU` and 32 hexadecimal digits in lower case."),
    "installSid": (is_install_sid, "Write `AI` and 32 hexadecimal digits in lower case."),
}


class ExamRow(Struct, kw_only=True):
    """One exam as a row gives it: `values` by their paths in an exam.

    `others` are the texts of fields that are no exam's own, such as `course`. `places` are by the path of a
    value, or by the name of another field. `code` is the access code; `has_code` is None if the table has no
    column for it. `gaps` are the fields that the row leaves open, with the reason.
    """

    row: Row
    values: dict[Path, Json] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    places: dict[Path, Position] = field(default_factory=dict)
    gaps: dict[Path, str] = field(default_factory=dict)
    code: InlineSecret | None = None
    has_code: bool | None = None

    @property
    def title(self) -> str:
        """The title; empty if the row has none."""
        return str(self.values.get(("title",), ""))


class Table(Struct, frozen=True):
    """The exams of all sheets. `heads` are the rows that name columns, with the fields named there."""

    rows: list[ExamRow]
    heads: list[tuple[Row, frozenset[str]]]


def read_rows(sheets: Iterable[Sheet], known: ColumnMap, order: Order | None, findings: Findings) -> Table:
    """Return the exams of `sheets`; `order` is that of day and month, if the user gave it."""
    table = Table([], [])
    for sheet in sheets:
        found = columns_of(sheet, known, findings)
        if found is None:
            if sheet.name and sheet.rows:
                findings.warn(
                    "not-read",
                    sheet.rows[0].at(),
                    "this sheet is not read, because no row names its columns",
                    "If it has exams, name its columns in the first row, or use --map FILE.yaml.",
                )
            continue
        columns, below = found
        rows = list(_exams(columns, below, findings))
        dates = DateColumns(columns, rows, sheet.epoch, order, findings)
        table.heads.append((columns.head, frozenset(columns.by_field)))
        table.rows.extend(
            _exam(row, columns, dates.of_row(index), findings) for index, row in enumerate(rows)
        )
    _refuse_codes_in_texts(table.rows, findings)
    return table


def _exams(columns: Columns, below: Iterable[Row], findings: Findings) -> Iterator[Row]:
    """Yield the rows that are exams: no repeated names of columns, and no single text between exams."""
    mapped = frozenset(columns.by_field.values())
    for row in below:
        if columns.is_repeated(row):
            continue
        if max(row.values) > columns.width and not row.sheet:
            findings.error(
                "bad-cell",
                row.at(max(row.values)),
                "this row has more cells than there are columns",
                "Put a cell that holds a separator between quotation marks.",
            )
        elif len(row.values) == 1 < _FEW_COLUMNS <= len(mapped):
            findings.warn(
                "not-read",
                row.at(),
                "this row is not read, because it has a single cell",
                "If it is an exam, fill in its other cells.",
            )
        elif not mapped.isdisjoint(row.values):
            yield row


def _exam(row: Row, columns: Columns, dates: Iterable[RowDate], findings: Findings) -> ExamRow:
    exam = ExamRow(row=row, has_code=False if "password" in columns.by_field else None)
    for name, column in columns.by_field.items():
        known, value = columns.fields[name], row.values.get(column)
        if value is not None and known.kind is not Kind.DATE:
            exam.places[known.path or (name,)] = row.at(column)
            try:
                _refuse_errors(value)
                _take(exam, known, value, findings)
            except BadCell as error:
                message = f"{columns.named(column)}this cannot be `{name}`"
                findings.error("bad-cell", row.at(column), message, error.hint)
    for found in dates:
        path = ("configuration", found.field)
        exam.places[path] = row.at(found.column)
        if found.moment is None:
            exam.gaps[path] = found.gap
        else:
            exam.values[path] = found.moment
    return exam


def _take(exam: ExamRow, known: Field, value: Value, findings: Findings) -> None:
    """Take the value of a cell into `exam`. Raises BadCell."""
    if is_blank(value) and not (known.name == "url" and says_no_url(value)):
        return
    if known.kind is Kind.SECRET:
        _take_code(exam, value, findings)
    elif known.name == "durationHours":
        exam.places[_DURATION] = exam.places[known.name,]
        _put(exam, _DURATION, value_for(known, value))
    elif known.path:
        _put(exam, known.path, value_for(known, value))
        if known.name == "type" and known.path not in exam.values:
            exam.gaps[known.path] = "the table does not say clearly whether it is Online or Written"
    else:
        exam.others[known.name] = _checked(known.name, text_of(value))


def _put(exam: ExamRow, path: Path, value: Json) -> None:
    """Put a value that is not None into `exam`. Raises BadCell for characters that no manifest may hold."""
    if value is None:
        return
    if isinstance(value, str | list):
        _refuse_control_characters("".join(value))
    exam.values[path] = value


def _refuse_errors(value: Value) -> None:
    """Raise BadCell for an error of a spreadsheet, such as `#REF!`."""
    if isinstance(value, str) and _ERROR.fullmatch(value):
        raise BadCell("The formula of this cell failed: correct it, or clear the cell.")


def _refuse_control_characters(text: str) -> None:
    if found := _CONTROL.search(text):
        raise BadCell(
            f"Remove the character U+{ord(found[0]):04X}, which cannot be seen and must not be sent."
        )


def _checked(name: str, text: str) -> str:
    """Return `text` if it can be the field `name`. Raises BadCell."""
    _refuse_control_characters(text)
    check, hint = _CHECKS.get(name, (None, ""))
    if check is not None and not check(text):
        raise BadCell(hint)
    if name == "timezone" and zone_of(text) is None:
        raise BadCell(zone_advice(text))
    return text


def _take_code(exam: ExamRow, value: Value, findings: Findings) -> None:
    """Take an access code exactly as it is. Raises BadCell."""
    if isinstance(value, bool | date | time | timedelta):
        raise BadCell(
            "A spreadsheet takes this access code for something else: make the cell text, and type it again."
        )
    code = value if isinstance(value, str) else text_of(value)
    if _CONTROL.search(code) or "\n" in code or "\t" in code or "\r" in code:
        raise BadCell("An access code is one line of letters, digits and signs.")
    if not isinstance(value, str):
        findings.warn(
            "not-text",
            exam.places[PASSWORD],
            "this access code is a number, so zeros in front of it may be lost",
            "Compare it with the quiz, and make the cell text if it differs.",
        )
    exam.code, exam.has_code = InlineSecret(code), True


def _refuse_codes_in_texts(rows: Iterable[ExamRow], findings: Findings) -> None:
    """Report texts that hold the access code of their row, or are one of another row."""
    rows = list(rows)
    codes = {exam.code.value for exam in rows if exam.code is not None}
    codes = {code for code in codes if len(code) >= _SHORTEST_SECRET}
    for exam in rows if codes else ():
        own = exam.code.value if exam.code is not None and exam.code.value in codes else None
        for path, text in _texts(exam):
            if text in codes or (own is not None and own in text):
                findings.error(
                    "code-in-text",
                    exam.places[path],
                    f"an access code stands in `{path[-1]}`, which a manifest shows to everybody",
                    "Take it out of this cell, or choose another access code.",
                )


def _texts(exam: ExamRow) -> Iterator[tuple[Path, str]]:
    """Yield every text of `exam` after its path."""
    yield from (((name,), text) for name, text in exam.others.items())
    for path, value in exam.values.items():
        yield from (
            (path, each) for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)
        )
