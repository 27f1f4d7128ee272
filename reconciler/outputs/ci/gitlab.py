"""Reports for GitLab: Code Quality for diagnostics, and the Terraform widget of merge requests for plans."""

from collections.abc import Sequence
from typing import Final

from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.payloads import Document, Json
from reconciler.model.plan import Action, Plan
from reconciler.outputs.ci.places import Checkout, PlacedDiagnostic, place_diagnostics

_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "minor"}


def code_quality_report(diagnostics: Sequence[Diagnostic], checkout: Checkout) -> list[Json]:
    """Return `diagnostics` as a Code Quality report, in the same order.

    Fingerprints are unique, and stay the same when lines move.
    """
    return [_issue(placed) for placed in place_diagnostics(diagnostics, checkout)]


def _issue(placed: PlacedDiagnostic) -> Document:
    return {
        "description": placed.sentences,
        "check_name": placed.diagnostic.code,
        "fingerprint": placed.identity,
        "severity": _SEVERITIES[placed.diagnostic.severity],
        "location": {
            "path": placed.path,
            "lines": {"begin": placed.span.start.line, "end": placed.span.end_line},
        },
    }


def terraform_report(plan: Plan) -> Document:
    """Return the counts of `plan` for the Terraform widget.

    `update` and `delete` are always 0: apply leaves changed and orphaned exams alone. Changes of state only
    (imports, moves, forgets) are not counted, as in Terraform.
    """
    return {"create": plan.count(Action.CREATE), "update": 0, "delete": 0}
