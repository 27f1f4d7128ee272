"""Plans and states as CSV and as calendars, read back with other people's libraries."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Final

import output_cases as cases
import pytest
from dateutil.tz import tzical
from golden_files import check
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Event, vDDDTypes
from msgspec.structs import replace
from test_outputs_golden import GOLDEN

from reconciler.model.identities import Address
from reconciler.model.instants import spell_instant
from reconciler.model.payloads import Json
from reconciler.model.plan import Action, Change, Plan
from reconciler.outputs.listing import Listing
from reconciler.outputs.tables.exam_calendar import plan_calendar
from reconciler.outputs.tables.plan_table import plan_csv
from reconciler.outputs.tables.state_changes import state_as_plan

HOSTILE: Final = [
    "=HYPERLINK(1)",
    "\r\nEND:VEVENT\r\nBEGIN:VALARM",
    "a;b,c\\n:d",
    "\u202eevil\x00\ud800",
    "Prüfung 🎓 " * 20,
    "\t@SUM(A1)",
]


def plan_of(*changes: Change, serial: int = 3) -> Plan:
    """A plan of these changes."""
    return Plan(destination=cases.DESTINATION, lineage=cases.LINEAGE, serial=serial, changes=changes)


def exam(timezone: str | None = "America/New_York", title: str = "Quiz", **configuration: Json) -> Change:
    """An exam to create, with this title, which may be one that no digest can be made of."""
    change = cases.change("cs101/quiz", Action.CREATE, after=cases.payload(**configuration))
    return replace(change, timezone=timezone, after={**cases.payload(**configuration), "title": title})


def events(text: str) -> list[Event]:
    """The events of a calendar, as a library reads them; none of its lines is too long."""
    assert text.endswith("\r\n")
    lines = text.encode("utf-8").split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    calendar = Calendar.from_ical(text)
    assert isinstance(calendar, Calendar)
    assert not calendar.errors
    assert all(not event.errors for event in calendar.events)
    return list(calendar.events)


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV document by their header."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("form", ["csv", "ics"])
@pytest.mark.parametrize("kind", ["plan", "state"])
def test_a_table_is_as_looked_at(kind: str, form: str) -> None:
    """Both formats, of a plan with every action and of a state."""
    plan = cases.every_action() if kind == "plan" else state_as_plan(cases.state())
    text = plan_csv(plan, listing=Listing.ALL) if form == "csv" else plan_calendar(plan)
    check(GOLDEN / f"{kind}.{form}", text.replace("\r\n", "\n"))


def test_a_row_has_every_value_of_its_exam() -> None:
    """Local times beside those in UTC; a password is where it comes from; a line ends as RFC 4180 says."""
    text = plan_csv(plan_of(exam(proctorTypes=["live"])), listing=Listing.DIFFERING)
    assert text.count("\r\n") == text.count("\n") == 2
    (row,) = rows(text)
    assert row["examOpens"] == "2026-10-12 09:00:00"
    assert row["configuration.examOpenDate"] == "2026-10-12T13:00:00.000Z"
    assert row["configuration.password"] == "from EXAM_SECRET_CS101_M1"
    assert (row["course"], row["courseSid"]) == ("cs101", cases.COURSE)
    assert (row["configuration.duration"], row["useProctorManager"]) == ("90", "true")
    assert row["configuration.proctorTypes"] == '["live"]'
    assert row["source"] == "exams/cs101.yaml:14"


def test_a_changed_exam_says_what_differs() -> None:
    """Both sides stand in one cell, passwords as references."""
    (row,) = rows(plan_csv(plan_of(cases.changed()), listing=Listing.DIFFERING))
    assert "configuration.duration: 90 → 120" in row["differs"]
    assert "configuration.password: from EXAM_SECRET_OLD → from file cs101/m1" in row["differs"]


def test_a_table_lists_what_was_asked_for() -> None:
    """Exams that are up to date only where all are listed."""
    plan = plan_of(cases.noop("cs101/a", 1), exam())
    for listing, count in ((Listing.DIFFERING, 1), (Listing.ALL, 2)):
        assert len(rows(plan_csv(plan, listing=listing))) == count


@pytest.mark.parametrize("title", HOSTILE)
def test_no_cell_is_a_formula_and_no_title_makes_a_row(title: str) -> None:
    """A spreadsheet shows each text; it runs none."""
    cells = [
        cell
        for row in rows(plan_csv(plan_of(exam(title=title)), listing=Listing.ALL))
        for cell in row.values()
    ]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any(title.strip()[-3:] in cell for cell in cells) or not title.isprintable()


@pytest.mark.parametrize("title", HOSTILE)
def test_no_title_leaves_its_event(title: str) -> None:
    """Two events, their titles as text on one line."""
    found = events(plan_calendar(plan_of(exam(title=title))))
    assert len(found) == 2
    assert all("\n" not in str(event["SUMMARY"]) for event in found)
    if title.isprintable():
        assert str(found[0]["SUMMARY"]) == f"{title[:199]}{'…' if len(title) > 200 else title[199:]} (cs101)"


@given(st.text(st.characters(codec=None), max_size=200))
def test_any_title_is_read_back(title: str) -> None:
    """Whatever it holds: a calendar with the same two events."""
    assert len(events(plan_calendar(plan_of(exam(title=title))))) == 2


ZONES: Final = [
    "America/New_York",
    "Europe/London",
    "Europe/Dublin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Auckland",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "Asia/Pyongyang",
]


@given(
    st.sampled_from(ZONES),
    st.lists(st.datetimes(datetime(2025, 1, 1), datetime(2045, 1, 1)), min_size=2, max_size=5),  # noqa: DTZ001
)
def test_the_zone_data_give_the_instants(timezone: str, moments: list[datetime]) -> None:
    """dateutil, which knows only the calendar's own zone data, finds each instant that was declared."""
    instants = [moment.replace(tzinfo=UTC, microsecond=0) for moment in moments]
    changes = [
        exam(timezone, examOpenDate=spell_instant(instant), examCloseDate=None) for instant in instants
    ]
    plan = plan_of(*(replace(change, address=Address(f"e{n}")) for n, change in enumerate(changes)))
    text = plan_calendar(plan)
    starts = [event["DTSTART"] for event in events(text) if event.categories == ["Exam"]]
    assert [by_own_zone(start, text) for start in starts] == instants


def by_own_zone(start: vDDDTypes, text: str) -> datetime:
    """The instant of `start`, with the zone data of the calendar `text` and no others."""
    if "TZID" not in start.params:
        return start.dt.astimezone(UTC)
    return start.dt.replace(tzinfo=tzical(io.StringIO(text)).get(start.params["TZID"])).astimezone(UTC)


@pytest.mark.parametrize(
    ("timezone", "changes_at"),
    [
        ("America/New_York", datetime(2031, 3, 9, 7, tzinfo=UTC)),
        ("America/New_York", datetime(2031, 11, 2, 6, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2031, 4, 5, 14, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2031, 9, 27, 14, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2031, 10, 4, 15, 30, tzinfo=UTC)),
    ],
)
def test_around_a_change_of_clocks_every_second_is_right(timezone: str, changes_at: datetime) -> None:
    """The second before it, the change itself, and the hours around: in the zone's time or in UTC."""
    for offset_s in (-7200, -1800, -1, 0, 1, 1800, 3600, 7200):
        instant = changes_at + timedelta(seconds=offset_s)
        text = plan_calendar(plan_of(exam(timezone, examOpenDate=spell_instant(instant))))
        assert by_own_zone(events(text)[0]["DTSTART"], text) == instant


@pytest.mark.parametrize("timezone", [None, "UTC", "Etc/UTC", "Nowhere/Else"])
def test_without_a_zone_times_are_in_utc(timezone: str | None) -> None:
    """And the calendar has no zone data."""
    text = plan_calendar(plan_of(exam(timezone)))
    assert "DTSTART:20261012T130000Z" in text
    assert "VTIMEZONE" not in text


def test_an_event_keeps_its_identity_and_its_sequence_rises() -> None:
    """By address and kind of window, within one state: staging's events do not replace production's."""
    first, later = plan_of(exam()), plan_of(exam(title="Quiz, new"), serial=4)
    once, again = events(plan_calendar(first)), events(plan_calendar(later))
    assert [event["UID"] for event in once] == [event["UID"] for event in again]
    assert [(one["SEQUENCE"], two["SEQUENCE"]) for one, two in zip(once, again, strict=True)] == [(3, 4)] * 2
    assert once[0]["DTSTAMP"].dt < again[0]["DTSTAMP"].dt
    elsewhere = events(plan_calendar(replace(first, lineage="1d4c2f7e-6a53-4d0c-9b6e-3a8f1c2b7d10")))
    uids = {str(event["UID"]) for event in (*once, *elsewhere)}
    assert len(uids) == 4
    assert plan_calendar(first) == plan_calendar(plan_of(exam()))


def test_each_action_shows_what_exists() -> None:
    """As created where it differs, as sent where it is in doubt, and nothing that is to be forgotten."""
    doubt = replace(
        cases.change("cs101/doubt", Action.IN_DOUBT, after=cases.payload("Other")), intent=cases.intent()
    )
    plan = plan_of(
        cases.changed(),
        exam(),
        doubt,
        cases.change("cs101/gone", Action.FORGET, before=cases.payload("Gone"), number=8),
        cases.change("cs101/old", Action.ORPHANED, before=cases.payload("Old"), number=9),
        cases.noop("cs101/same", 2),
    )
    found = {
        str(event["SUMMARY"]): (str(event["STATUS"]), event["DTEND"].dt.date().isoformat())
        for event in events(plan_calendar(plan))
        if not str(event["SUMMARY"]).startswith("Booking")
    }
    assert found == {
        "Final Exam (cs101)": ("CONFIRMED", "2026-11-02"),
        "Quiz (cs101)": ("TENTATIVE", "2026-10-14"),
        "Quiz 3 (cs101)": ("TENTATIVE", "2026-10-14"),
        "Old (cs101)": ("CONFIRMED", "2026-10-14"),
        "Midterm Exam 1 (cs101)": ("CONFIRMED", "2026-10-14"),
    }


@pytest.mark.parametrize(
    ("opens", "closes", "begins", "has_end"),
    [
        ("2026-10-12T13:00:00.000Z", None, "20261012T130000Z", False),
        (None, "2026-10-14T21:00:00.000Z", "20261014T210000Z", False),
        ("2026-10-14T21:00:00.000Z", "2026-10-12T13:00:00.000Z", "20261014T210000Z", False),
        ("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "00010101T000000Z", True),
    ],
)
def test_an_odd_window_is_an_event_still(
    opens: str | None, closes: str | None, begins: str, *, has_end: bool
) -> None:
    """Half a window is a moment; so is one that closes before it opens; far years are in UTC."""
    text = plan_calendar(plan_of(exam("America/New_York", examOpenDate=opens, examCloseDate=closes)))
    event = events(text)[0]
    assert f"{by_own_zone(event['DTSTART'], text):%Y%m%dT%H%M%SZ}".zfill(16) == begins
    assert ("DTEND" in event) is has_end


@pytest.mark.parametrize("url", ["javascript:alert(1)", "N/A", "https://a.example/\r\nX:1", "https://a b"])
def test_only_a_web_address_becomes_a_link(url: str) -> None:
    """Anything else a person could click on is left out."""
    change = exam()
    plan = plan_of(replace(change, after={**cases.payload(), "url": url}))
    assert all("URL" not in event for event in events(plan_calendar(plan)))


def test_no_password_is_in_a_calendar() -> None:
    """Neither its value nor where it comes from."""
    assert "EXAM_SECRET" not in plan_calendar(cases.every_action())
