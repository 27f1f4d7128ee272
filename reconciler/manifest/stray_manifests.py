"""Finds manifests of a workspace that nothing reads, because no pattern names their place."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from reconciler.manifest.paths import BASE_MARK, WORKSPACE_FILES, Folders, find, may_declare
from reconciler.manifest.unread_files import has_manifest_keys
from reconciler.model.diagnostics import Diagnostic, Severity, Span
from reconciler.model.words import first_few
from reconciler.rules.registry import STRAY

_MOST_ENTRIES: Final = 50_000
_MOST_OPENED: Final = 1_000
_NAME_IT: Final = "Name such a file in `manifests` of reconciler.yaml, or move it out of the workspace."
_RENAME: Final = "Rename it, or move it out of the workspace."
_LIKE_YAML: Final = re.compile(r"[^.].*\.ya?ml(?:\.txt)?", re.IGNORECASE)
_NOT_ENTERED: Final = frozenset({"node_modules", "venv", "__pycache__"})


def stray_manifests(
    root: Path, *, read: Collection[str], patterns: Iterable[str], severity: Severity
) -> tuple[Diagnostic, ...]:
    """Return diagnostics about manifests below `root` that are neither `read` nor named by `patterns`.

    `read` are shown names. `patterns` are those of all environments; if empty, the default ones. There is one
    for each reason why a manifest is not read.
    """
    shown = Folders(root).shown
    unread = (file for file in _yaml_files(root) if shown(file) not in read)
    found = [file for file in islice(unread, _MOST_OPENED) if has_manifest_keys(file)]
    if not found:
        return ()
    places = dict.fromkeys(patterns, Span.of_file(""))
    named = {os.path.realpath(each.path) for each in find([], root, places).files}
    strays: dict[tuple[str, str], list[str]] = {}
    for file in sorted(found):
        if os.path.realpath(file) not in named:
            strays.setdefault(_reason(os.path.basename(file)), []).append(shown(file))  # noqa: PTH119
    return tuple(_stray(files, *reason, severity) for reason, files in strays.items())


def _reason(name: str) -> tuple[str, str]:
    """Return why a manifest with the file name `name` is not read, and a hint."""
    if may_declare(name):
        return "no path of `manifests` leads there", _NAME_IT
    if name.startswith(BASE_MARK):
        return f"a name that begins with `{BASE_MARK}` is for files to extend", _RENAME
    return "only names that end in `.yaml` or `.yml` count", _RENAME


def _stray(files: Sequence[str], reason: str, hint: str, severity: Severity) -> Diagnostic:
    """Return the diagnostic about `files`, which are unread for one reason."""
    message = f"{files[0]} is a manifest, and {reason}: its exams are not read"
    if len(files) > 1:
        several = first_few(files, between=", ", last=" ")
        message = f"the exams of these {len(files):,} manifests are not read, as {reason}: {several}"
    at = Span.of_file(files[0])
    return Diagnostic(severity=severity, code=STRAY, message=message, hint=hint, span=at)


def _yaml_files(root: Path) -> Iterator[str]:
    """Yield the files below `root` whose names speak of YAML, as far as there are not too many.

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
            elif (
                _LIKE_YAML.fullmatch(each.name)
                and each.name not in WORKSPACE_FILES
                and each.is_file(follow_symlinks=False)
            ):
                yield each.path
