"""State: which exam each address became, and which creates have no known outcome yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.identities import Address, AttemptId, CourseSid, Digest, ExamSid, InstallSid
from reconciler.model.payloads import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A created exam. `payload` is what was sent, secrets as references; `created_at` is in UTC."""

    sid: ExamSid
    install_sid: InstallSid
    course_sid: CourseSid
    digest: Digest
    payload: Payload
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for a create whose outcome stays unknown; `status` is None where no status line did."""

    status: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A create that was about to be sent. Without an outcome it is in doubt.

    `started_at` is in UTC, `by` says who ran it and where, `answer` is None where the run ended without one.
    """

    attempt: AttemptId
    digest: Digest
    install_sid: InstallSid
    course_sid: CourseSid
    payload: Payload
    started_at: datetime
    by: str
    answer: Answer | None = None

    def as_created(self, sid: ExamSid, at: datetime) -> Entry:
        """The entry that this create leaves once it is known to have made `sid`; `at` is in UTC."""
        return Entry(
            sid=sid,
            install_sid=self.install_sid,
            course_sid=self.course_sid,
            digest=self.digest,
            payload=self.payload,
            created_at=at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The memory of a workspace.

    `lineage` tells one state's history from another's; `serial` counts its snapshots. No address is in both
    `exams` and `intents`, and no SID is held by two addresses.
    """

    lineage: str
    serial: int
    exams: Mapping[Address, Entry]
    intents: Mapping[Address, Intent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """The state after a person mended it, and where the one before is kept; None where nothing changed."""

    state: State
    backup: str | None
