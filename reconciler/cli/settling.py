"""The commands that change state only: init, import, resolve."""

import argparse

from reconciler import workflows
from reconciler.cli.consoles import error_console, result_console, scope_of
from reconciler.cli.exit_codes import DONE
from reconciler.outputs import printable


def initialise(parsed: argparse.Namespace) -> int:
    """Create an empty state."""
    location, state = workflows.initialise(scope_of(parsed), lock_timeout_s=parsed.lock_timeout)
    result_console(parsed).print(
        f"Created an empty state at {printable(location)} (lineage {state.lineage})."
    )
    error_console(parsed).print("Next: reconciler plan")
    return DONE


def adopt(parsed: argparse.Namespace) -> int:
    """Adopt an exam that exists."""
    scope = scope_of(parsed)
    state = workflows.adopt(scope, parsed.address, parsed.sid, lock_timeout_s=parsed.lock_timeout)
    result_console(parsed).print(
        f"{parsed.address} is {parsed.sid} (state serial {state.serial}).", soft_wrap=True
    )
    return DONE


def resolve(parsed: argparse.Namespace) -> int:
    """Settle an in-doubt exam."""
    scope = scope_of(parsed)
    sid = None if parsed.absent else parsed.sid
    state = workflows.resolve(scope, parsed.address, sid=sid, lock_timeout_s=parsed.lock_timeout)
    settled = (
        f"{parsed.address} is {sid}" if sid else f"{parsed.address} was not created; apply will create it"
    )
    result_console(parsed).print(f"{settled} (state serial {state.serial}).", soft_wrap=True)
    return DONE
