"""What GitLab reads: findings as a Code Quality report, and a plan for its merge request widget."""

from collections.abc import Sequence
from typing import Final

from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.payloads import Document, Json
from reconciler.model.plan import Action, Plan
from reconciler.outputs.ci.places import Checkout, PlacedDiagnostic, place_diagnostics

_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "minor"}


def code_quality_report(diagnostics: Sequence[Diagnostic], checkout: Checkout) -> list[Json]:
    """`diagnostics` as a Code Quality report, in the order given.

    A finding keeps its fingerprint when lines move, and has one of its own.
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
    """What apply would do at the service, as the widget for Terraform counts it.

    `update` and `delete` are always 0: apply leaves changed and orphaned exams alone. What touches state only
    (imports, moves, forgets) counts nowhere, as with Terraform.
    """
    return {"create": plan.count(Action.CREATE), "update": 0, "delete": 0}
