"""The JSON documents of plans, reports and diagnostics; each has a schema of its name."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from reconciler.model.destination import Destination
from reconciler.model.diagnostics import Diagnostic, Severity, has_errors
from reconciler.model.identities import Address
from reconciler.model.origins import NO_ORIGINS, Origin, Origins
from reconciler.model.payloads import Json
from reconciler.model.plan import Absent, Action, Change, FieldDiff, Guard, Note, Plan
from reconciler.model.positions import Position
from reconciler.model.recovery import Fed, Feeding
from reconciler.model.report import ExamOutcome, Outcome, Report
from reconciler.model.state import Intent, State
from reconciler.outputs.dossiers import Dossier, dossier_of
from reconciler.outputs.escapes import harmless_json
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Listing

FORMAT_VERSION: Final = "1.0"
PLAN_VERSION: Final = "2.0"
REPORT_VERSION: Final = "2.0"

Document: TypeAlias = dict[str, Json]

SUMMARY_KEYS: Final[Mapping[str, Action]] = {
    "create": Action.CREATE,
    "noop": Action.NOOP,
    "changed": Action.CHANGED,
    "orphaned": Action.ORPHANED,
    "inDoubt": Action.IN_DOUBT,
    "import": Action.IMPORT,
    "move": Action.MOVE,
    "forget": Action.FORGET,
    "accept": Action.ACCEPT,
}
"""The plan's summary: its keys in order, and what each counts."""

REPORT_KEYS: Final[Mapping[str, Outcome]] = {
    "created": Outcome.CREATED,
    "failed": Outcome.FAILED,
    "inDoubt": Outcome.IN_DOUBT,
    "notAttempted": Outcome.NOT_ATTEMPTED,
}
"""The report's summary: its keys in order, and what each counts."""

STATE_EDIT_KEYS: Final[Mapping[str, Action]] = {
    "adopted": Action.IMPORT,
    "moved": Action.MOVE,
    "forgotten": Action.FORGET,
    "accepted": Action.ACCEPT,
}
"""The report's summary, continued: what an apply changed in state alone."""


def plan_document(
    plan: Plan,
    *,
    listing: Listing,
    invocation: Invocation | None = None,
    origins: Mapping[Address, Origins] = NO_ORIGINS,
) -> Document:
    """`plan` in the plan format.

    `notes` are there only if there is one, `provenance` only where it is known. `invocation` goes into the
    commands to copy; None where they need no option.
    """
    options = invocation or Invocation()
    document: Document = {
        "formatVersion": PLAN_VERSION,
        "summary": {key: plan.count(action) for key, action in SUMMARY_KEYS.items()},
        "fingerprint": plan.fingerprint,
        "destination": destination_document(plan.destination),
        "refused": [_guard(guard) for guard in plan.guards],
        "state": {"lineage": plan.lineage, "serial": plan.serial},
        "changes": [
            _change(change, options) | _provenance(origins.get(change.address, {}))
            for change in listing.of(plan)
        ],
    }
    if plan.notes:
        document["notes"] = [_note(note) for note in plan.notes]
    return document


def recovery_document(fed: Sequence[Fed]) -> Document:
    """What became of each outcome of a recovery file, in the recovery report format."""
    return {
        "formatVersion": FORMAT_VERSION,
        "summary": {feeding.value: sum(one.feeding is feeding for one in fed) for feeding in Feeding},
        "outcomes": [
            {
                "address": one.address,
                "attempt": one.attempt,
                "outcome": one.outcome,
                "sid": one.sid,
                "result": one.feeding.value,
                "message": one.message,
                "hint": one.hint,
            }
            for one in fed
        ],
    }


def report_document(
    report: Report, plan: Plan, state: State, dossiers: Mapping[Address, Dossier] | None = None
) -> Document:
    """`report` in the apply report format.

    `plan` is what was carried out, `state` what that left, `dossiers` are those of exams in doubt.
    """
    known = dossiers or {}
    earlier = still_in_doubt(report, state)
    document: Document = {
        "formatVersion": REPORT_VERSION,
        "destination": destination_document(plan.destination),
        "summary": {
            **{key: len(report.having(outcome)) for key, outcome in REPORT_KEYS.items()},
            **{key: plan.count(action) for key, action in STATE_EDIT_KEYS.items()},
            "stillInDoubt": len(earlier),
        },
        "stillInDoubt": [
            {
                "address": address,
                "attempt": intent.attempt,
                "startedAt": instant_text(intent.started_at),
            }
            for address, intent in earlier.items()
        ],
        "exams": [_exam(exam, known.get(exam.address)) for exam in report.exams],
    }
    if report.fault_in_telling is not None:
        document["faultInTelling"] = report.fault_in_telling
    return document


def still_in_doubt(report: Report, state: State) -> dict[Address, Intent]:
    """The doubts in `state` that are older than the run of `report`, by address, sorted."""
    new = set(report.in_doubt)
    return {address: state.intents[address] for address in sorted(state.intents) if address not in new}


def destination_document(destination: Destination) -> Document:
    """Where a plan goes, as an object."""
    return {
        "environment": destination.environment,
        "apiUrl": destination.api_url,
        "installSids": list(destination.install_sids),
        "state": destination.state,
    }


def diagnostics_document(diagnostics: Sequence[Diagnostic]) -> Document:
    """`diagnostics` in the diagnostics format, in the order given."""
    errors = sum(found.severity is Severity.ERROR for found in diagnostics)
    return {
        "formatVersion": FORMAT_VERSION,
        "valid": not has_errors(diagnostics),
        "errorCount": errors,
        "warningCount": len(diagnostics) - errors,
        "diagnostics": [_diagnostic(found) for found in diagnostics],
    }


def to_text(document: Mapping[str, Json] | Sequence[Json]) -> str:
    """`document` as JSON text that any UTF-8 stream takes and no terminal obeys."""
    return harmless_json(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def instant_text(moment: datetime) -> str:
    """`moment` in UTC, to the microsecond where it has any."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _change(change: Change, invocation: Invocation) -> Document:
    document: Document = {
        "address": change.address,
        "action": change.action.value,
        "installSid": change.install_sid,
        "courseSid": change.course_sid,
        "sid": change.sid,
        "digest": change.digest,
        "source": None if change.source is None else _position(change.source),
        "before": change.before,
        "after": change.after,
        "diff": [_difference(one) for one in change.diff],
    }
    if change.moved_from is not None:
        document["movedFrom"] = change.moved_from
    if change.intent is not None:
        document["attempt"] = change.intent.attempt
        document["startedAt"] = instant_text(change.intent.started_at)
    if (dossier := dossier_of(change, invocation)) is not None:
        document["doubt"] = _doubt(dossier)
    if change.timezone is not None:
        document["timezone"] = change.timezone
    return document


def _provenance(origins: Origins) -> Document:
    if not origins:
        return {}
    return {"provenance": {path: _origin(origin) for path, origin in sorted(origins.items())}}


def _origin(origin: Origin) -> Document:
    nowhere: Document = {"file": None, "line": None, "column": None}
    place = nowhere if origin.position is None else _position(origin.position)
    named: Document = {} if origin.name is None else {"name": origin.name}
    return {**place, "layer": origin.layer.value, **named}


def _doubt(dossier: Dossier) -> Document:
    document: Document = {
        "attempt": dossier.attempt,
        "startedAt": instant_text(dossier.started_at),
        "by": dossier.by,
        "status": dossier.status,
        "answer": dossier.answer,
        "look": list(dossier.look),
        "supportMessage": dossier.support_message,
        "settle": {
            "options": list(dossier.options),
            "commands": list(dossier.commands),
            "manifest": list(dossier.manifest),
        },
    }
    if dossier.request_id is not None:
        document["requestId"] = dossier.request_id
    if dossier.sids:
        document["sids"] = list(dossier.sids)
    return document if dossier.course is None else {"course": dossier.course, **document}


def _difference(difference: FieldDiff) -> Document:
    document: Document = {
        "path": difference.path,
        "before": _side(difference.before),
        "after": _side(difference.after),
    }
    return document | {"valueDiffers": True} if difference.is_of_value else document


def _side(value: "Json | Absent") -> Json:
    return None if isinstance(value, Absent) else value


def _position(position: Position) -> Document:
    return {"file": position.file, "line": position.line, "column": position.column}


def _guard(guard: Guard) -> Document:
    return {
        "code": guard.code,
        "message": guard.message,
        "hint": guard.hint,
        "addresses": list(guard.addresses),
    }


def _note(note: Note) -> Document:
    return {
        "code": note.code,
        "message": note.message,
        "hint": note.hint,
        "source": None if note.source is None else _position(note.source),
        "addresses": list(note.addresses),
    }


def _exam(exam: ExamOutcome, dossier: Dossier | None) -> Document:
    document: Document = {
        "address": exam.address,
        "outcome": exam.outcome.value,
        "sid": exam.sid,
        "status": exam.status,
        "message": exam.message,
    }
    if dossier is None or exam.outcome is not Outcome.IN_DOUBT:
        return document
    return {**document, "doubt": _doubt(dossier)}


def _diagnostic(found: Diagnostic) -> Document:
    span = found.span
    return {
        "severity": found.severity.value,
        "code": found.code,
        "message": found.message,
        "hint": found.hint,
        "file": None if span is None else span.start.file,
        "line": None if span is None else span.start.line,
        "column": None if span is None else span.start.column,
        "endLine": None if span is None else span.end_line,
        "endColumn": None if span is None else span.end_column,
        "address": found.address,
    }
