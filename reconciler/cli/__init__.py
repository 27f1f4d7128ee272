"""The command line: parsing, prompts and exit codes; each command is a few lines over `workspace`.

Promise: no traceback reaches a user, and `--version` and `--help` load nothing but the parser.
May import: the Python API, `outputs`, `model`, `sandbox`, `schemas`, and what stops a run (`applying`).
"""

import signal
import sys
from collections.abc import Sequence

from reconciler import __version__
from reconciler.cli.streams import flush_results, open_streams


def process() -> int:
    """Run the command of this process; its exit code.

    Ctrl-C is left to the system, which ends the process in silence; commands that take a lock handle it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    open_streams()
    return main(sys.argv[1:])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if [*given] == ["--version"]:  # in a third of the time that the parser takes to say the same
            sys.stdout.write(f"reconciler {__version__}\n")
            sys.stdout.flush()
            return 0
        from reconciler.cli.commands import build_parser  # noqa: PLC0415 - `--version` must stay cheap

        parsed = build_parser().parse_args(given)
    except OSError as error:
        flush_results()
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"error: {error.strerror}: standard output\n")
        return 1
    from reconciler.cli.dispatch import run  # noqa: PLC0415 - help needs the parser only

    return run(parsed)
