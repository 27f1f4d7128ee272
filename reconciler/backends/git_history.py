"""What the commits of a state's branch say: who changed it, when, which exams, and from which manifests.

Nothing that a message is made of can end a line, and only the last lines stand at a line's beginning, so no
exam or name can pass for a trailer. `[skip ci]` keeps pipelines from starting for a change of state.
"""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.backends.git_command import head_of
from reconciler.model.outside_text import tamed
from reconciler.ports import LockInfo

_LONGEST_TITLE: Final = 120
_LONGEST_LINE: Final = 300
_MOST_LINES: Final = 250
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PIPELINE_VARIABLES: Final = ("GITHUB_SHA", "CI_COMMIT_SHA")


class Author(Struct, frozen=True, kw_only=True):
    """Who a commit is by, in the form that git takes."""

    name: str
    email: str


UNNAMED: Final = Author(name="reconciler", email="reconciler@localhost")
"""Who changes a state without holding its lock."""


def author_of(info: LockInfo) -> Author:
    """Who holds the lock, and on which machine."""
    name = re.sub(r"[<>]", "", _one_line(info.who)).strip(" .,:;\"'") or UNNAMED.name
    host = re.sub(r"[^A-Za-z0-9.-]", "-", info.host)[:_LONGEST_TITLE].strip("-.") or "localhost"
    return Author(name=name, email=f"reconciler@{host}")


def message_of(headline: str, note: str, trailers: Mapping[str, str]) -> str:
    """A commit's message: a title, the rest of the note, set in, and the trailers."""
    first, *rest = note.strip().splitlines() or [""]
    title = ": ".join(part for part in (_one_line(headline), _one_line(first)) if part)
    body = [f"  {_one_line(line)}".rstrip() for line in rest[:_MOST_LINES]]
    ending = [f"{key}: {_one_line(value)}" for key, value in trailers.items()]
    parts = (f"{title[:_LONGEST_TITLE]} [skip ci]", "\n".join(body).strip("\n"), "\n".join(ending))
    return "\n\n".join(part for part in parts if part) + "\n"


@cache
def manifests_commit(root: Path) -> str | None:
    """The commit of the manifests, as the pipeline says, or what is checked out where they are."""
    given = next((value for name in _PIPELINE_VARIABLES if (value := os.environ.get(name))), None)
    found = head_of(root) if given is None else given
    return found if found is not None and _COMMIT.fullmatch(found) else None


def _one_line(text: str) -> str:
    return tamed(text, most=_LONGEST_LINE)
