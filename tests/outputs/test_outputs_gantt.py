"""The chart of new windows obeys mermaid's grammar, whatever titles hold."""

import re

import output_cases as cases
import page_cases
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.plan import Action
from reconciler.outputs.markdown.gantt import gantt_lines, label
from reconciler.outputs.section_groups import groups_of

MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d"
TASK = re.compile(
    rf"    \u200b[^:;#%\n]+ :(?:done, {MOMENT}, {MOMENT}|active, {MOMENT}, {MOMENT}|milestone, {MOMENT}, 0d)"
)
SECTION = re.compile(r"    section \u200b[^:;#%\n]+")
HEAD = 4


@pytest.mark.parametrize("title", page_cases.HOSTILE)
def test_every_line_is_a_section_or_a_task(title: str) -> None:
    """No title makes a line that mermaid reads as a statement, a comment, a directive or a date."""
    change = replace(page_cases.dated(1, title, course="cs101", opens=page_cases.TERM), course=title)
    lines = gantt_lines(groups_of([change]))
    assert lines[0] == "gantt"
    assert SECTION.fullmatch(lines[HEAD])
    assert len(lines) == HEAD + 3
    assert all(TASK.fullmatch(line) for line in lines[HEAD + 1 :])


@given(text=st.text())
def test_a_label_has_nothing_that_mermaid_obeys(text: str) -> None:
    """Any text becomes a short label of letters, digits and harmless marks, which begins no statement."""
    found = label(text)
    assert re.fullmatch(r"\u200b[\w ,.()'/+\u2236…-]{1,48}", found)


@pytest.mark.parametrize(
    "word", ["click", "title", "section", "dateFormat", "excludes", "todayMarker", "2031-01-01"]
)
def test_no_keyword_begins_a_label(word: str) -> None:
    """A title that begins with one of mermaid's words is a title all the same."""
    assert label(f"{word} x").startswith("\u200b")


def test_windows_are_drawn_in_local_time_by_course_and_time() -> None:
    """Courses are sections in order, and their windows stand in order of time, as clocks show it there."""
    later = page_cases.dated(1, "Later", course="b", opens=page_cases.TERM.replace(month=11))
    sooner = page_cases.dated(2, "Sooner", course="b", opens=page_cases.TERM)
    other = page_cases.dated(3, "Other", course="a", opens=page_cases.TERM)
    lines = gantt_lines(groups_of([later, sooner, other]))[HEAD:]
    assert [line for line in lines if "section" in line] == ["    section \u200ba", "    section \u200bb"]
    assert "    \u200bSooner :active, 2031-09-01 09:00, 2031-09-03 09:00" in lines
    assert lines.index("    \u200bSooner :active, 2031-09-01 09:00, 2031-09-03 09:00") < next(
        number for number, line in enumerate(lines) if "Later :active" in line
    )


def test_a_window_with_one_bound_is_a_milestone() -> None:
    """What only opens, or only closes, is a point in time; what is no instant is left out."""
    body = cases.payload(examCloseDate=None, scheduleOpenDate="whenever", scheduleCloseDate=None)
    lines = gantt_lines(groups_of([cases.change("a/b", Action.CREATE, after=body)]))
    assert lines[HEAD + 1 :] == ["    \u200bMidterm Exam 1 :milestone, 2026-10-12 09:00, 0d"]


def test_without_windows_there_is_no_chart() -> None:
    """Exams without times are no reason for an empty picture."""
    assert gantt_lines(groups_of([cases.change("a/b", Action.CREATE, after={"title": "x"})])) == []
