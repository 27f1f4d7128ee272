"""Terms: the weeks of a university's calendar, from which relative dates are counted."""

from datetime import date, timedelta
from typing import Final

from msgspec import Struct

from reconciler.model.identities import Address

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEK: Final = timedelta(weeks=1)


class Term(Struct, frozen=True):
    """A term, from its first to its last day. Weeks run from Monday to Sunday; week 1 holds `starts`.

    `skipped` are the Mondays of the weeks that are not counted, such as those of a break.
    """

    name: str
    starts: date
    ends: date
    skipped: frozenset[date] = frozenset()

    @property
    def mondays(self) -> tuple[date, ...]:
        """The Monday of each counted week, that of week 1 first."""
        monday, found = monday_of(self.starts), []
        while monday <= self.ends:
            if monday not in self.skipped:
                found.append(monday)
            monday += WEEK
        return tuple(found)


def monday_of(day: date) -> date:
    """Return the Monday of the week that holds `day`."""
    return day - timedelta(days=day.weekday())


def manifest_for(*terms: str | None) -> str:
    """Return in words where a block with whole addresses belongs, for exams of `terms`."""
    return "a manifest without `term:`" if any(terms) else "a manifest"


def in_term(term: str | None, name: str) -> Address:
    """Return the whole address (or glob) that a manifest of `term` means by `name`."""
    return Address(name if term is None else f"{term}/{name}")
