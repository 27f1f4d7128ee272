"""Writes new files: all of them or none, and none over anything that exists."""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from reconciler.model.errors import UsageError
from reconciler.model.secrets import Unprintable


class NewFile(Unprintable, frozen=True):
    """A file to write, which may hold access codes. A private one is for its owner only."""

    name: str
    content: bytes
    is_private: bool = False


def write_new(files: Iterable[NewFile], root: Path) -> None:
    """Write `files` below `root`, with the folders that they need.

    If one cannot be written, remove what was written before, and raise UsageError.
    """
    made, name = list[Path](), ""
    try:
        for file in files:
            name = file.name
            _write(root / name, file, made)
    except BaseException as error:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, FileExistsError):
            raise UsageError(
                f"{name} exists already, and is never written over",
                hint="Nothing was written. Move it away, or choose another name.",
            ) from error
        if isinstance(error, OSError):
            raise UsageError(
                f"{name} cannot be written: {error.strerror or error}",
                hint="Nothing was written. Mend that, and run the command again.",
            ) from error
        raise


def _write(target: Path, file: NewFile, made: list[Path]) -> None:
    """Write one file; add it, and each new folder, to `made`."""
    for folder in reversed(target.parents):
        if not folder.exists():
            folder.mkdir()
            made.append(folder)
    mode = 0o600 if file.is_private else 0o666
    with open(target, "xb", opener=partial(os.open, mode=mode)) as stream:
        made.append(target)
        stream.write(file.content)
