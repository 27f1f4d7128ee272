"""Finds the paths that a glob matches, without following links out of the allowed directories.

The standard library's `glob` follows every link: with a committed link to `/` it would search the whole
machine, and with two links to their own folder it would never end.
"""

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from glob import has_magic
from pathlib import PurePath
from typing import Final

from msgspec import Struct

_ANY_DEPTH: Final = "**"
_HIDDEN: Final = "."


class Fence(Struct, frozen=True):
    """The allowed directories, as real paths: a path is inside if it is one of `tops` or below one."""

    tops: tuple[str, ...]

    def holds(self, real_path: str) -> bool:
        """Return whether `real_path` is inside."""
        return any(real_path == top or real_path.startswith(top.rstrip(os.sep) + os.sep) for top in self.tops)

    def holds_target(self, path: str) -> bool:
        """Return whether the real path of `path` is inside."""
        return self.holds(os.path.realpath(path))


def fixed_part(pattern: str) -> str:
    """Return the parts of `pattern` before the first wildcard: a directory that holds all matches."""
    parts = PurePath(pattern).parts
    first = next((at for at, part in enumerate(parts) if has_magic(part)), len(parts))
    return str(PurePath(*parts[:first]))


def matches(pattern: str, folder: str, fence: Fence) -> Iterator[str]:
    """Yield the paths below `folder` that match `pattern`; `**` matches any number of directories."""
    path = PurePath(pattern)
    parts = path.parts[1:] if path.anchor else path.parts
    yield from _matches(path.anchor or folder, parts, fence)


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
    """Yield the entries of `folder` that match `part`; hidden ones only if `part` starts with a dot."""
    if not has_magic(part):
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
    """Yield `folder` and all directories below it, each real directory once."""
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
    """Return whether `folder` is a real directory, or a link to one inside the fence."""
    return not os.path.islink(folder) or fence.holds_target(folder)  # noqa: PTH114 - as above


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return the entries of `folder`; empty if it is unreadable."""
    try:
        return list(os.scandir(folder))
    except OSError:
        return []
