"""Journal records: what happened since the last snapshot of state, in order."""

from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.identities import Address, AttemptId, ConfigurationSid, ExamSid
from reconciler.model.state import Answer, Intent


class IntentRecord(Struct, frozen=True, kw_only=True):
    """A create of `address` is about to be sent to `service`.

    `service` is a base URL, normalised; None in journals that an earlier version wrote.
    """

    address: Address
    intent: Intent
    service: str | None = None


class CreatedRecord(Struct, frozen=True, kw_only=True):
    """The create `attempt` of `address` gave `sid`; `at` is in UTC.

    `configuration_sid` is None where the answer named none.
    """

    address: Address
    attempt: AttemptId
    sid: ExamSid
    at: datetime
    configuration_sid: ConfigurationSid | None = None


class FailedRecord(Struct, frozen=True, kw_only=True):
    """The create `attempt` of `address` certainly made no exam; `status` is None where none was received."""

    address: Address
    attempt: AttemptId
    status: int | None
    reason: str
    at: datetime


class InDoubtRecord(Struct, frozen=True, kw_only=True):
    """The outcome of `attempt` stays unknown, and `answer` is all that came back."""

    address: Address
    attempt: AttemptId
    answer: Answer


Record: TypeAlias = IntentRecord | CreatedRecord | FailedRecord | InDoubtRecord
