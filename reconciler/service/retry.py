"""The delay before another try: a pure function, the current time is an argument."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from msgspec import Struct

_LARGEST_POWER: Final = 30
_DATE_CHARACTERS: Final = 64
_FOREVER_S: Final = 1e9


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
        return max(own_s, _asked_s(retry_after, now))


def _asked_s(header: str | None, now: datetime) -> float:
    if header is None:
        return 0.0
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _FOREVER_S)
    moment = http_date(text)
    return 0.0 if moment is None else max(0.0, (moment - now).total_seconds())


def http_date(header: str | None) -> datetime | None:
    """Return the date of `header` in UTC, in any form of HTTP; None if it is missing or malformed."""
    try:
        moment = parsedate_to_datetime((header or "")[:_DATE_CHARACTERS])
        # RFC 850 and asctime forms carry no offset and mean UTC.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError, AttributeError):
        # The parser is made for e-mails, and raises various exceptions for other texts.
        return None
