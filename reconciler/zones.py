"""Time zones by their IANA names, with the rules of the tzdata package.

The operating system's time zones are not used: they may be older or missing, and a plan must give the same
hours on every machine. May import: tzdata, which is data only.
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
    """Return the time zone `name`; None for an unknown name."""
    if name not in zone_names():
        return None
    with _DATA.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
