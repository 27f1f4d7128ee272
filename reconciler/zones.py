"""Time zones by their IANA names, with the rules of the tzdata package.

The machine's own database is never asked: it may be older, or not there, and a plan must mean the same hours
on every runner. May import: tzdata, which is data only.
"""

from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A time zone and its IANA name; there is one of each name."""

    name: str
    rules: tzinfo


@cache
def zone_names() -> frozenset[str]:
    """The IANA names of all time zones."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@cache
def zone_of(name: str) -> Zone | None:
    """The zone called `name`; None where there is none."""
    if name not in zone_names():
        return None
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return Zone(name, ZoneInfo.from_file(file, key=name))
