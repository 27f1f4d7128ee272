"""Verdicts: all that one try at a create can mean.

The cases are exhaustive and differ in what may follow, never in how pleasant they are: only `NotSent` and
`Throttled` may be tried again, and `Unknown` never is.
"""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.identities import ExamSid


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The exam exists and this is its SID."""

    sid: ExamSid
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """No byte of the request left: nothing can have been created."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """Refused because of its rate (429). `retry_after` is the header as received; None where absent."""

    reason: str
    retry_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Refused for what it says (a 4xx other than 401, 403 and 429)."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unauthorized:
    """Refused for who asks (401, 403), and so will every other be."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Whether the exam exists cannot be known; `status` is None where no status line arrived."""

    status: int | None
    reason: str


Verdict: TypeAlias = Created | NotSent | Throttled | Refused | Unauthorized | Unknown
