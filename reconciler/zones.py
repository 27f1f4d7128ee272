"""Time zones by their IANA names, with the rules of the tzdata package.

The machine's own database is never asked: it may be older, or not there, and a plan must mean the same hours
on every runner. May import: tzdata, which is data only.
"""

from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]

_DATA: Final = Path(tzdata.__file__).parent


@cache
def zone_names() -> frozenset[str]:
    """Return the IANA names of all time zones."""
    return frozenset((_DATA / "zones").read_text(encoding="utf-8").split())


@cache
def zone_of(name: str) -> ZoneInfo | None:
    """Return the zone called `name`, whose `key` that is; None where there is none."""
    if name not in zone_names():
        return None
    with _DATA.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
