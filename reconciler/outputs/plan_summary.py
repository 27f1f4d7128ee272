"""What apply will do with a plan, in sentences that need no knowledge of it, and the notes worth telling."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from reconciler.model.plan import DONE, Action, Change, Note, Plan
from reconciler.outputs.escapes import shorten
from reconciler.outputs.exam_facts import local_window, payload_of
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.listing import Listing
from reconciler.outputs.text.console import count_of

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST_ENVIRONMENT: Final = 100

_NEVER_CHANGES: Final = "secrets-not-tracked"
_ABOUT_KEYS: Final = "secrets-"
"""Beginning of the codes of notes about keys and secrets."""


def headline(plan: Plan) -> str:
    """Return what apply will do: how many exams it creates, in how many courses, where and when.

    It is plain text of the workspace and its manifests, not yet escaped.
    """
    name = plan.destination.environment
    name = None if name is None else shorten(name, _LONGEST_ENVIRONMENT)
    if plan.guards:
        where = "" if name is None else f" for {name}"
        would = f" Otherwise it would {_made(plan, '')}" if plan.to_make else ""
        return f"Apply will refuse this plan{where} and send nothing.{would}"
    where = "" if name is None else f" in {name}"
    if not plan.differs:
        return f"Nothing to do{where}: {_all_up_to_date(plan.count(Action.NOOP))}"
    return f"Apply will {_made(plan, where)}" if plan.to_make else f"Apply has nothing to do{where}."


def remarks(plan: Plan) -> list[str]:
    """Return what apply leaves alone, and how many exams are up to date, for display after the headline."""
    if not plan.differs and not plan.guards:
        return []
    left = [
        f"{count:,} {group.label}"
        for action, group in GROUPS.items()
        if (count := plan.count(action)) and not action.is_made_by_apply and action is not Action.NOOP
    ]
    same = plan.count(Action.NOOP)
    return [
        *([f"It will not touch: {', '.join(left)}."] if left else []),
        *([f"{same:,} {'is' if same == 1 else 'are'} up to date."] if same else []),
    ]


def told_notes(plan: Plan, listing: Listing) -> list[Note]:
    """Return the notes to show: last those on finished blocks, and after them those about keys.

    A note that stays the same from plan to plan is shown only if all is listed.
    """
    notes = [note for note in plan.notes if listing is Listing.ALL or note.code != _NEVER_CHANGES]
    return sorted(notes, key=lambda note: (note.code.startswith(_ABOUT_KEYS), note.code == DONE))


def is_for_foot(note: Note) -> bool:
    """Return whether `note` is about keys or a finished block, and so tells of nothing that is wrong."""
    return note.code == DONE or note.code.startswith(_ABOUT_KEYS)


def _made(plan: Plan, where: str) -> str:
    """Return what apply makes as the end of a sentence; `where` names the environment."""
    in_state = [
        f"{group.label} {count:,}"
        for action, group in GROUPS.items()
        if action.is_made_by_apply and action is not Action.CREATE and (count := plan.count(action))
    ]
    *most, last = in_state or [""]
    listed = f"{', '.join(most)} and {last}" if most else last
    created = _created(plan.having(Action.CREATE), where)
    return f"{created}, and in state {listed}." if in_state else f"{created}."


def _created(creates: Sequence[Change], where: str) -> str:
    if not creates:
        return f"create no exam{where}"
    courses = len({change.course_sid for change in creates})
    days = _days(creates)
    return f"create {count_of(len(creates), 'exam')} in {count_of(courses, 'course')}{where}{days}"


def _days(creates: Sequence[Change]) -> str:
    """Return the days from the first opening to the last closing of `creates`, each in its own zone."""
    bounds = (local_window(payload_of(change), "exam", change.timezone) for change in creates)
    days = {bound.date() for window in bounds for bound in window if bound is not None}
    if not days:
        return ""
    first, last = min(days), max(days)
    if first == last:
        return f", on {_day(first)} {first.year}"
    first_year = "" if first.year == last.year else f" {first.year}"
    return f", from {_day(first)}{first_year} to {_day(last)} {last.year}"


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def _all_up_to_date(count: int) -> str:
    match count:
        case 0:
            return "no exam is declared."
        case 1:
            return "the one exam is up to date."
        case 2:
            return "both exams are up to date."
        case _:
            return f"all {count:,} exams are up to date."
