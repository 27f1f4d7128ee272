"""Exit codes, as pipelines know them."""

from typing import Final

DONE: Final = 0
"""Done, or nothing to do."""

FAILED: Final = 1
"""Refused or failed; usage errors too."""

DIFFERS: Final = 2
"""`plan --detailed-exitcode`: something differs."""

IN_DOUBT: Final = 3
"""Apply: an outcome is in doubt. `plan --detailed-exitcode`: an in-doubt entry blocks."""

SIGNAL_BASE: Final = 128
"""Interrupted: this and the signal's number, so 130 for SIGINT and 143 for SIGTERM."""
