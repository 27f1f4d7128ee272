"""Outcomes: what a verdict means for its exam, in the report and in the events of a try."""

from reconciler.applying.requests import CreateRequest
from reconciler.model.errors import class_and_line
from reconciler.model.report import ExamOutcome, Outcome, TryBegun, TryEnded
from reconciler.model.verdicts import Created, Unknown, Verdict


def ended(
    request: CreateRequest, message: str, *, verdict: Verdict | None = None, outcome: Outcome | None = None
) -> ExamOutcome:
    """Return the report's entry for `request`; its outcome is `outcome`, by default that of `verdict`."""
    return ExamOutcome(
        address=request.declaration.address,
        outcome=outcome or _meaning(verdict),
        sid=verdict.sid if isinstance(verdict, Created) else None,
        status=None if verdict is None else verdict.status,
        message=message,
    )


def _meaning(verdict: Verdict | None) -> Outcome:
    match verdict:
        case None:
            return Outcome.NOT_ATTEMPTED
        case Created():
            return Outcome.CREATED
        case Unknown():
            return Outcome.IN_DOUBT
        case _:
            return Outcome.FAILED


def unrecorded(request: CreateRequest, verdict: Verdict, why: str) -> ExamOutcome:
    """Return the entry of an exam in doubt: `verdict` is known, but the log holds only the intent."""
    message = f"{verdict.reason}; that could not be recorded ({why})"
    if isinstance(verdict, Created):
        message = f"created as {verdict.sid}, but that could not be recorded ({why}): settle it with this SID"
    return ended(request, message, verdict=verdict, outcome=Outcome.IN_DOUBT)


def try_ended(
    begun: TryBegun, verdict: Verdict, exam: ExamOutcome, *, is_final: bool, took_s: float
) -> TryEnded:
    """Return the event of a try that ended as `exam` says; `is_final` is False if another try follows."""
    return TryEnded(
        address=begun.address,
        attempt=begun.attempt,
        outcome=exam.outcome,
        sid=exam.sid,
        status=exam.status,
        message=exam.message,
        is_final=is_final,
        took_s=took_s,
        request_id=verdict.request_id,
        sids=verdict.sids if isinstance(verdict, Unknown) else (),
    )


def internal_error(error: Exception) -> str:
    """Describe a fault of this product on one line."""
    return f"internal error: {class_and_line(error)}; please report this line to the maintainers"
