"""Faults: what the sandbox can be told to do wrong, and to which requests."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Wait before doing anything; goes together with any other fault."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """Answer 429, not stored; `retry_after_s` None leaves the header out, `as_date` writes its other form."""

    retry_after_s: int | None
    as_date: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Answer 429 beyond `per_second` creates a second (a bucket that holds one second's worth)."""

    per_second: float
    refusal: Throttled


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Answer with `code`."""

    code: int
    stored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Html:
    """Answer 200 with a proxy's HTML page."""

    stored: bool


@dataclass(frozen=True, slots=True)
class DropBefore:
    """Reset the connection; nothing is stored."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """Store the exam, then close the connection without a byte of an answer."""


@dataclass(frozen=True, slots=True)
class NoSid:
    """Store the exam and answer 200 with `sid` null."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """Store the exam and close the connection in the middle of the answer's body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowBody:
    """Store the exam and take `seconds` to send the answer's body."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Answer with redirection `code` to the same path, not stored: a client that follows it shows itself."""

    code: int


Effect: TypeAlias = (
    Latency
    | Throttled
    | Rate
    | Status
    | Html
    | DropBefore
    | DropAfter
    | NoSid
    | Truncated
    | SlowBody
    | Redirect
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which creates a fault takes: those that satisfy every field that is not None.

    `title` is a shell pattern, with respect for case. `nth`, `every` and `first` count the creates whose
    title fits, from the moment that the fault was set; `times` bounds how often it strikes.
    """

    nth: int | None = None
    every: int | None = None
    first: int | None = None
    times: int | None = None
    title: str | None = None

    def fits(self, title: str) -> bool:
        """Whether a create of `title` counts at all."""
        return self.title is None or fnmatchcase(title, self.title)

    def takes(self, count: int, *, struck: int) -> bool:
        """Whether create number `count` of those that fit is taken, after `struck` others were."""
        return (
            (self.nth is None or count == self.nth)
            and (self.every is None or count % self.every == 0)
            and (self.first is None or count <= self.first)
            and (self.times is None or struck < self.times)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing to do wrong; `spec` is how it was written."""

    effect: Effect
    selection: Selection = field(default_factory=Selection)
    spec: str
