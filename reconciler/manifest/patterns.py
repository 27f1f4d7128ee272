"""Glob patterns → the paths that they match, entering no link that leads out of where it may.

The standard library's `glob` follows every link, so that one committed link to `/` would have it search the
whole machine, and two to their own folder search for ever.
"""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from pathlib import PurePath
from typing import Final

from msgspec import Struct

_ANY_DEPTH: Final = "**"
_HIDDEN: Final = "."


class Fence(Struct, frozen=True):
    """Directories, as real paths: what leads to none of these, nor to anything below one, is outside."""

    tops: tuple[str, ...]

    def holds(self, real_path: str) -> bool:
        """Whether `real_path`, in which every link is followed, is inside."""
        return any(real_path == top or real_path.startswith(top.rstrip(os.sep) + os.sep) for top in self.tops)

    def holds_target(self, path: str) -> bool:
        """Whether `path` leads to something inside when every link is followed."""
        return self.holds(os.path.realpath(path))


def is_pattern(path: str) -> bool:
    """Whether `path` has a wildcard."""
    return glob.has_magic(path)


def fixed_part(pattern: str) -> str:
    """The directory that all matches of `pattern` are below: its parts before the first with a wildcard."""
    parts = PurePath(pattern).parts
    first = next((at for at, part in enumerate(parts) if is_pattern(part)), len(parts))
    return str(PurePath(*parts[:first]))


def matches(pattern: str, folder: str, fence: Fence) -> Iterator[str]:
    """The paths below `folder` that match `pattern`, as `glob` has it: `**` is any number of directories."""
    parts = [part for part in PurePath(pattern).parts if part != os.sep]
    start = os.sep if PurePath(pattern).is_absolute() else folder
    yield from _matches(start, parts, fence)


def _matches(folder: str, parts: Sequence[str], fence: Fence) -> Iterator[str]:
    part, *rest = parts
    if part == _ANY_DEPTH:
        for below in _folders(folder, fence):
            yield from _matches(below, rest or ["*"], fence)
        return
    for path in _named(folder, part):
        if not rest:
            yield path
        elif os.path.isdir(path) and _may_enter(path, fence):  # noqa: PTH112 - no Path is made of each of many
            yield from _matches(path, rest, fence)


def _named(folder: str, part: str) -> Iterator[str]:
    """The entries of `folder` whose names match `part`; hidden ones only where it begins like them."""
    if not is_pattern(part):
        path = os.path.join(folder, part)  # noqa: PTH118 - as above
        return iter([path] if os.path.lexists(path) else [])
    is_match = re.compile(translate(part)).match
    shows_hidden = part.startswith(_HIDDEN)
    return (
        entry.path
        for entry in _entries(folder)
        if is_match(entry.name) and (shows_hidden or not entry.name.startswith(_HIDDEN))
    )


def _folders(folder: str, fence: Fence) -> Iterator[str]:
    """`folder` and every directory below it, each once, whichever links lead there."""
    seen = set[str]()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        yield here
        waiting += (
            entry.path
            for entry in _entries(here)
            if not entry.name.startswith(_HIDDEN) and entry.is_dir() and _may_enter(entry.path, fence)
        )


def _may_enter(folder: str, fence: Fence) -> bool:
    """Whether `folder` is no link, or one that leads inside."""
    return not os.path.islink(folder) or fence.holds_target(folder)  # noqa: PTH114 - as above


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in `folder`; nothing where that cannot be read."""
    try:
        return list(os.scandir(folder))
    except OSError:
        return []
