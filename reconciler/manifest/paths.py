"""Finds the manifest files that path arguments name, and reads files of bounded size."""

import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from glob import has_magic
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct

from reconciler.manifest.patterns import Fence, fixed_part, matches
from reconciler.manifest.source import MAX_SIZE_BYTES
from reconciler.manifest.unread_files import has_manifest_keys, look_alikes
from reconciler.model.diagnostics import Diagnostic, Severity, Span
from reconciler.model.outside_text import spelt_out
from reconciler.model.words import either

WORKSPACE_FILE: Final = "reconciler.yaml"
WORKSPACE_FILES: Final = (WORKSPACE_FILE, "reconciler.yml")
DEFAULT_FILE: Final = "exams.yaml"
DEFAULT_GLOB: Final = "exams/**/*.yaml"
BASE_MARK: Final = "_"

NO_PLACES: Final[Mapping[str, Span]] = {}

_YAML, _YML = SUFFIXES = (".yaml", ".yml")
_HINT: Final = (
    "Give files, directories or globs, relative to the workspace's directory. Directories and globs take "
    "`.yaml` and `.yml` files, and none whose name begins with `_`: those are for manifests to extend."
)
_GROWTH: Final = 64 * 1024
"""Size of one more read, for a file that grew after its size was taken."""


class ManifestPath(NamedTuple):
    """A file: `path` to open it, and its `name` in messages."""

    path: str
    name: str


class FoundFiles(Struct, frozen=True):
    """The files to read, sorted by name, and diagnostics about the given paths."""

    files: tuple[ManifestPath, ...]
    diagnostics: tuple[Diagnostic, ...]


def find(paths: Sequence[str], root: Path, otherwise: Mapping[str, Span] = NO_PLACES) -> FoundFiles:
    """Return the files that `paths` name, each once; if empty, those of `otherwise`, or the default ones.

    `paths` come from the user: a file may be anywhere, and files in a directory or glob must be below it or
    below `root`. Files of `otherwise`, whose paths have their places in the workspace file, and the default
    ones must be below `root`. Links are followed first. A `.yml` file that only a `.yaml` pattern matches
    counts if it has the keys of a manifest, and a diagnostic names it.
    """
    wrong: list[Diagnostic] = []
    files: dict[str, str] = {}
    yml_files: dict[str, str] = {}
    folders = Folders(root)
    top = os.path.realpath(root)
    for path in paths or otherwise or _defaults(root):
        whole = str(root / path)
        named: list[str] = []
        beside: dict[str, str] = {}
        if "\0" not in path:
            fence = Fence((top, os.path.realpath(root / fixed_part(path))) if paths else (top,))
            named += _named(path, root, fence)
            beside = {folders.real_path(file): file for file in _yml_beside(path, root, fence)}
        if not named and not beside:
            place = None if paths else otherwise.get(path)
            wrong.append(_nothing(path, root, place, is_default=not (paths or otherwise)))
        yml_files |= beside
        for file in named:
            real_path = folders.real_path(file)
            if fence.holds(real_path) or (paths and file == whole):
                files.setdefault(real_path, file)
            else:
                wrong.append(outside(folders.shown(file)))
    wrong += (_read_too(folders.shown(file)) for real, file in yml_files.items() if real not in files)
    files = yml_files | files
    found = [ManifestPath(file, folders.shown(file)) for file in files.values()]
    return FoundFiles(tuple(sorted(found, key=lambda file: file.name)), tuple(wrong))


class Folders:
    """Caches real paths and shown names by folder: one may hold ten thousand files."""

    def __init__(self, root: Path) -> None:
        self._base = os.path.abspath(root)  # noqa: PTH100 - a link keeps its name
        self._real_folder = cache(os.path.realpath)
        self._prefix = cache(self._uncached_prefix)

    def real_path(self, file: str) -> str:
        """Return the real path of `file`."""
        if os.path.islink(file):  # noqa: PTH114 - no Path is made of each of many files
            return os.path.realpath(file)
        folder, name = os.path.split(file)
        return os.path.join(self._real_folder(folder), name)  # noqa: PTH118 - as above

    def shown(self, file: str) -> str:
        """Return `file` as a user would type it: relative to the root if it is below the root."""
        folder, name = os.path.split(file)
        return spelt_out(self._prefix(folder) + name)

    def _uncached_prefix(self, folder: str) -> str:
        """Return the prefix of the shown names of files in `folder`."""
        absolute = os.path.abspath(folder)  # noqa: PTH100 - a link keeps its name
        if absolute == self._base:
            return ""
        if absolute.startswith(self._base.rstrip(os.sep) + os.sep):
            absolute = os.path.relpath(absolute, self._base)
        return f"{absolute.rstrip(os.sep).replace(os.sep, '/')}/"


def is_inside(file: Path, root: Path) -> bool:
    """Return whether the real path of `file` is below `root`."""
    return Fence((os.path.realpath(root),)).holds_target(str(file))


def shown(file: Path, root: Path) -> str:
    """Return `file` as a user would type it: relative to `root` if it is below `root`."""
    return Folders(root).shown(str(file))


def read_bounded(file: Path | str) -> bytes:
    """Return the bytes of `file`, cut soon after MAX_SIZE_BYTES.

    Raises OSError, also for a pipe or a device, which is never opened: that could wait for ever.
    """
    status = os.stat(file)  # noqa: PTH116 - no Path is made of each of many files
    if not stat.S_ISREG(status.st_mode):
        raise OSError(0, "it is not a regular file")
    with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 - as above
        data = stream.read(min(status.st_size, MAX_SIZE_BYTES) + 1)
        while len(data) <= MAX_SIZE_BYTES and (more := stream.read(_GROWTH)):
            data += more
    return data


def unusable(
    file: str, error: OSError, place: Span | None = None, *, alike: Sequence[str] = ()
) -> Diagnostic:
    """Return the diagnostic for a file that could not be read.

    `place` is where it is named, if known. `alike` are names of files that may be meant.
    """
    reason = error.strerror or type(error).__name__
    return Diagnostic(
        severity=Severity.ERROR,
        code="unreadable-file",
        message=f"{file} cannot be read: {reason}",
        hint=f"{_question(alike)}Check that it exists, that it is a file, and that you may read it.",
        span=place,
    )


def outside(name: str) -> Diagnostic:
    """Return the diagnostic for a link out of the workspace; `name` is the shown name."""
    return Diagnostic(
        severity=Severity.ERROR,
        code="outside-workspace",
        message=f"{name} leads to a file outside the workspace",
        hint="It was not read. Put a copy of it in the place of the link, below the workspace's directory.",
        span=Span.of_file(name),
    )


def _defaults(root: Path) -> Sequence[str]:
    return [DEFAULT_FILE] if os.path.lexists(root / DEFAULT_FILE) else [DEFAULT_GLOB]


def _named(path: str, root: Path, fence: Fence) -> Iterator[str]:
    """Yield the files that one path names. A path that exists is never taken for a glob."""
    whole = str(root / path)
    if os.path.isdir(whole):  # noqa: PTH112 - no Path is made of each of many files
        yield from _within(whole, fence)
    elif os.path.lexists(whole) or not has_magic(path):
        yield whole
    else:
        for name in matches(path, str(root), fence):
            if os.path.isdir(name):  # noqa: PTH112 - as above
                yield from _within(name, fence)
            elif may_declare(name):
                yield name


def _within(folder: str, fence: Fence) -> Iterator[str]:
    """Yield the files below `folder` that are manifests by their names; links to folders are not followed.

    Yield `folder` itself if it is a link out of the fence, so that it is reported.
    """
    if not fence.holds_target(folder):
        yield folder
        return
    for here, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(here, name)  # noqa: PTH118 - as above
            if may_declare(name) and os.path.isfile(file):  # noqa: PTH113 - as above
                yield file


def _yml_beside(path: str, root: Path, fence: Fence) -> Iterator[str]:
    """Yield the `.yml` files with a manifest that the pattern `path` would match if it said `.yml`."""
    if path.endswith(_YAML) and has_magic(path):
        for file in matches(f"{path.removesuffix(_YAML)}{_YML}", str(root), fence):
            if may_declare(file) and fence.holds_target(file) and has_manifest_keys(file):
                yield file


def may_declare(file: str) -> bool:
    """Return whether `file` is a manifest by its name: YAML, and neither a base nor the workspace file."""
    name = os.path.basename(file)  # noqa: PTH119 - as above
    return name.endswith(SUFFIXES) and not name.startswith(BASE_MARK) and name not in WORKSPACE_FILES


def _nothing(path: str, root: Path, place: Span | None, *, is_default: bool) -> Diagnostic:
    message = f"'{spelt_out(path)}' names no manifest"
    alike = look_alikes(path, root)
    if is_default:
        message = f"there is no manifest: neither {DEFAULT_FILE} nor {DEFAULT_GLOB}"
        alike = [*(name for name in look_alikes(DEFAULT_FILE, root) if name != "exams/"), *alike]
    return Diagnostic(
        severity=Severity.ERROR,
        code="no-manifest",
        message=message,
        hint=f"{_question(dict.fromkeys(alike))}{_HINT}",
        span=place,
    )


def _question(alike: Collection[str]) -> str:
    return f"Did you mean {either(alike)}? " if alike else ""


def _read_too(name: str) -> Diagnostic:
    return Diagnostic(
        severity=Severity.WARNING,
        code="yml-manifest",
        message=f"{name} is read too: it is a manifest, although only `.yaml` files are asked for",
        hint="Name it `.yaml`, or add a pattern for `.yml` files to `manifests`.",
        span=Span.of_file(name),
    )
