"""Reads the file of `--map`: which field each column of a table holds, where its name does not say so."""

from typing import Final

from msgspec.structs import replace

from reconciler.drafting.cells import Findings
from reconciler.drafting.columns import ColumnMap
from reconciler.drafting.fields import IGNORED, Field, fields, folded_name
from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.source import SourceText
from reconciler.manifest.yaml.document import read
from reconciler.manifest.yaml.nodes import TextRange
from reconciler.model.words import suggestion

MAX_MAP_BYTES: Final = 1024 * 1024
_FORM: Final = "Write a line for each column: its name, and the field that it holds, as in `Kursname: title`."
_OF_THE_WHOLE: Final = frozenset({"empty-document", "not-a-mapping"})


def read_column_map(data: bytes, name: str, findings: Findings) -> ColumnMap:
    """Return the columns in `data`, the file `name`; report what is wrong with it."""
    if len(data) > MAX_MAP_BYTES:
        diagnostics, document = FileDiagnostics(SourceText(name, "")), None
        diagnostics.add("too-large", TextRange(0, 0), "this file is larger than 1 MiB", _FORM)
    else:
        diagnostics, document = read(name, data)
    columns = dict[str, Field | None]()
    if document is not None:
        known = [*fields(), IGNORED]
        for column, (_, at) in document.root.ranges().items():
            value = document.root[column]
            if isinstance(value, str) and value in known:
                columns[folded_name(column)] = fields().get(value)
                continue
            hint = f"Fields are: {', '.join(known)}."
            if isinstance(value, str):
                hint = suggestion(value, known, hint)
            diagnostics.add(
                "not-a-column", at, f"{diagnostics.echo(column)} is mapped to an unknown field", hint
            )
    for found in diagnostics.collected:
        findings.take(replace(found, hint=_FORM) if found.code in _OF_THE_WHOLE else found)
    return columns
