"""Local times against every zone of the tzdata package, in the years 2025 to 2040."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.exam.dates import BadDateTime, normalized
from reconciler.zones import zone_names, zone_of

FIRST, LAST = datetime(2025, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
SPELLED = re.compile(r"\d{4}-\d\d-\d\dT\S+")
ZONES = st.sampled_from(sorted(zone_names())).map(zone_of)
INSTANTS = st.datetimes(
    min_value=FIRST.replace(tzinfo=None), max_value=LAST.replace(tzinfo=None), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))


def known(name: str) -> ZoneInfo:
    """The zone called `name`, which there is."""
    zone = zone_of(name)
    assert zone is not None
    return zone


def sent(moment: datetime) -> str:
    """`moment` as payloads spell it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wall(moment: datetime) -> str:
    """What the clocks show at `moment`, without their zone."""
    return moment.replace(tzinfo=None).isoformat()


def offset_at(moment: datetime, zone: ZoneInfo) -> timedelta:
    """How far the clocks of `zone` are ahead of UTC at `moment`."""
    return moment.astimezone(zone).utcoffset() or timedelta()


def transitions(zone: ZoneInfo) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """Each instant from which the clocks of `zone` have another offset, with the one before and after."""
    day, offset = FIRST, offset_at(FIRST, zone)
    while day < LAST:
        following = offset_at(day + DAY, zone)
        if following != offset:
            low, high = day, day + DAY
            while high - low > SECOND:
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if offset_at(middle, zone) == offset else (low, middle)
            yield high, offset, following
        day, offset = day + DAY, following


def distinct_zones() -> list[ZoneInfo]:
    """One zone for each set of rules: many names stand for one."""
    folder = resources.files("tzdata").joinpath("zoneinfo")
    by_rules = {folder.joinpath(*name.split("/")).read_bytes(): name for name in sorted(zone_names())}
    return [zone for name in by_rules.values() if (zone := zone_of(name)) is not None]


def readings_of(error: BadDateTime) -> list[str]:
    """The two spellings that a refusal offers, as they would be sent."""
    spelled = SPELLED.findall(error.hint)
    assert len(spelled) == 2, error.hint
    return [normalized(text, None) for text in spelled]


def refusal(local: datetime, zone: ZoneInfo) -> BadDateTime:
    """Why the wall clock's `local` is refused, which it must be."""
    with pytest.raises(BadDateTime) as refused:
        normalized(wall(local), zone)
    return refused.value


def test_every_zone_is_known() -> None:
    """Each name of the package has its rules, and there are as many as the world has."""
    assert len(zone_names()) > 500
    assert all(zone_of(name) is not None for name in zone_names())
    assert zone_of("America/New_Yrok") is None
    assert zone_of("../../etc/passwd") is None


def test_every_clock_change_of_every_zone() -> None:
    """Within a gap or a repeat a time is refused with both readings; a second outside, it is taken."""
    seen = {"local-time-skipped": 0, "local-time-repeated": 0}
    for zone in distinct_zones():
        for at, before, after in transitions(zone):
            old, new = (at + before).replace(tzinfo=None), (at + after).replace(tzinfo=None)
            first, beyond = min(old, new), max(old, new)
            code = "local-time-skipped" if new > old else "local-time-repeated"
            assert normalized(wall(first - SECOND), zone) == sent(
                (first - SECOND - before).replace(tzinfo=UTC)
            )
            assert normalized(wall(beyond), zone) == sent((beyond - after).replace(tzinfo=UTC))
            for local in (first, first + (beyond - first) / 2, beyond - SECOND):
                error = refusal(local, zone)
                assert error.code == code, (zone.name, local)
                assert set(readings_of(error)) == {
                    sent((local - offset).replace(tzinfo=UTC)) for offset in (before, after)
                }
                seen[code] += 1
    assert min(seen.values()) > 1_000, seen


@given(zone=ZONES, instant=INSTANTS)
def test_local_time_and_back(zone: ZoneInfo, instant: datetime) -> None:
    """What the clocks of any zone show at an instant means that instant, or says that it may mean two."""
    local = instant.astimezone(zone)
    readings = {local.replace(fold=fold, tzinfo=zone).astimezone(UTC) for fold in (0, 1)}
    if len(readings) == 1:
        assert normalized(wall(local), zone) == sent(instant)
    else:
        assert sent(instant) in readings_of(refusal(local, zone))


@given(zone=ZONES, instant=INSTANTS, elsewhere=ZONES)
def test_an_offset_needs_no_zone(zone: ZoneInfo, instant: datetime, elsewhere: ZoneInfo) -> None:
    """A time with its offset is that instant, whatever zone the file names."""
    local = instant.astimezone(zone)
    for text in (
        local.isoformat(),
        local.isoformat(" "),
        sent(instant),
        sent(instant).replace("Z", " +00:00"),
    ):
        assert normalized(text, elsewhere) == normalized(text, None) == sent(instant)


@given(zone=ZONES, local=st.datetimes(min_value=datetime(2025, 1, 1), max_value=datetime(2041, 1, 1)))  # noqa: DTZ001 - a wall clock
def test_any_wall_time_is_taken_or_refused_with_two_ways_out(zone: ZoneInfo, local: datetime) -> None:
    """A wall time that is taken comes back the same; one that is refused offers two that are taken."""
    local = local.replace(microsecond=0)
    offsets = {local.replace(fold=fold, tzinfo=zone).utcoffset() for fold in (0, 1)}
    if len(offsets) == 1:
        shown = datetime.fromisoformat(normalized(wall(local), zone)).astimezone(zone)
        assert shown.replace(tzinfo=None) == local
    else:
        assert len(set(readings_of(refusal(local, zone)))) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2031-10-12T09:00", "2031-10-12T13:00:00.000Z"),
        ("2031-10-12 09:00", "2031-10-12T13:00:00.000Z"),
        ("2031-10-12 09:00:30", "2031-10-12T13:00:30.000Z"),
        ("2031-10-12T09:00:30.5", "2031-10-12T13:00:30.500Z"),
        ("2031-10-12T09:00:30.123000000", "2031-10-12T13:00:30.123Z"),
        ("2031-10-12T09:00+02:00", "2031-10-12T07:00:00.000Z"),
        ("2031-10-12 09:00 -04:00", "2031-10-12T13:00:00.000Z"),
        ("2031-10-12T09:00Z", "2031-10-12T09:00:00.000Z"),
        ("2031-10-12 09:00:00 z", "2031-10-12T09:00:00.000Z"),
    ],
)
def test_date_times_as_people_write_them(text: str, expected: str) -> None:
    """A space for the T, seconds and fractions or none, an offset or none."""
    assert normalized(text, zone_of("America/New_York")) == expected


@pytest.mark.parametrize("text", ["2031-10", "2031-10-12T09", "now"])
def test_what_is_no_date_time_says_how_to_write_one(text: str) -> None:
    """The hint shows both forms, local and with an offset."""
    with pytest.raises(BadDateTime) as refused:
        normalized(text, zone_of("America/New_York"))
    assert "YYYY-MM-DDThh:mm (local" in refused.value.hint
    assert "YYYY-MM-DDThh:mm-04:00" in refused.value.hint


@pytest.mark.parametrize(
    "text", ["2031-12-01T10:00-16:00", "2031-12-01T08:00-12:30", "2031-12-01T08:00+14:30"]
)
def test_two_times_are_not_taken_for_a_time_with_an_offset(text: str) -> None:
    """No clock on earth has such an offset; a range of times looks like it."""
    with pytest.raises(BadDateTime, match="no such offset") as refused:
        normalized(text, zone_of("America/New_York"))
    assert "write each in a field of its own" in refused.value.hint


def test_a_day_that_a_zone_left_out_names_both_readings() -> None:
    """Samoa had no 30 December 2011: the readings are a day apart."""
    error = refusal(datetime(2011, 12, 30, 12), known("Pacific/Apia"))  # noqa: DTZ001 - a wall clock
    assert error.code == "local-time-skipped"
    assert SPELLED.findall(error.hint) == ["2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"]


def test_an_offset_of_another_age_is_shown_in_utc() -> None:
    """Where clocks were not whole minutes from UTC, no offset can be written, and the hint does without."""
    error = refusal(datetime(1883, 11, 18, 12, 1), known("America/New_York"))  # noqa: DTZ001 - a wall clock
    assert error.code == "local-time-repeated"
    assert readings_of(error) == ["1883-11-18T16:57:02.000Z", "1883-11-18T17:01:00.000Z"]


SCRIPT = """
from datetime import datetime
from zoneinfo import ZoneInfo
from reconciler.manifest.exam.dates import normalized
from reconciler.zones import zone_of
from reconciler.outputs.exam_facts import moment_text
print(ZoneInfo("America/New_York").utcoffset(datetime(2031, 10, 12)))
print(normalized("2031-10-12T09:00", zone_of("America/New_York")))
print(moment_text("2031-10-12T13:00:00Z", "America/New_York"))
"""


def test_the_machines_own_zones_are_not_asked(tmp_path: Path) -> None:
    """Where the machine takes New York for Tokyo, times are read and shown as everywhere else."""
    tokyo = resources.files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes()
    (tmp_path / "America").mkdir()
    (tmp_path / "America" / "New_York").write_bytes(tokyo)
    printed = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"PYTHONTZPATH": str(tmp_path)},
        capture_output=True,
        check=True,
        text=True,
    ).stdout.splitlines()
    assert printed[0] == "9:00:00", "the machine's database is not wrong, so this test shows nothing"
    assert printed[1:] == ["2031-10-12T13:00:00.000Z", "Sun 2031-10-12 09:00 EDT"]
