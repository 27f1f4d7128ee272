"""What becomes of outcomes that are fed back from a recovery file."""

import enum

from msgspec import Struct

from reconciler.model.identities import Address, AttemptId, ExamSid


class Feeding(enum.Enum):
    """What one outcome meant for the state; the values are those of the format."""

    RECORDED = "recorded"
    """It was open, and now it is as the outcome says."""
    KNOWN = "known"
    """State has it, or a person settled it so."""
    UNKNOWN = "unknown"
    """State does not know that this was ever tried; nothing was changed."""
    CONTRADICTS = "contradicts"
    """State, or a person, says otherwise; nothing was changed."""

    @property
    def is_settled(self) -> bool:
        """Whether nobody has to look."""
        return self in {Feeding.RECORDED, Feeding.KNOWN}


class Fed(Struct, frozen=True, kw_only=True, rename={"feeding": "result"}):
    """One outcome of a recovery file. `sid` is None unless it is that of a created exam.

    `message` says in a sentence what was found, `hint` what to do; empty where there is nothing to do.
    """

    address: Address
    attempt: AttemptId
    outcome: str
    sid: ExamSid | None
    feeding: Feeding
    message: str
    hint: str = ""
