"""Path arguments → the manifest files that they name, in one order."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct

from reconciler.manifest.patterns import Fence, fixed_part, is_pattern, matches
from reconciler.manifest.source import MAX_SIZE_BYTES
from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span
from reconciler.model.outside_text import spelt_out

WORKSPACE_FILE: Final = "reconciler.yaml"
DEFAULT_FILE: Final = "exams.yaml"
DEFAULT_GLOB: Final = "exams/**/*.yaml"

_SUFFIXES: Final = (".yaml", ".yml")
_HINT: Final = (
    "Give files, directories or globs, relative to the working directory. Directories and globs leave out "
    "files whose names begin with `_`, which are there to be extended."
)
_BASE_MARK: Final = "_"
_GROWTH: Final = 64 * 1024
"""What is read at once of a file that has become longer meanwhile."""


class ManifestPath(NamedTuple):
    """A file: the path that leads to it, and how it is shown."""

    path: str
    name: str


class FoundFiles(Struct, frozen=True):
    """The files to read, in order, and what is wrong with the paths that were given."""

    files: tuple[ManifestPath, ...]
    diagnostics: tuple[Diagnostic, ...]


def find(paths: Sequence[str], root: Path, otherwise: Sequence[str] = ()) -> FoundFiles:
    """The files that `paths` name, each once; without any, those that the workspace names: `otherwise`.

    A person may name any file. What a directory or a glob holds must be below it, or below the workspace's
    directory `root`, and what the workspace names (by default, too) below that, when every link is followed.
    """
    wrong: list[Diagnostic] = []
    files: dict[str, str] = {}
    folders = _Folders(root)
    top = os.path.realpath(root)
    for path in paths or otherwise or _defaults(root):
        whole = str(root / path)
        named: list[str] = []
        if "\0" not in path:
            fence = Fence((top, os.path.realpath(root / fixed_part(path))) if paths else (top,))
            named += _named(path, root, fence)
        if not named:
            wrong.append(_nothing(path, is_default=not (paths or otherwise)))
        for file in named:
            real_path = folders.real_path(file)
            if fence.holds(real_path) or (paths and file == whole):
                files.setdefault(real_path, file)
            else:
                wrong.append(outside(folders.shown(file)))
    found = [ManifestPath(file, folders.shown(file)) for file in files.values()]
    return FoundFiles(tuple(sorted(found, key=lambda file: file.name)), tuple(wrong))


class _Folders:
    """What is true of all files in one folder, found out once for each: ten thousand may be in one."""

    def __init__(self, root: Path) -> None:
        self._base = os.path.abspath(root)  # noqa: PTH100 - a link keeps its name
        self._real: dict[str, str] = {}
        self._shown: dict[str, str] = {}

    def real_path(self, file: str) -> str:
        """Where `file` leads when every link is followed."""
        folder, name = os.path.split(file)
        if os.path.islink(file):  # noqa: PTH114 - no Path is made of each of many files
            return os.path.realpath(file)
        if folder not in self._real:
            self._real[folder] = os.path.realpath(folder)
        return os.path.join(self._real[folder], name)  # noqa: PTH118 - as above

    def shown(self, file: str) -> str:
        """`file` as a user would type it: relative to the root where it is below it."""
        folder, name = os.path.split(file)
        if folder not in self._shown:
            self._shown[folder] = self._relative(folder)
        path = self._shown[folder] + name
        return spelt_out(path)

    def _relative(self, folder: str) -> str:
        """What stands before the names of files in `folder`."""
        absolute = os.path.abspath(folder)  # noqa: PTH100 - a link keeps its name
        if absolute == self._base:
            return ""
        if absolute.startswith(self._base.rstrip(os.sep) + os.sep):
            absolute = os.path.relpath(absolute, self._base)
        return absolute.rstrip(os.sep) + os.sep


def is_inside(file: Path, root: Path) -> bool:
    """Whether `file` is below `root` when every link is followed."""
    return Fence((os.path.realpath(root),)).holds_target(str(file))


def shown(file: Path, root: Path) -> str:
    """`file` as a user would type it: relative to `root` where it is below it."""
    return _Folders(root).shown(str(file))


def read_bounded(file: Path | str) -> bytes:
    """The bytes of `file`, or more than are allowed; of a pipe or a device, which is not opened, OSError."""
    status = os.stat(file)  # noqa: PTH116 - no Path is made of each of many files
    if not stat.S_ISREG(status.st_mode):
        raise OSError(0, "it is not a regular file")
    with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 - as above
        data = stream.read(min(status.st_size, MAX_SIZE_BYTES) + 1)
        while len(data) <= MAX_SIZE_BYTES and (more := stream.read(_GROWTH)):
            data += more
    return data


def unusable(file: str, error: OSError) -> Diagnostic:
    """Why `file` could not be read."""
    reason = error.strerror or type(error).__name__
    return Diagnostic(
        severity=Severity.ERROR,
        code="unreadable-file",
        message=f"{file} cannot be read: {reason}",
        hint="Check that it exists, that it is a file, and that you may read it.",
    )


def outside(name: str) -> Diagnostic:
    """Why the file `name`, as it is shown, is not read."""
    return Diagnostic(
        severity=Severity.ERROR,
        code="outside-workspace",
        message=f"{name} leads to a file outside the workspace",
        hint="It was not read. Put a copy of it in the place of the link, below the workspace's directory.",
        span=Span(Position(name, 1, 1), 1, 1),
    )


def _defaults(root: Path) -> Sequence[str]:
    return [DEFAULT_FILE] if os.path.lexists(root / DEFAULT_FILE) else [DEFAULT_GLOB]


def _named(path: str, root: Path, fence: Fence) -> Iterator[str]:
    """The files that one path names. A name that exists is never taken for a glob."""
    whole = str(root / path)
    if os.path.isdir(whole):  # noqa: PTH112 - no Path is made of each of many files
        yield from _within(whole, fence)
    elif os.path.lexists(whole) or not is_pattern(path):
        yield whole
    else:
        for name in matches(path, str(root), fence):
            if os.path.isdir(name):  # noqa: PTH112 - as above
                yield from _within(name, fence)
            elif _may_declare(name):
                yield name


def _within(folder: str, fence: Fence) -> Iterator[str]:
    """The files below `folder` that may be manifests by their names; links to folders in it are not followed.

    The folder itself where it is a link that leads out.
    """
    if not fence.holds_target(folder):
        yield folder
        return
    for here, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(here, name)  # noqa: PTH118 - as above
            if os.path.splitext(name)[1] in _SUFFIXES and _may_declare(name) and os.path.isfile(file):  # noqa: PTH113, PTH122 - as above
                yield file


def _may_declare(file: str) -> bool:
    """Whether `file` may be a manifest going by its name, and not what manifests stand on."""
    name = os.path.basename(file)  # noqa: PTH119 - as above
    return not name.startswith(_BASE_MARK) and name != WORKSPACE_FILE


def _nothing(path: str, *, is_default: bool) -> Diagnostic:
    name = spelt_out(path)
    message = f"'{name}' names no manifest"
    if is_default:
        message = f"there is no manifest: neither {DEFAULT_FILE} nor {DEFAULT_GLOB}"
    return Diagnostic(severity=Severity.ERROR, code="no-manifest", message=message, hint=_HINT)
