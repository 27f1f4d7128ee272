"""Errors as text: what happened, details, and what to do next."""

from reconciler.model.errors import (
    ManifestInvalid,
    PlanRefused,
    ReconcilerError,
    ResolutionRefused,
    SecretsUnavailable,
    StateLocked,
)
from reconciler.outputs.text.console import Console, put, put_wrapped
from reconciler.outputs.text.diagnostics_text import print_diagnostics
from reconciler.outputs.text.plan_text import print_guard


def print_error(error: ReconcilerError, console: Console) -> None:
    """Print `error` with its details, and its hint last."""
    if isinstance(error, ManifestInvalid | ResolutionRefused):
        print_diagnostics(error.diagnostics, console)
    put_wrapped(console, ("error: ", "bold red"), (error.message, "bold"), hanging=2)
    match error:
        case PlanRefused():
            for guard in error.guards:
                print_guard(guard, console)
        case SecretsUnavailable():
            for reference in error.references:
                put(console, "  - ", reference)
        case StateLocked() if error.holder not in error.message:
            put_wrapped(console, f"held by {error.holder}", indent=2)
        case _:
            pass
    put_wrapped(console, error.hint, indent=2)
