"""Verdicts: all that one try at a create can mean.

The cases are exhaustive and differ in what may follow, never in how pleasant they are: only `NotSent` and
`Throttled` may be tried again, and `Unknown` never is. `status` is that of the answer.
`request_id` is what the server calls the request, short, printable and without a secret; None where no answer
said so.
"""

from datetime import datetime
from typing import ClassVar, TypeAlias

from msgspec import Struct

from reconciler.model.identities import ConfigurationSid, ExamSid


class Created(Struct, frozen=True, kw_only=True):
    """The exam exists and this is its SID.

    `configuration_sid` is that of its configuration; None where the answer named none. `cut_title` is the
    title that the answer named, where that is not whole: of all exams that were sent, it must be no other's.
    """

    reason: ClassVar[str] = "created"
    sid: ExamSid
    status: int
    request_id: str | None = None
    configuration_sid: ConfigurationSid | None = None
    cut_title: str | None = None


class NotSent(Struct, frozen=True, kw_only=True):
    """No byte of the request left: nothing can have been created."""

    status: ClassVar[None] = None
    request_id: ClassVar[None] = None
    reason: str


class Throttled(Struct, frozen=True, kw_only=True):
    """Refused because of its rate (429).

    `retry_after` is the header as received; None where absent. `answered_at` is when that was by the
    server's own clock; None where it did not say.
    """

    status: ClassVar[int] = 429
    reason: str
    retry_after: str | None
    answered_at: datetime | None = None
    request_id: str | None = None


class Refused(Struct, frozen=True, kw_only=True):
    """Refused for what it says (a 4xx other than 401, 403 and 429, and those that decide nothing)."""

    status: int
    reason: str
    request_id: str | None = None


class Unauthorized(Struct, frozen=True, kw_only=True):
    """Refused for who asks (401), and so will every other be."""

    status: int
    reason: str
    request_id: str | None = None


class Forbidden(Struct, frozen=True, kw_only=True):
    """Refused for where it is to be created (403), and so will every other of that course be."""

    status: int
    reason: str
    request_id: str | None = None


class Unknown(Struct, frozen=True, kw_only=True):
    """Whether the exam exists cannot be known; `status` is None where no status line arrived.

    `sids` are the exam SIDs that stood anywhere in the answer, in order: one of them may be this exam's.
    """

    status: int | None
    reason: str
    request_id: str | None = None
    sids: tuple[ExamSid, ...] = ()


Verdict: TypeAlias = Created | NotSent | Throttled | Refused | Unauthorized | Forbidden | Unknown
