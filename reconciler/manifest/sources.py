"""Path arguments → the manifest files that they name, in one order."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from reconciler.manifest.source_text import MAX_SIZE_BYTES
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.values import dataclass

WORKSPACE_FILE: Final = "reconciler.yaml"
DEFAULT_FILE: Final = "exams.yaml"
DEFAULT_GLOB: Final = "exams/**/*.yaml"

_SUFFIXES: Final = (".yaml", ".yml")
_HINT: Final = (
    "Give files, directories or globs, relative to the working directory. Directories and globs leave out "
    "files whose names begin with `_`, which are there to be extended."
)
_BASE_MARK: Final = "_"


@dataclass(frozen=True, slots=True)
class Found:
    """The files to read, in order, and what is wrong with the paths that were given."""

    files: tuple[Path, ...]
    diagnostics: tuple[Diagnostic, ...]


def find(paths: Sequence[str], root: Path) -> Found:
    """The files that `paths` name, each once; without any, the default ones below `root`."""
    wrong: list[Diagnostic] = []
    files: dict[str, Path] = {}
    for path in paths or _defaults(root):
        named = list(_named(path, root)) if "\0" not in path else []
        if not named:
            wrong.append(_nothing(path, is_default=not paths))
        for file in named:
            files.setdefault(os.path.realpath(file), file)
    return Found(tuple(sorted(files.values(), key=lambda file: shown(file, root))), tuple(wrong))


def shown(file: Path, root: Path) -> str:
    """`file` as a user would type it: relative to `root` where it is below it."""
    absolute, base = os.path.abspath(file), os.path.abspath(root)  # noqa: PTH100 - a link keeps its name
    path = os.path.relpath(absolute, base) if absolute.startswith(base.rstrip(os.sep) + os.sep) else absolute
    return _printable(path)


def read_bounded(file: Path) -> bytes:
    """The bytes of `file`, or one more than are allowed; of a device, OSError."""
    if file.exists() and not file.is_file():
        raise OSError(0, "it is not a regular file")
    with file.open("rb") as stream:
        return stream.read(MAX_SIZE_BYTES + 1)


def unusable(file: str, error: OSError) -> Diagnostic:
    """Why `file` could not be read."""
    reason = error.strerror or type(error).__name__
    return Diagnostic(
        severity=Severity.ERROR,
        code="unreadable-file",
        message=f"{file} cannot be read: {reason}",
        hint="Check that it exists, that it is a file, and that you may read it.",
    )


def _defaults(root: Path) -> Sequence[str]:
    return [DEFAULT_FILE] if (root / DEFAULT_FILE).exists() else [DEFAULT_GLOB]


def _named(path: str, root: Path) -> Iterator[Path]:
    """The files that one argument names. A name that exists is never taken for a glob."""
    whole = root / path
    if whole.is_dir():
        yield from (
            file
            for file in whole.rglob("*")
            if file.suffix in _SUFFIXES and _may_declare(file) and file.is_file()
        )
    elif os.path.lexists(whole) or not glob.has_magic(path):
        yield whole
    else:
        pattern = str(Path(glob.escape(str(root))) / path)
        for name in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - Path.glob refuses absolute patterns
            found = Path(name)
            if found.is_dir():
                yield from _named(name, root)
            elif _may_declare(found):
                yield found


def _may_declare(file: Path) -> bool:
    """Whether `file` may be a manifest going by its name, and not what manifests stand on."""
    return not file.name.startswith(_BASE_MARK) and file.name != WORKSPACE_FILE


def _nothing(path: str, *, is_default: bool) -> Diagnostic:
    name = _printable(path)
    message = f"'{name}' names no manifest"
    if is_default:
        message = f"there is no manifest: neither {DEFAULT_FILE} nor {DEFAULT_GLOB}"
    return Diagnostic(severity=Severity.ERROR, code="no-manifest", message=message, hint=_HINT)


def _printable(path: str) -> str:
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in path)
