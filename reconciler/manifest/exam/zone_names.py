"""What people write in place of a time zone's IANA name: abbreviations, names of regions, Windows' names."""

import re
from collections.abc import Sequence
from typing import Final

from reconciler.model.words import nearest
from reconciler.zones import zone_names

_OF_REGIONS: Final = {
    "America/New_York": "est edt et eastern",
    "America/Chicago": "cst cdt ct central",
    "America/Denver": "mst mdt mt mountain",
    "America/Phoenix": "mst arizona",
    "America/Los_Angeles": "pst pdt pt pacific",
    "America/Anchorage": "akst akdt alaska alaskan",
    "Pacific/Honolulu": "hst hawaii hawaiian",
    "America/Halifax": "ast adt atlantic",
    "America/St_Johns": "nst ndt newfoundland",
    "America/Sao_Paulo": "brt brasilia esouthamerica",
    "America/Bogota": "sapacific colombia",
    "America/Mexico_City": "centralamericamexico mexico",
    "Europe/London": "bst gmt greenwich uk britain british greatbritain england",
    "Europe/Dublin": "ist ireland",
    "Europe/Lisbon": "wet west portugal",
    "Europe/Berlin": "cet cest met weurope germany centraleurope centraleuropean",
    "Europe/Paris": "cet cest romance france spain",
    "Europe/Warsaw": "cet cest poland",
    "Europe/Athens": "eet eest gtb greece",
    "Europe/Helsinki": "eet eest fle finland",
    "Europe/Moscow": "msk russian moscow",
    "Europe/Istanbul": "trt turkey",
    "Africa/Johannesburg": "sast southafrica",
    "Africa/Lagos": "wat wcentralafrica nigeria",
    "Africa/Nairobi": "eat eafrica kenya",
    "Asia/Dubai": "gst arabian gulf",
    "Asia/Karachi": "pkt pakistan",
    "Asia/Kolkata": "ist india indian",
    "Asia/Shanghai": "cst china beijing peking",
    "Asia/Hong_Kong": "hkt",
    "Asia/Singapore": "sgt",
    "Asia/Tokyo": "jst japan",
    "Asia/Seoul": "kst korea",
    "Australia/Sydney": "aest aedt auseastern",
    "Australia/Brisbane": "aest eaustralia queensland",
    "Australia/Adelaide": "acst acdt cenaustralia",
    "Australia/Perth": "awst waustralia",
    "Pacific/Auckland": "nzst nzdt newzealand",
}
"""By IANA name, what people write for it, folded as `_folded` does."""
_BRACKETS: Final = re.compile(r"\(.*?\)|[^a-z()]")
_FILLING: Final = re.compile(r"^us(?=.)|(?:standard|daylight|summer)?time$|[()]")
_OFFSET: Final = re.compile(r"(?:etc/)?(?:gmt|utc|z)? ?[+\-\N{MINUS SIGN}] ?[0-9:.]+", re.IGNORECASE)
_FIXED: Final = re.compile(r"[EMH]ST|(?:Etc/)?(?:GMT(?:[+-]?[0-9]+)?|Greenwich)")
_LIKE: Final = 0.75
_ABBREVIATION: Final = 4
"""An unknown word of so few letters is an abbreviation, and names of zones that look like it mean nothing."""
_OF_A_CITY: Final = "Write the zone of your city, such as America/New_York, Europe/Berlin or Asia/Kolkata"


def has_fixed_offset(name: str) -> bool:
    """Return whether the IANA name `name` is an offset rather than a region; UTC is not counted."""
    return _FIXED.fullmatch(name) is not None


def zone_advice(name: str) -> str:
    """Return what to write in place of `name`, which is no IANA name or one of an offset."""
    name = name.removeprefix("Etc/")
    if _OFFSET.fullmatch(name.strip()):
        return f"{_OF_A_CITY}: an offset knows no summer time."
    found = _meant(name)
    if not found:
        return f"{_OF_A_CITY}."
    return f"did you mean {' or '.join(repr(one) for one in found)}?"


def _meant(name: str) -> Sequence[str]:
    """Return the zones that `name` may stand for: of a region, of a city, or of nearly that name."""
    word = _folded(name)
    if word and (regions := [zone for zone, words in _OF_REGIONS.items() if word in words.split()]):
        return regions
    city = name.rpartition("/")[2].casefold().replace(" ", "_")
    of_city = [zone for zone in sorted(zone_names()) if zone.rpartition("/")[2].casefold() == city]
    if of_city:
        # Where a city has several names, the older ones have fewer parts.
        return [max(of_city, key=lambda zone: zone.count("/"))]
    if len(name) <= _ABBREVIATION:
        return []
    return nearest(name, sorted(zone_names()), likeness=_LIKE) or _nearest_city(city)


def _nearest_city(city: str) -> Sequence[str]:
    """Return the zone whose city is spelt most like `city`."""
    cities = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(zone_names())}
    return [cities[one] for one in nearest(city, cities, likeness=_LIKE)]


def _folded(name: str) -> str:
    """Return the letters of `name`, without the words that all zones share."""
    return _FILLING.sub("", _BRACKETS.sub("", name.casefold()))
