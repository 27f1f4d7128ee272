"""The delay before another try: a pure function, the current time is an argument."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.retry_after import asked_s

_LARGEST_POWER: Final = 30


class BackOff(Struct, frozen=True, kw_only=True):
    """Delays that double from `first_s` up to `longest_s`; implements `ports.RetryPolicy`."""

    first_s: float = 0.25
    longest_s: float = 30.0
    connect_tries: int = 5
    budget_s: float = 300.0

    def delay_s(self, attempt: int, retry_after: str | None, now: datetime) -> float:
        """Return the seconds to wait before try `attempt` (the first is 1).

        `retry_after` is Retry-After in either form of RFC 9110 section 10.2.3; it wins when it is longer,
        and a malformed one counts as absent. `now` is the server's time if its response gave one.
        """
        doublings = min(max(attempt - 2, 0), _LARGEST_POWER)
        own_s = min(self.first_s * 2**doublings, self.longest_s) if attempt > 1 else 0.0
        return max(own_s, asked_s(retry_after, now))
