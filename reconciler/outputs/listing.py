"""How much of a plan is listed."""

import enum

from reconciler.model.plan import Action, Change, Plan


class Listing(enum.Enum):
    """Whether exams that are up to date are listed or only counted."""

    DIFFERING = "differing"
    ALL = "all"

    def of(self, plan: Plan) -> tuple[Change, ...]:
        """The changes of `plan` that are listed, in order."""
        if self is Listing.ALL:
            return plan.changes
        return tuple(change for change in plan.changes if change.action is not Action.NOOP)
