"""Verdicts: all possible results of one try at a create.

The cases are exhaustive. Only `NotSent` and `Throttled` may be tried again; `Unknown` must never be.
`status` is that of the answer. `request_id` is the server's id of the request: short, printable and without a
secret; None if no answer gave one.
"""

from datetime import datetime
from typing import ClassVar, TypeAlias

from msgspec import Struct

from reconciler.model.identities import ConfigurationSid, ExamSid


class Created(Struct, frozen=True, kw_only=True):
    """The exam exists and this is its SID.

    `configuration_sid` is that of its configuration; None if the answer named none. `cut_title` is the title
    in the answer, if it is cut short: it must not fit any other exam that was sent.
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

    `retry_after` is the header as received; None if absent. `answered_at` is the time of the answer by the
    server's clock; None if it did not say.
    """

    status: ClassVar[int] = 429
    reason: str
    retry_after: str | None
    answered_at: datetime | None = None
    request_id: str | None = None


class Refused(Struct, frozen=True, kw_only=True):
    """Refused because of its content: a 4xx other than 401, 403, 429 and those that leave it unknown."""

    status: int
    reason: str
    request_id: str | None = None


class Unauthorized(Struct, frozen=True, kw_only=True):
    """Refused because of the token (401), as every other request will be."""

    status: int
    reason: str
    request_id: str | None = None


class Forbidden(Struct, frozen=True, kw_only=True):
    """Refused because of its course (403), as every other exam of that course will be."""

    status: int
    reason: str
    request_id: str | None = None


class Unknown(Struct, frozen=True, kw_only=True):
    """It is unknown whether the exam exists; `status` is None if no status line arrived.

    `sids` are the exam SIDs anywhere in the answer, in order: one of them may be this exam's.
    """

    status: int | None
    reason: str
    request_id: str | None = None
    sids: tuple[ExamSid, ...] = ()


Verdict: TypeAlias = Created | NotSent | Throttled | Refused | Unauthorized | Forbidden | Unknown
