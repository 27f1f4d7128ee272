"""Endings: what a verdict is in a report, and in what is told of a try."""

from http import HTTPStatus
from pathlib import PurePath
from traceback import walk_tb

from msgspec import Struct

from reconciler.applying.requests import CreateRequest
from reconciler.model.identities import ExamSid
from reconciler.model.report import ExamOutcome, Outcome, TryBegun, TryEnded
from reconciler.model.verdicts import (
    Created,
    Forbidden,
    NotSent,
    Refused,
    Throttled,
    Unauthorized,
    Unknown,
    Verdict,
)


class Again(Struct, frozen=True, kw_only=True):
    """The exam may be tried again: `reason` says why the last try made nothing."""

    status: int | None
    reason: str


def status_of(verdict: Verdict) -> int | None:
    """The HTTP status that the verdict rests on; None where none came."""
    match verdict:
        case NotSent():
            return None
        case Throttled():
            return HTTPStatus.TOO_MANY_REQUESTS
        case Created(status=status) | Unknown(status=status):
            return status
        case Refused(status=status) | Unauthorized(status=status) | Forbidden(status=status):
            return status


def try_ended(begun: TryBegun, verdict: Verdict, ended: ExamOutcome | Again, took_s: float) -> TryEnded:
    """What is told of a try that `ended`; of one that is to be tried again, that it failed."""
    is_final = isinstance(ended, ExamOutcome)
    return TryEnded(
        address=begun.address,
        attempt=begun.attempt,
        outcome=ended.outcome if isinstance(ended, ExamOutcome) else Outcome.FAILED,
        sid=ended.sid if isinstance(ended, ExamOutcome) else None,
        status=ended.status,
        message=ended.message if isinstance(ended, ExamOutcome) else ended.reason,
        is_final=is_final,
        took_s=took_s,
        request_id=None if isinstance(verdict, NotSent) else verdict.request_id,
        sids=verdict.sids if isinstance(verdict, Unknown) else (),
    )


def unrecorded(request: CreateRequest, verdict: Verdict, why: str) -> ExamOutcome:
    """The outcome is known here and now, but not on disk: only the intent is, so the exam is in doubt."""
    status = status_of(verdict)
    if isinstance(verdict, Created):
        address = request.declaration.address
        message = (
            f"created as {verdict.sid}, but that could not be recorded ({why}); "
            f"run: reconciler resolve {address} --sid {verdict.sid}"
        )
        return outcome_of(request, Outcome.IN_DOUBT, sid=verdict.sid, status=status, message=message)
    message = f"{verdict.reason}; that could not be recorded ({why})"
    return outcome_of(request, Outcome.IN_DOUBT, status=status, message=message)


def recorded(request: CreateRequest, verdict: Verdict, fault: str) -> ExamOutcome:
    """The outcome is on disk, and stands whatever `fault` came after it."""
    status = status_of(verdict)
    match verdict:
        case Created(sid=sid):
            message = f"created; then {fault}"
            return outcome_of(request, Outcome.CREATED, sid=sid, status=status, message=message)
        case Unknown():
            outcome = Outcome.IN_DOUBT
        case NotSent() | Throttled() | Refused() | Unauthorized() | Forbidden():
            outcome = Outcome.FAILED
    return outcome_of(request, outcome, status=status, message=f"{verdict.reason}; then {fault}")


def internal_error(error: Exception) -> str:
    """Say in one line what went wrong in this product, and where; never what the error itself says.

    That may hold a secret. The place is the line of code that raised it.
    """
    place = ""
    if error.__traceback__ is not None:
        *_, (frame, line) = walk_tb(error.__traceback__)
        place = f" at {PurePath(frame.f_code.co_filename).name}:{line}"
    return f"internal error: {type(error).__name__}{place}; please report this line to the maintainers"


def outcome_of(
    request: CreateRequest,
    outcome: Outcome,
    *,
    message: str,
    sid: ExamSid | None = None,
    status: int | None = None,
) -> ExamOutcome:
    """The line of `request` in the report."""
    address = request.declaration.address
    return ExamOutcome(address=address, outcome=outcome, sid=sid, status=status, message=message)
