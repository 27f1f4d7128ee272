"""How much of a plan is listed."""

import enum
from typing import assert_never

from reconciler.model.plan import Action, Change, Plan


class Listing(enum.Enum):
    """Whether exams that are up to date are listed or only counted."""

    DIFFERING = "differing"
    ALL = "all"

    def of(self, plan: Plan) -> tuple[Change, ...]:
        """The changes of `plan` that are listed, in order."""
        match self:
            case Listing.ALL:
                return plan.changes
            case Listing.DIFFERING:
                return tuple(change for change in plan.changes if change.action is not Action.NOOP)
            case _:
                assert_never(self)
