"""Tells what a file that no path names may be: a manifest by its keys, or one meant by its name."""

import os
import re
from collections.abc import Mapping
from glob import has_magic
from itertools import islice
from pathlib import Path, PurePath
from typing import Final

from reconciler.manifest.patterns import Fence
from reconciler.model.outside_text import spelt_out
from reconciler.model.words import nearest

_MOST_READ: Final = 64 * 1024
_MOST_ENTRIES: Final = 20_000
_MOST_NAMED: Final = 3
_LIKENESS: Final = 0.8
"""High: names with one suffix are alike in that already."""
_KEY: Final = r"(?m)^(?:\{{.*)?[\"']?(?:{})[\"']?\s*:"
_EXAMS: Final = re.compile(_KEY.format("exams").encode())
_VERSION: Final = re.compile(_KEY.format("version").encode())
_BLOCK: Final = re.compile(_KEY.format("imports|moved|removed|absent|accepted|distinct").encode())
_YAML: Final = re.compile(r".+\.ya?ml(?:[.~].*)?", re.IGNORECASE)
_END_OF_STEM: Final = re.compile(r"[.\s(]")


def has_manifest_keys(file: str) -> bool:
    """Return whether the start of `file`, a regular file, has the top-level keys of a manifest."""
    if not os.path.isfile(file):  # noqa: PTH113 - no Path is made of each of many files
        return False
    try:
        with open(file, "rb") as stream:  # noqa: PTH123 - as above
            start = stream.read(_MOST_READ)
    except OSError:
        return False
    return bool(_EXAMS.search(start) or (_VERSION.search(start) and _BLOCK.search(start)))


def look_alikes(path: str, root: Path) -> list[str]:
    """Return the names of files and folders that may be meant by `path`, which leads to no manifest.

    They are in the place where `path` ends, and differ in case, in a plural's s, or in what follows the
    first dot; else their names are most like it. For a wildcard, they are files whose names speak of YAML.
    """
    here, wanted = root, "*"
    for wanted in PurePath(path).parts:
        if has_magic(wanted) or not os.path.isdir(here / wanted):  # noqa: PTH112 - a name may be unusable
            break
        here /= wanted
    else:
        wanted = "*"
    if not Fence((os.path.realpath(root),)).holds_target(str(here)):
        return []
    try:
        with os.scandir(here) as entries:
            usable = sorted(filter(_is_usable, islice(entries, _MOST_ENTRIES)), key=lambda entry: entry.name)
            found = _alike(wanted, {entry.name: "/" if entry.is_dir() else "" for entry in usable})
    except OSError:
        return []
    below = PurePath(here).relative_to(root)
    return [
        name if below == PurePath() else f"{spelt_out(below.as_posix())}/{name}"
        for name in found[:_MOST_NAMED]
    ]


def _is_usable(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() or _YAML.fullmatch(entry.name) is not None


def _alike(wanted: str, ends: Mapping[str, str]) -> list[str]:
    """Return those of the names in `ends`, each with its end, that may be meant by `wanted`."""
    if has_magic(wanted):
        found = [name for name, end in ends.items() if not end]
    else:
        found = [name for name in ends if name != wanted and _stem(name) == _stem(wanted)]
        found = found or ([] if wanted in ends else nearest(wanted, ends, likeness=_LIKENESS))
    return [f"{spelt_out(name)}{ends[name]}" for name in found]


def _stem(name: str) -> str:
    return _END_OF_STEM.split(name.casefold(), maxsplit=1)[0].rstrip("s")
