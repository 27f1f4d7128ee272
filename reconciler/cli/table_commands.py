"""The commands that read tables of exams: draft, check."""

import argparse

from reconciler.cli.arguments import (
    below_root,
    error_console,
    print_raw,
    read_input,
    result_console,
    workspace_of,
)
from reconciler.cli.exit_codes import DONE, FAILED
from reconciler.drafting.cells import MAX_FILE_BYTES, Findings
from reconciler.drafting.column_map import MAX_MAP_BYTES, read_column_map
from reconciler.drafting.columns import NO_COLUMNS
from reconciler.drafting.comparing import compare
from reconciler.drafting.drafts import draft as make_draft
from reconciler.drafting.drafts import report_codes
from reconciler.drafting.table_file import TableExams, read_table
from reconciler.durable import create_file
from reconciler.model.comparison import Comparison
from reconciler.model.diagnostics import has_errors
from reconciler.model.errors import UsageError
from reconciler.outputs.json.writers import comparison_document, to_text
from reconciler.outputs.text.comparison_text import print_comparison
from reconciler.outputs.text.console import put
from reconciler.outputs.text.diagnostics_text import print_diagnostics


def draft(parsed: argparse.Namespace) -> int:
    """Print a manifest and, on standard error, what to fill in; return 1 if the table has a mistake."""
    findings = Findings()
    table = _read(parsed, findings)
    made = None if table is None else make_draft(table, findings)
    if table is not None and parsed.secrets_out is None:
        report_codes(table, findings)
    found = findings.collected
    print_diagnostics(found, error_console(parsed))
    if made is None or has_errors(found):
        put(error_console(parsed), "Nothing was drafted: mend the errors, and run the command again.")
        return FAILED
    if parsed.secrets_out is not None:
        _write_codes(parsed, made.shell_text)
    print_raw(made.text)
    return DONE


def check(parsed: argparse.Namespace) -> int:
    """Print how the exams of a table and the declared ones differ; return 1 if they do."""
    declared, findings = workspace_of(parsed).declared(), Findings()
    table = _read(parsed, findings)
    compared = Comparison(()) if table is None else compare(table.exams, declared, findings)
    found = findings.collected
    if parsed.format == "json":
        print_raw(to_text(comparison_document(compared, found)))
    else:
        print_diagnostics(found, error_console(parsed))
        if table is not None:
            print_comparison(compared, result_console(parsed))
    return DONE if compared.agrees and not has_errors(found) else FAILED


def _read(parsed: argparse.Namespace, findings: Findings) -> TableExams | None:
    """Return the exams of the table; None, with an error in `findings`, if it or the map has a mistake."""
    columns = NO_COLUMNS
    if parsed.columns is not None:
        columns = read_column_map(*read_input(parsed, parsed.columns, most=MAX_MAP_BYTES), findings)
        if has_errors(findings.collected):
            return None
    data, name = read_input(parsed, parsed.table, most=MAX_FILE_BYTES)
    table = read_table(data, name, findings, columns=columns, order=parsed.dates)
    return None if has_errors(findings.collected) else table


def _write_codes(parsed: argparse.Namespace, text: str) -> None:
    """Write access codes to the new file of --secrets-out. Raises UsageError if it exists."""
    try:
        create_file(below_root(parsed, parsed.secrets_out), text.encode("utf-8"))
    except FileExistsError as error:
        raise UsageError(
            f"--secrets-out {parsed.secrets_out} exists already, and is never written over",
            hint="Nothing was written. Choose another name, outside of the repository.",
        ) from error
