"""Writes new files: all of them or none, and none over anything that exists."""

from collections.abc import Iterable
from pathlib import Path

from reconciler.model.errors import UsageError
from reconciler.model.rollover import RolledFile


def write_new(files: Iterable[RolledFile], root: Path) -> None:
    """Write `files` below `root`, with the folders that they need.

    If one cannot be written, remove what was written before, and raise UsageError.
    """
    made, name = list[Path](), ""
    try:
        for file in files:
            name = file.name
            _write(root / name, file.content, made)
    except BaseException as error:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise UsageError(
                f"{name} cannot be written: {error.strerror or error}",
                hint="Nothing was written. Mend that, and run the command again.",
            ) from error
        raise


def _write(target: Path, content: bytes, made: list[Path]) -> None:
    """Write one file; add it, and each new folder, to `made`."""
    for folder in reversed(target.parents):
        if not folder.exists():
            folder.mkdir()
            made.append(folder)
    with target.open("xb") as stream:
        made.append(target)
        stream.write(content)
