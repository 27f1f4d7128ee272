"""CSV whose cells a spreadsheet shows as they are: no cell runs as a formula."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

from reconciler.outputs.escapes import printable

# Where a spreadsheet would see a formula: at the start of a text, or behind what separates cells in some
# countries. The wide forms of the four characters begin a formula as well.
_FORMULA: Final = re.compile(r'(^|[;\t|])(?=[\s"]*[=+\-@＝＋－＠])')  # noqa: RUF001 - the wide forms are meant


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """Return `rows` as CSV (RFC 4180) with commas, each row on one line.

    Unprintable characters are spelt out. A text that would run as a formula gets a `'` in front.
    """
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(_inert(row) for row in rows)
    return written.getvalue()


def _inert(cells: Iterable[str]) -> list[str]:
    return [_FORMULA.sub(r"\1'", printable(cell)) for cell in cells]
