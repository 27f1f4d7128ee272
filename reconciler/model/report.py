"""Reports: what became of each exam of an apply, each outcome of a recovery file, each line of a sheet."""

import enum
from collections.abc import Mapping

from msgspec import Struct

from reconciler.model.identities import Address, AttemptId, ExamSid


class Outcome(enum.Enum):
    """How a planned create ended; the values are those of the report's JSON format."""

    CREATED = "created"
    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    NOT_ATTEMPTED = "not-attempted"


class ExamOutcome(Struct, frozen=True, kw_only=True):
    """How one create ended.

    `sid` is None unless it was created (or its SID arrived but could not be recorded, which `message` says).
    `status` is the last HTTP status received; None if there was none.
    """

    address: Address
    outcome: Outcome
    sid: ExamSid | None
    status: int | None
    message: str


class TryBegun(Struct, frozen=True, kw_only=True):
    """One try at a create is about to be sent; its intent is durable."""

    address: Address
    attempt: AttemptId


class TryEnded(Struct, frozen=True, kw_only=True):
    """How one try at a create ended.

    `is_final` is False if the exam may be tried again. `took_s` is the time from sending to the answer.
    `request_id` is the server's id of the request; None if it gave none. `sids` are the exam SIDs in an
    answer that leaves the exam in doubt. The other fields are as in ExamOutcome.
    """

    address: Address
    attempt: AttemptId
    outcome: Outcome
    sid: ExamSid | None
    status: int | None
    message: str
    is_final: bool
    took_s: float
    request_id: str | None
    sids: tuple[ExamSid, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """What an apply did, sorted by address.

    `interrupted_by` is the number of the signal that stopped the run early; None if none did.
    `fault_in_telling` is an internal error while progress was shown, which changed no outcome; None if there
    was none.
    """

    exams: tuple[ExamOutcome, ...]
    interrupted_by: int | None = None
    fault_in_telling: str | None = None

    def having(self, outcome: Outcome) -> tuple[ExamOutcome, ...]:
        """Return the exams that ended with `outcome`, in order."""
        return tuple(exam for exam in self.exams if exam.outcome is outcome)

    @property
    def created(self) -> list[Address]:
        """Addresses that were created."""
        return [exam.address for exam in self.having(Outcome.CREATED)]

    @property
    def failed(self) -> list[Address]:
        """Addresses that were certainly not created."""
        return [exam.address for exam in self.having(Outcome.FAILED)]

    @property
    def in_doubt(self) -> list[Address]:
        """Addresses whose outcome cannot be known."""
        return [exam.address for exam in self.having(Outcome.IN_DOUBT)]

    @property
    def not_attempted(self) -> list[Address]:
        """Addresses that were never sent."""
        return [exam.address for exam in self.having(Outcome.NOT_ATTEMPTED)]


class RecoveryVerdict(enum.Enum):
    """What one outcome of a recovery file means for the state; the values are those of the format."""

    RECORDED = "recorded"
    """The create was open, and state now has its outcome."""
    KNOWN = "known"
    """State has the outcome already, or a person settled it the same way."""
    UNKNOWN = "unknown"
    """State knows nothing of this try; nothing was changed."""
    CONTRADICTS = "contradicts"
    """State, or the decision of a person, contradicts the outcome; nothing was changed."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left for a person to do."""
        return self in {RecoveryVerdict.RECORDED, RecoveryVerdict.KNOWN}


class RecoveredOutcome(Struct, frozen=True, kw_only=True, rename={"verdict": "result"}):
    """One outcome of a recovery file. `sid` is None unless it is that of a created exam.

    `message` says in a sentence what was found, `hint` what to do next; it may be empty.
    """

    address: Address
    attempt: AttemptId
    outcome: str
    sid: ExamSid | None
    verdict: RecoveryVerdict
    message: str
    hint: str = ""


class SheetResult(Struct, frozen=True, kw_only=True):
    """What a sheet for `resolve --from` did, in its order.

    `found` is what is settled now: SIDs, or None for an exam that was not created. `unanswered` stay in
    doubt, as their cells are empty. `known` were settled like that before.
    """

    found: Mapping[Address, ExamSid | None]
    unanswered: tuple[Address, ...]
    known: tuple[Address, ...]
