"""Instants as text: one spelling in UTC, as in `2031-10-01T09:00:00.000Z`."""

from datetime import UTC, datetime
from functools import lru_cache


def spell_instant(moment: datetime, *, to: str = "milliseconds") -> str:
    """Return `moment`, which is aware, in UTC; `to` is the precision, as `datetime.isoformat` names it."""
    return moment.astimezone(UTC).isoformat(timespec=to).replace("+00:00", "Z")


def read_instant(text: object) -> datetime | None:
    """Return the instant that `text` names, in UTC; None unless it is a date-time with an offset."""
    return _instant_of(text) if isinstance(text, str) else None


@lru_cache  # several rules ask for one date, and many exams share it
def _instant_of(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def instant_in_words(moment: datetime) -> str:
    """Return `moment`, which is aware, for people: as in `2031-10-01 09:00:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
