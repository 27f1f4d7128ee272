"""The command rollover: next term's manifests from this term's."""

import argparse

from reconciler.cli.arguments import error_console, print_raw, result_console, workspace_of
from reconciler.cli.exit_codes import DONE
from reconciler.cli.notices import tell_note
from reconciler.outputs.text.diagnostics_text import print_diagnostics
from reconciler.outputs.text.rollover_text import print_rollover, rollover_diff


def rollover(parsed: argparse.Namespace) -> int:
    """Write next term's manifests, or print how they differ; list what was shifted and is to be filled in."""
    workspace = workspace_of(parsed)
    made = workspace.rollover(parsed.old, parsed.new)
    unread = () if parsed.dry_run else workspace.write_rollover(made)
    if parsed.dry_run:
        print_raw(rollover_diff(made))
    print_rollover(made, error_console(parsed) if parsed.dry_run else result_console(parsed))
    print_diagnostics(made.warnings, error_console(parsed))
    for note in made.notes:
        tell_note(parsed, note.message, hint=note.hint)
    for name in unread:
        tell_note(
            parsed,
            f"no command reads {name} unless it is named",
            hint="Add it to `manifests` of reconciler.yaml.",
        )
    return DONE
