"""Faults: what the sandbox can be told to do wrong, and to which requests."""

from fnmatch import fnmatchcase
from typing import TypeAlias

from msgspec import Struct, field


class Latency(Struct, frozen=True, kw_only=True):
    """Wait before doing anything; goes together with any other fault."""

    seconds: float


class Throttled(Struct, frozen=True, kw_only=True):
    """Answer 429, not stored; `retry_after_s` None leaves the header out, `as_date` writes its other form."""

    retry_after_s: int | None
    as_date: bool


class Rate(Struct, frozen=True, kw_only=True):
    """Answer 429 beyond `per_second` creates a second (a bucket that holds one second's worth)."""

    per_second: float
    refusal: Throttled


class Status(Struct, frozen=True, kw_only=True):
    """Answer with `code`."""

    code: int
    stored: bool


class Html(Struct, frozen=True, kw_only=True):
    """Answer 200 with a proxy's HTML page."""

    stored: bool


class DropBefore(Struct, frozen=True):
    """Reset the connection; nothing is stored."""


class DropAfter(Struct, frozen=True):
    """Store the exam, then close the connection without a byte of an answer."""


class NoSid(Struct, frozen=True):
    """Store the exam and answer 200 with `sid` null."""


class Truncated(Struct, frozen=True):
    """Store the exam and close the connection in the middle of the answer's body."""


class SlowBody(Struct, frozen=True, kw_only=True):
    """Store the exam and take `seconds` to send the answer's body."""

    seconds: float


class Redirect(Struct, frozen=True, kw_only=True):
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


class Selection(Struct, frozen=True, kw_only=True):
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


class Fault(Struct, frozen=True, kw_only=True):
    """One thing to do wrong; `spec` is how it was written."""

    effect: Effect
    selection: Selection = field(default_factory=Selection)
    spec: str
