"""The command line: parsing, prompts and exit codes; each command is a few lines over `workflows`.

Promise: no traceback reaches a user, and `--version` and `--help` load nothing but the parser.
May import: `workflows`, `outputs`, `model`, `sandbox`, `schemas`, and what stops a run (`applying`).
"""

import sys
from collections.abc import Sequence

from reconciler import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if [*given] == ["--version"]:  # in a third of the time that the parser takes to say the same
        sys.stdout.write(f"reconciler {__version__}\n")
        return 0
    from reconciler.cli.running import run  # noqa: PLC0415 - importing the package must stay cheap

    return run(given)
