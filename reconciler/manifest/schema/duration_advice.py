"""How a length of time that people write in another form reads in minutes."""

import re
from typing import Final

_WRITTEN: Final = re.compile(
    r"(?:pt)?(?:(?P<hours>[0-9]{1,3}(?:[.,][0-9]{1,2})?) ?(?:h|hrs?\.?|hours?|std\.?)[, ]*(?:and )?)?"
    r"(?:(?P<minutes>[0-9]{1,4}) ?(?:m|mins?\.?|minutes?|minuten|\')?)?"
)
_CLOCK: Final = re.compile(r"(?P<hours>[0-9]{1,2}):(?P<minutes>[0-5][0-9])(?::00)?")
_FRACTION: Final = re.compile(r"(?P<hours>[0-9]{1,2},[0-9]{1,2})(?P<minutes>)")
_MINUTES_AN_HOUR: Final = 60
_MOST_HOURS: Final = 12


def duration_advice(text: str) -> str | None:
    """Return the hint that gives `text` in minutes; None if it cannot be told."""
    folded = text.strip().casefold()
    found = _CLOCK.fullmatch(folded) or _FRACTION.fullmatch(folded) or _WRITTEN.fullmatch(folded)
    if found is None:
        return None
    hours = float((found["hours"] or "0").replace(",", "."))
    minutes = round(hours * _MINUTES_AN_HOUR) + int(found["minutes"] or 0)
    if not minutes or (hours > _MOST_HOURS and found.re is not _WRITTEN):
        return None
    return f"Write minutes, as a number: {minutes}."
