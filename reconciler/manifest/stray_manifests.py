"""Finds manifests of a workspace that nothing reads, because no pattern names their place."""

import os
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from reconciler.manifest.paths import WORKSPACE_FILES, Folders, find, may_declare
from reconciler.manifest.unread_files import has_manifest_keys
from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span
from reconciler.model.words import first_few
from reconciler.rules.registry import STRAY

_MOST_ENTRIES: Final = 50_000
_MOST_OPENED: Final = 1_000
_NOT_ENTERED: Final = frozenset({"node_modules", "venv", "__pycache__"})


def stray_manifests(
    root: Path, *, read: Collection[str], patterns: Iterable[str], severity: Severity
) -> tuple[Diagnostic, ...]:
    """Return a diagnostic about all manifests below `root` that are neither `read` nor named by `patterns`.

    `read` are shown names. `patterns` are those of all environments; if empty, the default ones. Without such
    manifests, return no diagnostic.
    """
    shown = Folders(root).shown
    unread = (file for file in _yaml_files(root) if shown(file) not in read)
    found = [file for file in islice(unread, _MOST_OPENED) if has_manifest_keys(file)]
    if not found:
        return ()
    places = dict.fromkeys(patterns, Span(Position("", 1, 1), 1, 1))
    named = {os.path.realpath(each.path) for each in find([], root, places).files}
    strays = [shown(file) for file in sorted(found) if os.path.realpath(file) not in named]
    if not strays:
        return ()
    message = f"{strays[0]} is a manifest, and no path of `manifests` names it: its exams are not read"
    if len(strays) > 1:
        count, listed = f"{len(strays):,}", first_few(strays, between=", ", last=" ")
        message = f"no path of `manifests` names these {count} manifests, whose exams are not read: {listed}"
    stray = Diagnostic(
        severity=severity,
        code=STRAY,
        message=message,
        hint="Name such a file in `manifests` of reconciler.yaml, or move it out of the workspace.",
        span=Span(Position(strays[0], 1, 1), 1, 1),
    )
    return (stray,)


def _yaml_files(root: Path) -> Iterator[str]:
    """Yield the files below `root` that are manifests by their names, as far as there are not too many.

    Links, hidden folders, folders of other tools, and workspaces of their own are left out.
    """
    waiting, left = [str(root)], _MOST_ENTRIES
    while waiting and left > 0:
        here = waiting.pop()
        try:
            with os.scandir(here) as listing:
                entries = [each for each in islice(listing, left) if not each.name.startswith(".")]
        except OSError:
            continue
        left -= len(entries) + 1
        if here != str(root) and any(each.name in WORKSPACE_FILES for each in entries):
            continue
        for each in entries:
            if each.is_dir(follow_symlinks=False):
                waiting += [each.path] if each.name not in _NOT_ENTERED else []
            elif may_declare(each.name) and each.is_file(follow_symlinks=False):
                yield each.path
