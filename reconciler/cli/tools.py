"""The commands beside the main job: schema, sandbox, completion."""

import argparse

from reconciler import schemas
from reconciler.cli.consoles import below_root, print_raw, variable
from reconciler.cli.exit_codes import DONE
from reconciler.cli.parser import build_parser
from reconciler.model.errors import UsageError


def schema(parsed: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    print_raw(schemas.text_of(parsed.name))
    return DONE


def sandbox(parsed: argparse.Namespace) -> int:
    """Serve the stand-in for the API until a signal."""
    from reconciler.sandbox import Settings, parse_fault, serve  # noqa: PLC0415 - only this command needs it

    try:
        faults = tuple(parse_fault(text) for text in parsed.faults)
    except ValueError as error:
        raise UsageError(
            str(error), hint="Kinds and keys of faults are listed in docs/sandbox.md."
        ) from error
    store = None if parsed.store is None else below_root(parsed, parsed.store)
    settings = Settings(
        host=parsed.host,
        port=parsed.port,
        store=store,
        token=variable("SANDBOX_TOKEN"),
        faults=faults,
        verbose=parsed.loudness == "verbose",
    )
    try:
        return serve(settings)
    except ImportError as error:
        raise UsageError(
            f"the sandbox's server is not installed ({error.name})",
            hint="Install the extra: pip install 'reconciler[sandbox]'",
        ) from error


def completion(parsed: argparse.Namespace) -> int:
    """Print a completion script."""
    import shtab  # noqa: PLC0415 - only this command needs it

    print_raw(f"{shtab.complete(build_parser(), shell=parsed.shell)}\n")
    return DONE
