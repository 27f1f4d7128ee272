"""Makes a plan from declarations and state, and computes the state that an applied plan leaves.

Promise: everything here is a function of its arguments alone. The order of the input does not affect a plan,
input raises no exceptions but `UsageError`, `ExpectationFailed` and `ResolutionRefused`, and no address that
state holds or has in doubt is ever planned as a create.
May import: `model`, `service_url`, and deepdiff, which loads only when a payload differs.
"""
