"""Time zones by their IANA names, with the rules of the tzdata package.

The machine's own database is never asked: it may be older, or not there, and a plan must mean the same hours
on every runner. May import: tzdata, which is data only.
"""

from datetime import tzinfo
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct


class Zone(Struct, frozen=True, eq=False):
    """A time zone and its IANA name; there is one of each name."""

    name: str
    rules: tzinfo


@cache
def _data() -> Path:
    """The folder of the tzdata package; `importlib.resources` would load zipfile and more to say so."""
    spec = find_spec("tzdata")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package tzdata is not installed", name="tzdata")
    return Path(spec.origin).parent


@cache
def zone_names() -> frozenset[str]:
    """The IANA names of all time zones."""
    return frozenset((_data() / "zones").read_text(encoding="utf-8").split())


@cache
def zone_of(name: str) -> Zone | None:
    """The zone called `name`; None where there is none."""
    if name not in zone_names():
        return None
    with _data().joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return Zone(name, ZoneInfo.from_file(file, key=name))
