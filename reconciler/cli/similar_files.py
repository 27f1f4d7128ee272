"""Files that may be meant by a mistyped name."""

import os
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from reconciler.model.outside_text import spelt_out
from reconciler.model.words import either, nearest

_MOST_ENTRIES: Final = 20_000
_LIKENESS: Final = 0.8
"""High: names with one suffix are alike in that already."""


def question_about(path: Path) -> str:
    """Return a question that names what is most like `path`, which is not there; empty if nothing is.

    If a folder of `path` is not there either, the question is about that one.
    """
    found: list[str] = []
    with suppress(OSError, ValueError):
        while not path.parent.is_dir():
            path = path.parent
        if not path.exists():
            with os.scandir(path.parent) as entries:
                names = sorted(entry.name for entry in islice(entries, _MOST_ENTRIES))
            found = nearest(path.name, names, likeness=_LIKENESS)
    return f"Did you mean {either(map(spelt_out, found))}? " if found else ""
