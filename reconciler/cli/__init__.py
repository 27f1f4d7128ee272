"""The command line: parsing, prompts and exit codes; each command is a few lines over `workflows`.

Promise: no traceback reaches a user, and `--version` and `--help` load nothing but the parser.
May import: `workflows`, `outputs`, `model`, `sandbox`, `schemas`, and what stops a run (`applying`).
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code."""
    from reconciler.cli.running import run  # noqa: PLC0415 - importing the package must stay cheap

    return run(sys.argv[1:] if arguments is None else arguments)
