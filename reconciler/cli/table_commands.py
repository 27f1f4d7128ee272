"""The commands that read tables of exams: draft, check."""

import argparse
from typing import Final

from reconciler.cli.arguments import (
    error_console,
    print_raw,
    read_input,
    result_console,
    root_of,
    workspace_of,
)
from reconciler.cli.exit_codes import DONE, FAILED
from reconciler.drafting.cells import MAX_FILE_BYTES, Findings
from reconciler.drafting.column_map import MAX_MAP_BYTES, read_column_map
from reconciler.drafting.columns import NO_COLUMNS
from reconciler.drafting.comparing import compare
from reconciler.drafting.drafts import Draft, report_codes
from reconciler.drafting.drafts import draft as make_draft
from reconciler.drafting.new_files import NewFile, write_new
from reconciler.drafting.table_file import TableExams, read_table
from reconciler.model.comparison import Comparison
from reconciler.model.diagnostics import has_errors
from reconciler.outputs.json.writers import comparison_document, to_text
from reconciler.outputs.text.comparison_text import print_comparison
from reconciler.outputs.text.console import count_of, put
from reconciler.outputs.text.diagnostics_text import print_diagnostics
from reconciler.workspace import Workspace

_NOT_DRAFTED: Final = (
    "Nothing was drafted: mend the errors, and run the command again. No cell is shown here, since an access "
    "code may have slipped into it."
)


def draft(parsed: argparse.Namespace) -> int:
    """Print or write a manifest, and tell what to fill in; return 1 if the table has a mistake."""
    findings = Findings()
    table = _read(parsed, findings)
    environments = Workspace.open(root=root_of(parsed)).every_environment()
    made = None if table is None else make_draft(table, findings, environments)
    if table is not None and parsed.secrets_out is None:
        report_codes(table, findings)
    found = findings.collected
    print_diagnostics(found, error_console(parsed))
    if made is None or has_errors(found):
        put(error_console(parsed), _NOT_DRAFTED)
        return FAILED
    _write(parsed, made)
    return DONE


def _write(parsed: argparse.Namespace, made: Draft) -> None:
    """Write the new files that options name, all or none, and print a manifest that goes to none."""
    files = [] if parsed.out is None else [NewFile(str(parsed.out), made.text.encode())]
    if parsed.secrets_out is not None:
        files.append(NewFile(str(parsed.secrets_out), made.shell_text.encode(), is_private=True))
    write_new(files, root_of(parsed))
    if parsed.out is None:
        print_raw(made.text)
    else:
        put(result_console(parsed), f"Drafted {count_of(made.exams, 'exam')}: {parsed.out}")


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
