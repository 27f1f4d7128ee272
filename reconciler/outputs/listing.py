"""The choice of which changes of a plan are listed."""

import enum

from reconciler.model.plan import Action, Change, Plan


class Listing(enum.Enum):
    """Which changes are listed: those that differ, or also exams that are up to date."""

    DIFFERING = "differing"
    ALL = "all"

    def of(self, plan: Plan) -> tuple[Change, ...]:
        """Return the changes of `plan` that are listed, in order."""
        if self is Listing.ALL:
            return plan.changes
        return tuple(change for change in plan.changes if change.action is not Action.NOOP)
