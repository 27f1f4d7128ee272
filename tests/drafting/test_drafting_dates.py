"""Date-times of tables: forms, orders of day and month, serial numbers, and columns that make one moment."""

from datetime import datetime

import pytest
from drafted import drafted, told
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from workbooks import workbook

OPENS = "examOpenDate: "


def opened(*cells, order=None):
    """The dates in a draft of exams that open at these texts, without the shared ones; and the findings."""
    rows = "".join(f"Exam {number};{cell}\n" for number, cell in enumerate(cells))
    text, findings = drafted(f"title;start\n{rows}".encode(), order=order)
    lines = [] if text is None else text.splitlines()
    return [line.split(OPENS)[1] for line in lines if line.strip().startswith(OPENS)], findings


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2031-10-12 09:00", "2031-10-12T09:00"),
        ("2031-10-12T09:00:30", "2031-10-12T09:00:30"),
        ("2031-10-12T13:00:00Z", "2031-10-12T13:00Z"),
        ("2031-10-12T13:00:00.000-0400", "2031-10-12T13:00-04:00"),
        ("2031/10/12 9:00 AM", "2031-10-12T09:00"),
        ("10/13/2031 12:05 am", "2031-10-13T00:05"),
        ("13.10.2031 14.30", "2031-10-13T14:30"),
        ("31/12/32 1 p.m.", "2032-12-31T13:00"),
        ("10/10/2031 9:00", "2031-10-10T09:00"),
        ("12 October 2031 at 9am", "2031-10-12T09:00"),
        ("Mon, Oct. 13th, 2031, 12:00 PM", "2031-10-13T12:00"),
        ("13-Oct-31 09:00", "2031-10-13T09:00"),
        ("10/13/2031 9:00\N{NARROW NO-BREAK SPACE}AM", "2031-10-13T09:00"),
        ("48199.375", "2031-12-17T09:00"),
    ],
)
def test_a_date_that_can_be_read_in_one_way_is_read(written, read):
    """Whatever its form, without a question."""
    assert opened(written)[0] == [read]


@pytest.mark.parametrize(
    "written",
    [
        "soon",
        "2031",
        "9",
        "2031-02-30 09:00",
        "13/13/2031 9:00",
        "10/12/2031 9:00 EST",
        "12/10/2031 25:00",
        "12/13/2031 13:00 PM",
        "99999.5",
    ],
)
def test_what_is_no_date_is_an_error_at_its_cell(written):
    """Its text is not repeated, for it may be an access code in the wrong column."""
    read, findings = opened("2031-10-12 09:00", written)
    assert not read
    assert told(findings, "bad-cell") == [
        ("table.csv:3:2", "column 'start': this is neither a date nor a time")
    ]


def test_an_ambiguous_date_is_refused_with_row_and_column():
    """One error for the column names both readings and the options that decide."""
    _, findings = opened("10/10/2031 9:00", "3/4/2031 9:00", "5/6/2031 9:00")
    assert told(findings, "ambiguous-date") == [
        (
            "table.csv:3:2",
            "column 'start': this may be 2031-03-04 or 2031-04-03; cells of the column that are unsure: 2",
        )
    ]
    assert "--dates dmy or --dates mdy" in findings[0].hint


def test_one_sure_date_decides_for_its_column():
    """13/4/2031 has one reading alone, so 3/4/2031 is a day in April too."""
    assert opened("3/4/2031 9:00", "13/4/2031 9:00")[0] == ["2031-04-03T09:00", "2031-04-13T09:00"]


def test_a_column_in_two_orders_is_refused():
    """No order of day and month fits both."""
    _, findings = opened("13/4/2031 9:00", "4/13/2031 9:00")
    assert [place for place, _ in told(findings, "ambiguous-date")] == ["table.csv:2:2"]
    assert "no one order" in findings[0].hint


@pytest.mark.parametrize(("order", "read"), [("mdy", "2031-03-04T09:00"), ("dmy", "2031-04-03T09:00")])
def test_the_order_may_be_given(order, read):
    """It decides; a date that it does not fit is an error."""
    assert opened("3/4/2031 9:00", order=order)[0] == [read]
    assert told(opened("31/31/2031 9:00", order=order)[1], "bad-cell")


def test_years_of_two_digits_may_come_first():
    """Only if it is said."""
    assert opened("31/4/3 9:00", order="ymd")[0] == ["2031-04-03T09:00"]
    assert told(opened("10/11/12 9:00")[1], "ambiguous-date")[0][1].count(" or ") == 2


def test_a_serial_number_counts_from_the_epoch_of_its_workbook():
    """A workbook of an old Mac counts from 1904, any other from 1900."""
    rows = [["title", "start"], ["A", 48199.375]]
    assert "T09:00" in drafted(workbook(("S", rows)))[0]
    assert "examOpenDate: 2031-12-17T09:00" in drafted(workbook(("S", rows)))[0]
    assert "examOpenDate: 2035-12-18T09:00" in drafted(workbook(("S", rows), epoch=CALENDAR_MAC_1904))[0]
    dated = [["title", "start"], ["A", datetime(2031, 10, 12, 9)]]  # noqa: DTZ001 - local
    assert "examOpenDate: 2031-10-12T09:00" in drafted(workbook(("S", dated), epoch=CALENDAR_MAC_1904))[0]


def test_date_and_times_may_have_columns_of_their_own():
    """One column of dates serves for both ends, or each end has its own."""
    shared = b"title,Exam Date,Start Time,End Time\nA,2031-10-12,9:00 AM,0.5\n"
    own = b"title,Start Date,Start Time,End Date,End Time\nA,2031-10-12,9:00 AM,2031-10-12,12:00\n"
    for table in (shared, own, b"name,start_time,closing_time\nA,2031-10-12 9:00 AM,12 Oct 2031 12:00\n"):
        text, _ = drafted(table)
        assert "examOpenDate: 2031-10-12T09:00\n" in text
        assert "examCloseDate: 2031-10-12T12:00\n" in text


@pytest.mark.parametrize(
    ("table", "place", "reason"),
    [
        ("title,start\nA,2031-10-12\n", "t.csv:2:2", "the table gives no time of day"),
        ("title,start\nA,9:00 AM\n", "t.csv:2:2", "the table gives no date"),
        ("title,start\nA,TBA\n", "t.csv:2:2", "the table leaves it open"),
        ("title,date\nA,2031-10-12\n", "t.csv:2:2", "the table gives no time of day"),
    ],
)
def test_half_a_date_time_is_to_be_filled_in(table, place, reason):
    """The gap is marked in the draft, and named at its cell."""
    text, findings = drafted(table.encode(), "t.csv")
    assert f"    # configuration.examOpenDate: …  # TO FILL IN: {reason}\n" in text
    assert (place, f"`examOpenDate` of 'a' is to be filled in: {reason}") in told(findings, "to-fill-in")


def test_two_columns_that_contradict_each_other_are_an_error():
    """A start with two dates."""
    _, findings = drafted(b"title,start,start date\nA,2031-10-12 09:00,2031-10-13\n")
    assert told(findings, "bad-cell") == [
        ("table.csv:2:2", "column 'start': two columns give other dates or times for this")
    ]
