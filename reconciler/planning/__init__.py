"""From declarations and state to a plan, and from a plan to the state that it leaves.

Promise: everything here is a function of its arguments alone. The order of the input never shows in a plan,
no input makes an exception but `UsageError` and `ExpectationFailed`, and no address that state holds or
doubts is ever planned as a create.
May import: `model`, and deepdiff, which loads only when a payload differs.
"""
