"""Reports: what an apply did, exam by exam."""

import enum
from dataclasses import dataclass

from reconciler.model.identities import Address, ExamSid


class Outcome(enum.Enum):
    """How a planned create ended; the values are those of the report's JSON format."""

    CREATED = "created"
    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    NOT_ATTEMPTED = "not-attempted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamOutcome:
    """How one create ended.

    `sid` is None unless it was created (or its SID arrived but could not be recorded, which `message` says).
    `status` is the last HTTP status received; None where there was none.
    """

    address: Address
    outcome: Outcome
    sid: ExamSid | None
    status: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an apply did, sorted by address.

    `interrupted_by` is the number of the signal that stopped the run early; None where none did.
    """

    exams: tuple[ExamOutcome, ...]
    interrupted_by: int | None = None

    def having(self, outcome: Outcome) -> tuple[ExamOutcome, ...]:
        """The exams that ended with `outcome`, in order."""
        return tuple(exam for exam in self.exams if exam.outcome is outcome)

    @property
    def created(self) -> list[Address]:
        """Addresses that were created."""
        return [exam.address for exam in self.having(Outcome.CREATED)]

    @property
    def failed(self) -> list[Address]:
        """Addresses that were certainly not created, and why is in their message."""
        return [exam.address for exam in self.having(Outcome.FAILED)]

    @property
    def in_doubt(self) -> list[Address]:
        """Addresses whose outcome cannot be known."""
        return [exam.address for exam in self.having(Outcome.IN_DOUBT)]

    @property
    def not_attempted(self) -> list[Address]:
        """Addresses that were never sent."""
        return [exam.address for exam in self.having(Outcome.NOT_ATTEMPTED)]
