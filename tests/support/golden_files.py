"""Golden files: what a person has looked at, compared with what is made now.

RECONCILER_REWRITE_GOLDEN=1 in the environment writes the files anew.
"""

import os
from pathlib import Path
from typing import Final

_REWRITE: Final = os.environ.get("RECONCILER_REWRITE_GOLDEN") == "1"


def check(file: Path, actual: str) -> None:
    """The golden file holds `actual`; it is written first where that was asked for."""
    if _REWRITE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(actual.encode())
    assert actual == file.read_bytes().decode()
