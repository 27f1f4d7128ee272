"""From declarations and state to a plan, and from a plan to the state that it leaves.

Promise: everything here is a function of its arguments alone. The order of the input never shows in a plan,
no input makes an exception but `UsageError` and `ExpectationFailed`, and no address that state holds or
doubts is ever planned as a create.
May import: `model`, and deepdiff, which loads only when a payload differs.
"""

from reconciler.planning.effects import apply_state_changes, planned_creates
from reconciler.planning.expectations import check_expectation
from reconciler.planning.planner import make_plan
from reconciler.planning.tracking import tracked

__all__ = [
    "apply_state_changes",
    "check_expectation",
    "make_plan",
    "planned_creates",
    "tracked",
]
