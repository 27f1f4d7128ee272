"""What people write in place of a time zone's IANA name: abbreviations, names of regions, Windows' names."""

import re
from collections.abc import Sequence
from typing import Final

from reconciler.model.words import nearest
from reconciler.zones import zone_names

_OF_REGIONS: Final = {
    "America/New_York": "est edt et eastern nyc boston washington washingtondc atlanta miami philadelphia"
    " baltimore cleveland pittsburgh charlotte orlando tampa buffalo columbus",
    "America/Chicago": "cst cdt ct central dallas houston austin sanantonio minneapolis stlouis saintlouis"
    " neworleans milwaukee memphis nashville kansascity oklahomacity omaha",
    "America/Denver": "mst mdt mt mountain saltlakecity albuquerque",
    "America/Phoenix": "mst usmountain arizona tucson",
    "America/Los_Angeles": "pst pdt pt pacific la seattle sanfrancisco sandiego sanjose sacramento lasvegas",
    "America/Anchorage": "akst akdt alaska alaskan",
    "Pacific/Honolulu": "hst hawaii hawaiian",
    "America/Halifax": "ast adt atlantic",
    "America/St_Johns": "nst ndt newfoundland",
    "America/Sao_Paulo": "brt brasilia esouthamerica",
    "America/Guatemala": "centralamerica",
    "America/Regina": "canadacentral saskatchewan",
    "America/Bogota": "sapacific colombia",
    "America/Mexico_City": "centralamericamexico mexico",
    "Europe/London": "bst gmt greenwich uk britain british greatbritain england",
    "Europe/Dublin": "ist ireland",
    "Europe/Lisbon": "wet west portugal",
    "Europe/Berlin": "cet cest mez mesz met weurope germany centraleurope centraleuropean"
    " munich hamburg frankfurt cologne stuttgart",
    "Europe/Paris": "cet cest romance france spain",
    "Europe/Warsaw": "cet cest poland",
    "Europe/Athens": "eet eest gtb greece",
    "Europe/Helsinki": "eet eest fle finland",
    "Europe/Moscow": "msk russian moscow",
    "Europe/Istanbul": "trt turkey",
    "Africa/Johannesburg": "sast southafrica",
    "Africa/Cairo": "egypt",
    "Asia/Jerusalem": "israel",
    "Africa/Lagos": "wat wcentralafrica nigeria",
    "Africa/Nairobi": "eat eafrica kenya",
    "Asia/Dubai": "gst arabian gulf",
    "Asia/Karachi": "pkt pakistan",
    "Asia/Kolkata": "ist india indian bombay mumbai delhi newdelhi bangalore bengaluru chennai hyderabad",
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
_FILLING: Final = re.compile(r"(?:standard|daylight|summer)?time$|[()]")
_OFFSET: Final = re.compile(r"(?:etc/)?(?:gmt|utc|z)? ?[+\-\N{MINUS SIGN}] ?[0-9:.]+", re.IGNORECASE)
_FIXED: Final = re.compile(r"[EMH]ST|(?:Etc/)?(?:GMT(?:[+-]?[0-9]+)?|Greenwich)")
_LIKE: Final = 0.8
_CONTINENTS: Final = frozenset(
    {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)
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
    found = zones_meant(name)
    if not found:
        return f"{_OF_A_CITY}."
    return f"did you mean {' or '.join(repr(one) for one in found)}?"


def zones_meant(name: str) -> Sequence[str]:
    """Return the zones that `name` may stand for: of a region, of a city, or of nearly that name."""
    city = name.rpartition("/")[2].partition(",")[0].casefold().strip().replace(" ", "_")
    words = {
        part for text in (name, city) for part in (_folded(text), _folded(text).removeprefix("us")) if part
    }
    regions = [zone for zone, known in _OF_REGIONS.items() if not words.isdisjoint(known.split())]
    if regions:
        return regions
    # Where a city has several names, the older ones have fewer parts.
    cities = {
        zone.rpartition("/")[2].casefold(): zone
        for zone in sorted(zone_names(), key=lambda zone: zone.count("/"))
        if zone.partition("/")[0] in _CONTINENTS
    }
    if city in cities:
        return [cities[city]]
    if len(name) <= _ABBREVIATION:
        return []
    near = [cities[one] for one in nearest(city, cities, likeness=_LIKE)]
    return [zone for zone in near if "/" not in name or nearest(name, [zone], likeness=_LIKE)]


def _folded(name: str) -> str:
    """Return the letters of `name`, without the words that all zones share."""
    return _FILLING.sub("", _BRACKETS.sub("", name.casefold()))
