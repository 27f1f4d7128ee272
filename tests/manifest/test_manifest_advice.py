"""What people write for zones and times, and what they are told to write: never anything that does harm."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.exam.date_advice import date_advice
from reconciler.manifest.exam.dates import normalized
from reconciler.manifest.exam.zone_names import zone_advice
from reconciler.zones import zone_of

_TWO = "These are two times: write each in a field of its own, the first as {}."
NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"


@pytest.mark.parametrize(
    ("written", "zones"),
    [
        ("EDT", [NEW_YORK]),
        ("ET", [NEW_YORK]),
        ("Eastern", [NEW_YORK]),
        ("Eastern Standard Time", [NEW_YORK]),
        ("(UTC-05:00) Eastern Time (US & Canada)", [NEW_YORK]),
        ("new york", [NEW_YORK]),
        ("America/NewYork", [NEW_YORK]),
        ("PST", [LOS_ANGELES]),
        ("PT", [LOS_ANGELES]),
        ("Pacific Time", [LOS_ANGELES]),
        ("Chicago", ["America/Chicago"]),
        ("CST", ["America/Chicago", "Asia/Shanghai"]),
        ("IST", ["Europe/Dublin", "Asia/Kolkata"]),
        ("W. Europe Standard Time", ["Europe/Berlin"]),
        ("GMT Standard Time", ["Europe/London"]),
        ("Londn", ["Europe/London"]),
        ("Mars/Phobos", []),
        ("XYZ", []),
        ("Boston", [NEW_YORK]),
        ("America/Boston", [NEW_YORK]),
        ("America/Washington", [NEW_YORK]),
        ("Atlanta", [NEW_YORK]),
        ("NYC", [NEW_YORK]),
        ("America/Dallas", ["America/Chicago"]),
        ("Chicago, IL", ["America/Chicago"]),
        ("America/San_Francisco", [LOS_ANGELES]),
        ("Pacific/Los_Angeles", [LOS_ANGELES]),
        ("America/Los_Angelos", [LOS_ANGELES]),
        ("Europe/Munich", ["Europe/Berlin"]),
        ("Asia/Bombay", ["Asia/Kolkata"]),
        ("Asia/Beijing", ["Asia/Shanghai"]),
        ("US Mountain Standard Time", ["America/Denver", "America/Phoenix"]),
        ("US Eastern", [NEW_YORK]),
        ("Israel Standard Time", ["Asia/Jerusalem"]),
        ("Kyiv", ["Europe/Kyiv"]),
        ("US/East", []),
        ("America", []),
        ("Eastern/US", []),
        ("local", []),
    ],
)
def test_the_zone_that_is_meant_is_named(written: str, zones: list[str]) -> None:
    """Of several that may be meant all are named, and none is guessed from letters that are alike."""
    named = [one for one in zone_advice(written).split("'") if zone_of(one) is not None]
    assert named == zones
    assert zones or "Write the zone of your city" in zone_advice(written)


@pytest.mark.parametrize("written", ["GMT+1", "UTC+2", "UTC-05:00", "+01:00", "Etc/GMT+99"])
def test_an_offset_gets_no_zone_but_a_question_for_the_city(written: str) -> None:
    """Etc/GMT+1 is an hour behind Greenwich, and no offset has summer time."""
    assert "an offset knows no summer time" in zone_advice(written)
    assert "Etc" not in zone_advice(written)


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("10/6/2031 09:00", "Write it as 2031-10-06T09:00 or 2031-06-10T09:00."),
        ("10/10/2031 09:00", "Write it as 2031-10-10T09:00."),
        ("13/10/2031 9:00", "Write it as 2031-10-13T09:00."),
        ("06.10.2031 09:00", "Write it as 2031-10-06T09:00."),
        ("2031-10-06 9:00 AM", "Write it as 2031-10-06T09:00."),
        ("2031-10-06 12:30 am", "Write it as 2031-10-06T00:30."),
        ("2031-10-06 9pm", "Write it as 2031-10-06T21:00."),
        ("2031-12-31T24:00", "Write it as 2032-01-01T00:00."),
        ("2031-10-6T9:00", "Write it as 2031-10-06T09:00."),
        ("2031-10-06T09:00+0500", "Write it as 2031-10-06T09:00+05:00."),
        ("Monday, October 6, 2031 at 2:30 PM", "Write it as 2031-10-06T14:30."),
        ("6th Oct 2031 14:30:05", "Write it as 2031-10-06T14:30:05."),
        ("2031-10-06", "Add the time: 2031-10-06Thh:mm."),
        ("9:00 AM 10/16/2031", "Write it as 2031-10-16T09:00."),
        ("2031-10-06T0900", "Write it as 2031-10-06T09:00."),
        ("2031-10-06 13:30 PM", "Write it as 2031-10-06T13:30."),
        (
            "2031-10-06T09:00 EST",
            "Write it as 2031-10-06T09:00, with `timezone: America/New_York`.",
        ),
        (
            "2031-12-01T14:00 EST",
            f"Write it as 2031-12-01T14:00, with `timezone: {NEW_YORK}`, or as 2031-12-01T14:00:00-05:00.",
        ),
        ("Dec 1 2031 2pm PT", f"Write it as 2031-12-01T14:00, with `timezone: {LOS_ANGELES}`."),
        (
            "2031-12-01T14:00 America/Chicago",
            "Write it as 2031-12-01T14:00, with `timezone: America/Chicago`.",
        ),
        ("2031-12-01T14:00 UTC", "Write it as 2031-12-01T14:00Z."),
        (
            "2031-12-01T14:00 (CST)",
            "Write it as 2031-12-01T14:00, with `timezone: America/Chicago or Asia/Shanghai`.",
        ),
        ("2031-12-01T14:00,", "Write it as 2031-12-01T14:00."),
        ("2031-12-01T14:00 Uhr", "Write it as 2031-12-01T14:00."),
        ("1.12.2031, 14 Uhr", "Write it as 2031-12-01T14:00."),
        ("2031-12-01T14:00 Mon", "Write it as 2031-12-01T14:00."),
        ("Mon, 2031-12-01 14:00 (tbc)", "Write it as 2031-12-01T14:00."),
        ("2031\N{EN DASH}12\N{EN DASH}01T14:00", "Write it as 2031-12-01T14:00."),
        ("31-12-01T14:00", "Write it as 2031-12-01T14:00."),
        ("20311201T1400", "Write it as 2031-12-01T14:00."),
        ("20311201T140000Z", "Write it as 2031-12-01T14:00:00Z."),
        ("2031-12-01T10:00\N{EN DASH}16:00", _TWO.format("2031-12-01T10:00")),
        ("12/1/2031 10:00-12:00", _TWO.format("2031-12-01T10:00 or 2031-01-12T10:00")),
        ("2031-12-01 10am to 4pm", _TWO.format("2031-12-01T10:00")),
        ("2031-12-01T10:00 - 2031-12-01T16:00", _TWO.format("2031-12-01T10:00")),
        (
            "October 6th, 2031 at 9 AM America/New_York",
            "Write it as 2031-10-06T09:00, with `timezone: America/New_York`.",
        ),
        ("10/6/2031", "Add the time: 2031-10-06Thh:mm or 2031-06-10Thh:mm."),
    ],
)
def test_a_time_in_another_form_is_corrected(written: str, advice: str) -> None:
    """Each way to read it is given, and nothing that the reader did not write."""
    assert date_advice(written) == advice


@pytest.mark.parametrize(
    "written",
    [
        "tomorrow",
        "2031-10-06 25:00",
        "2031-10-06 2:00 in the afternoon",
        "2031-10-06T10:00-05",
        "2031-10-06T10:00Z EST",
        "2031-10-06 2:00-4:00 pm",
        "10/6/2031 10:00-12:00 pm",
        "2031-10-06 14:00 am",
        "10/06/31 09:00",
        "2031-13-06T09:00",
        "12/31/9999 24:00",
        "",
        "9" * 5000,
    ],
)
def test_what_is_no_time_gets_the_form(written: str) -> None:
    """A value that the calendar lacks is not moved to another day, and no day of ours is offered."""
    assert "YYYY-MM-DDThh:mm (local to `timezone`)" in date_advice(written)


@given(
    st.datetimes(datetime.fromisoformat("1000-01-01"), datetime.fromisoformat("9998-12-31")),
    st.sampled_from(["%m/%d/%Y", "%Y.%m.%d"]),
)
def test_every_correction_is_a_date_and_time(moment: datetime, form: str) -> None:
    """What is advised is accepted, and one of the readings is the moment that was written."""
    advice = date_advice(moment.strftime(f"{form} %I:%M %p"))
    readings = advice.removeprefix("Write it as ").removesuffix(".").split(" or ")
    assert [normalized(reading, zone_of("UTC")) for reading in readings]
    assert f"{moment:%Y-%m-%dT%H:%M}" in readings


@given(st.text(max_size=80))
def test_no_text_breaks_the_advice(text: str) -> None:
    """Whatever was written, there is an answer."""
    assert date_advice(text)
    assert zone_advice(text)
