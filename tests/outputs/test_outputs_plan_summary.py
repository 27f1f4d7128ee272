"""The sentences about a plan that every format shows, and its notes."""

import output_cases as cases
import pytest
from msgspec.structs import replace

from reconciler.model.identities import CourseSid
from reconciler.model.plan import Action, Change, Note, Plan
from reconciler.outputs.listing import Listing
from reconciler.outputs.plan_summary import headline, remarks, told_notes


def plan_of(*changes: Change, environment: str | None = "production") -> Plan:
    """A plan of `changes` in an environment."""
    return cases.in_environment(
        Plan(lineage=cases.LINEAGE, serial=0, changes=changes, destination=cases.DESTINATION), environment
    )


def exam(opens: str | None, closes: str | None, *, number: int = 0, zone: str = "UTC") -> Change:
    """A create of a course of its own."""
    body = cases.payload(examOpenDate=opens, examCloseDate=closes)
    created = cases.change(f"e{number}", Action.CREATE, after=body)
    return replace(created, course_sid=CourseSid(f"CU{number:032}"), timezone=zone)


AUTUMN = exam("2031-10-12T09:00:00.000Z", "2031-10-14T17:00:00.000Z")
WINTER = exam("2031-12-15T09:00:00.000Z", "2031-12-18T17:00:00.000Z", number=1)
NEXT_YEAR = exam("2032-01-05T09:00:00.000Z", "2032-01-05T11:00:00.000Z", number=2)
UNDATED = exam(None, None, number=3)
IMPORTED = cases.change("i", Action.IMPORT, after=cases.payload(), number=5)

HEADLINES = {
    "Apply will create 2 exams in 2 courses in production, from 12 Oct to 18 Dec 2031.": (AUTUMN, WINTER),
    "Apply will create 2 exams in 2 courses in production, from 12 Oct 2031 to 5 Jan 2032.": (
        NEXT_YEAR,
        AUTUMN,
    ),
    "Apply will create 1 exam in 1 course in production, on 5 Jan 2032.": (NEXT_YEAR,),
    "Apply will create 1 exam in 1 course in production, from 5 Jan to 6 Jan 2032.": (
        replace(NEXT_YEAR, timezone="Pacific/Auckland"),
    ),
    "Apply will create 1 exam in 1 course in production.": (UNDATED,),
    "Apply will create 1 exam in 1 course in production, and in state adopt 1.": (UNDATED, IMPORTED),
    "Apply will create no exam in production, and in state adopt 1.": (IMPORTED,),
    "Apply has nothing to do in production.": (cases.changed(),),
    "Nothing to do in production: the one exam is up to date.": (cases.noop("a", 1),),
}


@pytest.mark.parametrize("sentence", HEADLINES)
def test_the_headline_says_what_where_and_when(sentence: str) -> None:
    """Exams, courses, environment, and days in the zone of the exam, the year once where it is one."""
    assert headline(plan_of(*HEADLINES[sentence])) == sentence


def test_without_environments_none_is_named() -> None:
    """The sentences stand without a place."""
    assert headline(plan_of(UNDATED, environment=None)) == "Apply will create 1 exam in 1 course."
    assert headline(plan_of(environment=None)) == "Nothing to do: no exam is declared."


def test_a_refused_plan_says_so_first() -> None:
    """What it would do comes after, if it would do anything."""
    guards = cases.guarded().guards
    assert headline(replace(plan_of(AUTUMN), guards=guards)) == (
        "Apply will refuse this plan for production and send nothing. Otherwise it would create 1 exam in 1 "
        "course, from 12 Oct to 14 Oct 2031."
    )
    refused = replace(plan_of(cases.noop("a", 1)), guards=guards)
    assert headline(refused) == "Apply will refuse this plan for production and send nothing."
    assert remarks(refused) == ["1 is up to date."]


def test_the_environment_is_cut_and_nothing_else_is() -> None:
    """A name of any length leaves the numbers in sight."""
    assert headline(plan_of(UNDATED, environment="x" * 5000)).endswith("x….")


def note(code: str) -> Note:
    """A note of `code`."""
    return Note(code=code, message=code, hint="", source=None, addresses=())


def test_a_note_that_never_changes_is_shown_on_demand() -> None:
    """Notes on keys come last and the one on the missing key only if all is listed; nothing else is lost."""
    notes = tuple(map(note, ("secrets-not-tracked", "secrets-not-checked", "done", "points-nowhere")))
    plan = replace(plan_of(), notes=notes)
    usual = ["points-nowhere", "done", "secrets-not-checked"]
    assert [one.code for one in told_notes(plan, Listing.DIFFERING)] == usual
    assert {one.code for one in told_notes(plan, Listing.ALL)} == {one.code for one in notes}
