"""Runs the command line as `python -m reconciler`."""

import sys

from reconciler.cli import process

if __name__ == "__main__":
    sys.exit(process())
