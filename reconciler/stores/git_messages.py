"""Messages of the commits of a state's branch.

All text in a message is put on one line, and the lines of its body are indented. So no name of an exam or a
person can be taken for a trailer. `[skip ci]` keeps pipelines from starting when state changes.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Final

from reconciler.model.outside_text import tamed
from reconciler.stores.git_command import head_of

_LONGEST_TITLE: Final = 120
_LONGEST_LINE: Final = 300
_MOST_LINES: Final = 250
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PIPELINE_VARIABLES: Final = ("GITHUB_SHA", "CI_COMMIT_SHA")


def message_of(note: str, *, manifests_commit: str | None) -> str:
    """Return a commit's message: the first line of `note`, its other lines, indented, and a trailer."""
    first, *rest = note.strip().splitlines() or [""]
    title = f"{_one_line(first)[:_LONGEST_TITLE]} [skip ci]"
    body = [f"  {_one_line(line)}".rstrip() for line in rest[:_MOST_LINES]]
    trailer = f"Manifests-Commit: {manifests_commit}" if manifests_commit else ""
    return "\n\n".join(part for part in (title, "\n".join(body).strip("\n"), trailer) if part) + "\n"


@cache
def manifests_commit(root: Path) -> str | None:
    """Return the commit of the manifests: from the pipeline's variables, or the one checked out at `root`."""
    given = next((value for name in _PIPELINE_VARIABLES if (value := os.environ.get(name))), None)
    found = head_of(root) if given is None else given
    return found if found is not None and _COMMIT.fullmatch(found) else None


def _one_line(text: str) -> str:
    return tamed(text, most=_LONGEST_LINE)
