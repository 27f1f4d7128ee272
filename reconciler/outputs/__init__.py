"""Plans, reports, diagnostics and state, put into the forms that people and programs read.

Promise: untrusted text is escaped for the format at hand, no secret is shown, and nothing here decides or
changes anything. Importing this package loads none of rich, jsonschema and jinja2; using a name below loads
what that name needs.
May import: `model`, `reconciler.schemas`, `reconciler.zones`, jinja2, jsonschema and rich.
"""

from typing import TYPE_CHECKING, Final

from reconciler.late_names import late_names

if TYPE_CHECKING:
    from reconciler.outputs.diagnostics_text import print_diagnostics
    from reconciler.outputs.documents import (
        diagnostics_document,
        plan_document,
        recovery_document,
        report_document,
        to_text,
    )
    from reconciler.outputs.dossiers import Dossier, dossiers_of_state
    from reconciler.outputs.errors_text import print_error
    from reconciler.outputs.escapes import printable
    from reconciler.outputs.explanation_text import print_explanation
    from reconciler.outputs.finding_places import Checkout
    from reconciler.outputs.finding_texts import Help, helps_of
    from reconciler.outputs.github import github_commands, github_summary
    from reconciler.outputs.gitlab import code_quality_report, terraform_report
    from reconciler.outputs.html_page import plan_page
    from reconciler.outputs.invocation import Invocation
    from reconciler.outputs.json_log import JsonLog
    from reconciler.outputs.junit import junit_text
    from reconciler.outputs.listing import Listing
    from reconciler.outputs.markdown import plan_markdown
    from reconciler.outputs.plain import PlainConsole
    from reconciler.outputs.plan_text import print_plan
    from reconciler.outputs.progress import LogProgress, TerminalProgress
    from reconciler.outputs.quiet import QuietProgress
    from reconciler.outputs.recovery_text import print_recovery
    from reconciler.outputs.report_text import print_report
    from reconciler.outputs.sarif import sarif_document
    from reconciler.outputs.saved_plans import SavedPlan, decode_plan
    from reconciler.outputs.state_text import print_entry, print_state

__all__ = [
    "Checkout",
    "Dossier",
    "Help",
    "Invocation",
    "JsonLog",
    "Listing",
    "LogProgress",
    "PlainConsole",
    "QuietProgress",
    "SavedPlan",
    "TerminalProgress",
    "code_quality_report",
    "decode_plan",
    "diagnostics_document",
    "dossiers_of_state",
    "github_commands",
    "github_summary",
    "helps_of",
    "junit_text",
    "plan_document",
    "plan_markdown",
    "plan_page",
    "print_diagnostics",
    "print_entry",
    "print_error",
    "print_explanation",
    "print_plan",
    "print_recovery",
    "print_report",
    "print_state",
    "printable",
    "recovery_document",
    "report_document",
    "sarif_document",
    "terraform_report",
    "to_text",
]

_HOMES: Final = {
    "Checkout": ".finding_places",
    "Dossier": ".dossiers",
    "Help": ".finding_texts",
    "Invocation": ".invocation",
    "JsonLog": ".json_log",
    "Listing": ".listing",
    "LogProgress": ".progress",
    "PlainConsole": ".plain",
    "QuietProgress": ".quiet",
    "SavedPlan": ".saved_plans",
    "TerminalProgress": ".progress",
    "code_quality_report": ".gitlab",
    "decode_plan": ".saved_plans",
    "diagnostics_document": ".documents",
    "dossiers_of_state": ".dossiers",
    "github_commands": ".github",
    "github_summary": ".github",
    "helps_of": ".finding_texts",
    "junit_text": ".junit",
    "plan_document": ".documents",
    "plan_markdown": ".markdown",
    "plan_page": ".html_page",
    "print_diagnostics": ".diagnostics_text",
    "print_entry": ".state_text",
    "print_error": ".errors_text",
    "print_explanation": ".explanation_text",
    "print_plan": ".plan_text",
    "print_recovery": ".recovery_text",
    "print_report": ".report_text",
    "print_state": ".state_text",
    "printable": ".escapes",
    "recovery_document": ".documents",
    "report_document": ".documents",
    "sarif_document": ".sarif",
    "terraform_report": ".gitlab",
    "to_text": ".documents",
}

__getattr__ = late_names(globals(), _HOMES)
