"""Records of the log: what happened since the last snapshot of state, in order."""

from typing import TypeAlias

from reconciler.model.identities import Address, AttemptId, ConfigurationSid, ExamSid
from reconciler.model.locks import LockInfo
from reconciler.model.state import Intent, UnclearAnswer
from reconciler.model.stored_values import Count, Instant, StoredValue


class _Record(StoredValue, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=False):
    """What all records have in common; a later version may add fields."""


class IntentRecord(_Record, frozen=True, kw_only=True, tag="intent"):
    """A create of `address` is about to be sent to `service`.

    `service` is a base URL, normalised; None in logs that an earlier version wrote.
    """

    address: Address
    intent: Intent
    service: str | None = None


class CreatedRecord(_Record, frozen=True, kw_only=True, tag="created"):
    """The create `attempt` of `address` gave `sid`; `at` is in UTC.

    `configuration_sid` is None if the answer named none.
    """

    address: Address
    attempt: AttemptId
    sid: ExamSid
    at: Instant
    configuration_sid: ConfigurationSid | None = None


class FailedRecord(_Record, frozen=True, kw_only=True, tag="failed"):
    """The create `attempt` of `address` certainly made no exam; `status` is None if none was received."""

    address: Address
    attempt: AttemptId
    status: Count | None
    reason: str
    at: Instant


class InDoubtRecord(_Record, frozen=True, kw_only=True, tag="in-doubt"):
    """The outcome of `attempt` stays unknown, and `answer` is all that came back."""

    address: Address
    attempt: AttemptId
    answer: UnclearAnswer


class LockRecord(_Record, frozen=True, kw_only=True, tag="lock"):
    """A run takes the lock. Only it may append, until the lock is broken or released."""

    lock: LockInfo


class BrokenRecord(_Record, frozen=True, kw_only=True, tag="broken"):
    """The lock `lock_id` is broken: `by` says by whom, `at` is in UTC."""

    lock_id: str
    by: str
    at: Instant


class UnlockRecord(_Record, frozen=True, kw_only=True, tag="unlock"):
    """The run that holds the lock `lock_id` releases it, and could not fold the log."""

    lock_id: str


Record: TypeAlias = IntentRecord | CreatedRecord | FailedRecord | InDoubtRecord
"""A record of what happened to one exam."""

LogRecord: TypeAlias = Record | LockRecord | BrokenRecord | UnlockRecord
