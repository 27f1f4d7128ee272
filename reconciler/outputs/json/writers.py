"""The JSON documents of apply reports, recovery reports, diagnostics, comparisons and explanations."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from reconciler.model.comparison import Agreement, ComparedExam, Comparison
from reconciler.model.diagnostics import Diagnostic, Position, Severity, SheetPosition, has_errors
from reconciler.model.identities import Address
from reconciler.model.instants import spell_instant
from reconciler.model.payloads import Document, Json
from reconciler.model.plan import Action, Plan
from reconciler.model.report import ExamOutcome, Outcome, RecoveredOutcome, RecoveryVerdict, Report
from reconciler.model.state import State
from reconciler.outputs.assigning import assignments_of
from reconciler.outputs.escapes import harmless_json
from reconciler.outputs.exam_facts import payload_of, title_of
from reconciler.outputs.in_doubt import InDoubtReport, still_in_doubt
from reconciler.outputs.json.diagnostics import written_diagnostic
from reconciler.outputs.json.plan import doubt_document

FORMAT_VERSION: Final = "1.0"
REPORT_VERSION: Final = "2.0"

REPORT_KEYS: Final[Mapping[str, Outcome]] = {
    "created": Outcome.CREATED,
    "failed": Outcome.FAILED,
    "inDoubt": Outcome.IN_DOUBT,
    "notAttempted": Outcome.NOT_ATTEMPTED,
}
"""Keys of a report's summary, in order, and the outcome that each counts."""

_AGREEMENT_KEYS: Final[Mapping[str, Agreement]] = {
    "same": Agreement.SAME,
    "different": Agreement.DIFFERENT,
    "onlyInTable": Agreement.ONLY_IN_TABLE,
    "onlyDeclared": Agreement.ONLY_DECLARED,
}

STATE_EDIT_KEYS: Final[Mapping[str, Action]] = {
    "adopted": Action.IMPORT,
    "moved": Action.MOVE,
    "forgotten": Action.FORGET,
    "accepted": Action.ACCEPT,
}
"""More keys of the summary: changes that apply makes in state only."""


def recovery_document(fed: Sequence[RecoveredOutcome]) -> Document:
    """Return the recovery report: what each outcome of a recovery file meant for the state."""
    return {
        "formatVersion": FORMAT_VERSION,
        "summary": {verdict.value: sum(one.verdict is verdict for one in fed) for verdict in RecoveryVerdict},
        "outcomes": [msgspec.to_builtins(one) for one in fed],
    }


def report_document(
    report: Report, plan: Plan, state: State, doubts: Mapping[Address, InDoubtReport] | None = None
) -> Document:
    """Return `report` in the apply report format.

    `plan` is the one that was applied, `state` the one after it, `doubts` the reports of exams in doubt.
    """
    known = doubts or {}
    earlier = still_in_doubt(report, state)
    document: Document = {
        "formatVersion": REPORT_VERSION,
        "destination": msgspec.to_builtins(plan.destination),
        "summary": {
            **{key: len(report.having(outcome)) for key, outcome in REPORT_KEYS.items()},
            **{key: plan.count(action) for key, action in STATE_EDIT_KEYS.items()},
            "stillInDoubt": len(earlier),
        },
        "stillInDoubt": [
            {
                "address": address,
                "attempt": intent.attempt,
                "startedAt": spell_instant(intent.started_at, to="auto"),
            }
            for address, intent in earlier.items()
        ],
        "exams": [_exam(exam, known.get(exam.address)) for exam in report.exams],
    }
    if assignments := [
        {
            "address": one.change.address,
            "sid": one.sid,
            "title": title_of(payload_of(one.change)),
            "assignees": list(one.change.assignees),
        }
        for one in assignments_of(report, plan)
    ]:
        document["assignments"] = assignments
    if report.fault_in_telling is not None:
        document["faultInTelling"] = report.fault_in_telling
    return document


def explanations_document(texts: Mapping[str, str]) -> Document:
    """Return `texts`, in Markdown by name, in the format of explanations."""
    explanations: Json = [{"name": name, "markdown": text} for name, text in texts.items()]
    return {"formatVersion": FORMAT_VERSION, "explanations": explanations}


def diagnostics_document(diagnostics: Sequence[Diagnostic]) -> Document:
    """Return `diagnostics` in the diagnostics format, in the same order."""
    errors = sum(found.severity is Severity.ERROR for found in diagnostics)
    return {
        "formatVersion": FORMAT_VERSION,
        "valid": not has_errors(diagnostics),
        "errorCount": errors,
        "warningCount": len(diagnostics) - errors,
        "diagnostics": [msgspec.to_builtins(written_diagnostic(found)) for found in diagnostics],
    }


def comparison_document(compared: Comparison, diagnostics: Sequence[Diagnostic]) -> Document:
    """Return `compared` in the format of `check`, with what is wrong with the table."""
    return {
        "formatVersion": FORMAT_VERSION,
        "agrees": compared.agrees and not has_errors(diagnostics),
        "summary": {key: compared.count(agreement) for key, agreement in _AGREEMENT_KEYS.items()},
        "exams": [_compared_exam(exam) for exam in compared.exams],
        "diagnostics": [
            {
                **msgspec.to_builtins(written_diagnostic(found)),
                "sheet": _sheet(found.span.start if found.span else None),
            }
            for found in diagnostics
        ],
    }


def _compared_exam(exam: ComparedExam) -> Document:
    places = {"table": exam.in_table, "declared": exam.declared_at}
    return {
        "agreement": exam.agreement.value,
        "title": exam.title,
        "address": exam.address,
        "matchedBy": exam.matched_by,
        "differences": [msgspec.to_builtins(each) for each in exam.differences],
        **{name: None if at is None else _place(at) for name, at in places.items()},
    }


def _place(at: Position) -> Document:
    return {"file": at.file, "sheet": _sheet(at), "line": at.line, "column": at.column}


def _sheet(at: Position | None) -> str | None:
    """Return the sheet of a cell of a workbook."""
    return at.sheet if isinstance(at, SheetPosition) else None


def to_text(document: Mapping[str, Json] | Sequence[Json]) -> str:
    """Return `document` as JSON text that is safe for every UTF-8 stream and for terminals."""
    return harmless_json(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def _exam(exam: ExamOutcome, doubt: InDoubtReport | None) -> Document:
    document: Document = msgspec.to_builtins(exam)
    if doubt is None or exam.outcome is not Outcome.IN_DOUBT:
        return document
    return {**document, "doubt": doubt_document(doubt)}
