"""The `reconciler` that the tests' jobs find on their path."""

import sys


def launcher():
    """The text of a script that runs the command of this environment."""
    return f'#!/usr/bin/env bash\nexec "{sys.executable}" -m reconciler "$@"\n'
