"""The JSON log of an apply: one JSON object a line, described by `reconciler schema log`.

`JsonLog` implements `reconciler.ports.Progress`.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.errors import ManifestInvalid, PlanRefused, ReconcilerError, SecretsUnavailable
from reconciler.model.identities import Address, InstallSid
from reconciler.model.instants import spell_instant
from reconciler.model.payloads import Document, Json
from reconciler.model.plan import Action, Plan
from reconciler.model.report import ExamOutcome, Outcome, Report, TryBegun, TryEnded
from reconciler.model.state import State
from reconciler.outputs.escapes import harmless_json
from reconciler.outputs.in_doubt import InDoubtReport
from reconciler.outputs.json.writers import (
    REPORT_KEYS,
    REPORT_VERSION,
    report_document,
)

_MILLISECONDS: Final = 1000


class JsonLog:
    """Passes one line for each event to `write`, line break included; `now` returns the time in UTC."""

    def __init__(self, write: Callable[[str], object], now: Callable[[], datetime]) -> None:
        self._write = write
        self._now = now
        self._counts: Counter[Outcome] = Counter()
        self._destination: Document = {}
        self._context: Document = {}
        self._installs: Mapping[Address, InstallSid] = {}

    def planned(self, plan: Plan) -> None:
        """Remember environment, service and installs: all later lines name them."""
        self._destination = msgspec.to_builtins(plan.destination)
        self._context = {"environment": plan.destination.environment, "service": plan.destination.api_url}
        self._installs = {change.address: change.install_sid for change in plan.having(Action.CREATE)}

    def started(self, total: int) -> None:
        """Write the number of creates and the destination."""
        self._write_event("started", total=total, destination=self._destination)

    def trying(self, begun: TryBegun) -> None:
        """Write that an attempt is about to be sent."""
        self._write_about(begun.address, "attempt", attempt=begun.attempt)

    def tried(self, ended: TryEnded) -> None:
        """Write how an attempt ended."""
        self._write_about(
            ended.address,
            "outcome",
            attempt=ended.attempt,
            outcome=ended.outcome.value,
            final=ended.is_final,
            sid=ended.sid,
            status=ended.status,
            durationMs=round(ended.took_s * _MILLISECONDS),
            requestId=ended.request_id,
            message=ended.message,
            **({"sids": list(ended.sids)} if ended.sids else {}),
        )

    def settled(self, exam: ExamOutcome) -> None:
        """Write the outcome of an exam, attempted or not."""
        self._counts[exam.outcome] += 1
        members = msgspec.to_builtins(exam)
        self._write_about(members.pop("address"), "settled", **members)

    def waiting(self, seconds: float, reason: str) -> None:
        """Write how long sending pauses, and why."""
        self._write_event("waiting", seconds=round(seconds, 3), message=reason)

    def finished(self) -> None:
        """Write the number of exams for each outcome."""
        summary: Document = {key: self._counts[outcome] for key, outcome in REPORT_KEYS.items()}
        self._write_event("finished", summary=summary)

    def backed_up(self, place: str) -> None:
        """Write where the backup of the previous state is."""
        self._write_event("backup", message=place)

    def warned(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Write each warning."""
        for found in diagnostics:
            self.noted(_with_place(found), hint=found.hint)

    def noted(self, message: str, *, hint: str) -> None:
        """Write a warning; the run goes on."""
        self._write_event("warning", message=message, hint=hint)

    def reported(
        self, report: Report, plan: Plan, state: State, doubts: Mapping[Address, InDoubtReport] | None = None
    ) -> None:
        """Write the report, with the fields of its JSON document."""
        self._write_event("report", **report_document(report, plan, state, doubts))

    def failed(self, error: ReconcilerError) -> None:
        """Write why the command stopped, with the details of `error`."""
        self.stopped(error.message, hint=error.hint, details=_details(error))

    def stopped(self, message: str, *, hint: str = "", details: Sequence[str] = ()) -> None:
        """Write why the command stopped."""
        self._write_event("error", message=message, hint=hint, details=list(details))

    def _write_about(self, address: Address, event: str, **members: Json) -> None:
        """Write an event about the exam at `address`."""
        install = self._installs.get(address)
        named: Document = {} if install is None else {"installSid": install}
        self._write_event(event, address=address, **named, **members)

    def _write_event(self, event: str, **members: Json) -> None:
        context = {} if "destination" in members else self._context
        document = {
            "formatVersion": REPORT_VERSION,
            "time": spell_instant(self._now(), to="auto"),
            "event": event,
            **context,
            **members,
        }
        self._write(harmless_json(json.dumps(document, ensure_ascii=False)) + "\n")


def _details(error: ReconcilerError) -> list[str]:
    match error:
        case ManifestInvalid():
            return [_with_place(found) for found in error.diagnostics]
        case PlanRefused():
            return [guard.message for guard in error.guards]
        case SecretsUnavailable():
            return list(error.references)
        case _:
            return []


def _with_place(found: Diagnostic) -> str:
    if found.span is None:
        return found.message
    start = found.span.start
    return f"{start.file}:{start.line}:{start.column}: {found.message}"
