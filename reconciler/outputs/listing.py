"""Choices of what is told of a plan: which changes, and how much of where their values come from."""

import enum
from typing import assert_never

from reconciler.model.plan import Action, Change, Plan


class Listing(enum.Enum):
    """Which changes are listed: none, those that differ, or also exams that are up to date."""

    NOTHING = "nothing"
    DIFFERING = "differing"
    ALL = "all"

    def of(self, plan: Plan) -> tuple[Change, ...]:
        """Return the changes of `plan` that are listed, in order."""
        match self:
            case Listing.NOTHING:
                return ()
            case Listing.DIFFERING:
                return tuple(change for change in plan.changes if change.action is not Action.NOOP)
            case Listing.ALL:
                return plan.changes
            case _:
                assert_never(self)


class Sources(enum.Enum):
    """How sources of values are shown: a mark on those not of the exam itself, or layer, file and line."""

    MARKED = "marked"
    PLACED = "placed"
