"""Dates and delays in the headers of HTTP answers, in either form of RFC 9110 section 10.2.3.

May import: the standard library.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_DATE_CHARACTERS: Final = 64
_FOREVER_S: Final = 1e9


def asked_s(header: str | None, now: datetime) -> float:
    """Return the seconds that the Retry-After `header` asks to wait; 0 if it is missing or malformed."""
    text = (header or "").strip()
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
