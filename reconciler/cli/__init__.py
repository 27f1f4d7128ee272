"""The command line: it parses arguments, calls the Python API, prints results and returns an exit code.

Promise: no user sees a traceback, and `--version` and `--help` load only the parser.
May import: `workspace`, `sending`, `editing`, `outputs`, `explaining`, `model`, `ports`, `schemas`,
`sandbox`, `host`, `secret_sources`, `applying` (to stop a run), and `state` (the format of state).
"""

import signal
import sys
from collections.abc import Sequence

from reconciler import __version__
from reconciler.cli.streams import flush_results, open_streams


def process() -> int:
    """Run the command of this process and return its exit code.

    Ctrl-C ends the process by the signal itself, without a message; commands that take a lock handle it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    open_streams()
    return main(sys.argv[1:])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if [*given] == ["--version"]:  # three times as fast as with the parser
            sys.stdout.write(f"reconciler {__version__}\n")
            sys.stdout.flush()
            return 0
        from reconciler.cli.commands import build_parser  # noqa: PLC0415 - `--version` must stay cheap

        parsed = build_parser().parse_args(given)
    except OSError as error:
        flush_results()
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(
                f"error: {error.strerror}: standard output\n  Check path, permissions and free space.\n"
            )
        return 1
    from reconciler.cli.dispatch import run  # noqa: PLC0415 - help needs the parser only

    return run(parsed)
