"""`python -m reconciler` is `reconciler`."""

import sys

from reconciler.cli import process

if __name__ == "__main__":
    sys.exit(process())
