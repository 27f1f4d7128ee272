"""Recovery files: records of a run on the local disk, kept until the store has them.

Each run writes one file, in a folder that git ignores. It holds a flock on it, so that another run can tell
whether the file is still being written or was left behind.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.fault_points import Step, reach
from reconciler.model.errors import RecoveryRefused
from reconciler.stores.file import flush, flush_folder, write_all

SUFFIX: Final = ".recovery"

_MAKING: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_LARGEST_BYTES: Final = 1024**3


class RecoveryFile:
    """The recovery file of this run, made by `make_recovery_file`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._size_bytes = 0
        self._is_torn = False

    def append(self, data: bytes) -> None:
        """Append `data` and flush it.

        After an OSError the next append first removes what was written of it.
        """
        if self._is_torn:
            os.ftruncate(self._descriptor, self._size_bytes)
        self._is_torn = True
        write_all(self._descriptor, data, Step.RECOVERY_WRITE)
        flush(self._descriptor, Step.RECOVERY_FLUSH)
        self._size_bytes += len(data)
        self._is_torn = False

    def close(self) -> None:
        """Close the file and keep it, for a later run to read."""
        os.close(self._descriptor)

    def discard(self) -> None:
        """Remove the file, as the store has all of its content.

        A file that cannot be removed does no harm.
        """
        with suppress(OSError):
            reach(Step.RECOVERY_DROP)
            self.path.unlink(missing_ok=True)
        self.close()


def make_recovery_file(directory: Path, name: str, *, header: bytes, location: str) -> RecoveryFile:
    """Make the recovery file `name` in `directory` with `header`, flushed to disk.

    Raise RecoveryRefused if that fails; `location` names the state in the error.
    """
    path = directory / f"{name}{SUFFIX}"
    try:
        return _make(path, header)
    except OSError as error:
        raise RecoveryRefused(
            f"cannot make the recovery file {path} for {location}: {error.strerror or error}",
            hint="Nothing was sent. Make room there, or name a folder on a local disk that can be written "
            "with --recovery-dir DIR.",
        ) from error


def _make(path: Path, header: bytes) -> RecoveryFile:
    reach(Step.RECOVERY_OPEN)
    folders = _make_folder(path.parent)
    file = RecoveryFile(path, os.open(path, _MAKING, _MODE))
    try:
        fcntl.flock(file._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # noqa: SLF001 - of this module
        file.append(header)
        reach(Step.RECOVERY_MADE)
        for folder in folders:
            flush_folder(folder)
    except OSError:
        file.discard()
        raise
    return file


def _make_folder(folder: Path) -> tuple[Path, ...]:
    """Make `folder`, with a .gitignore, if it does not exist; return the folders to flush.

    These are `folder` and the parents of all folders that were made. An existing folder gets no .gitignore.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    if made:
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
    return (folder, *(each.parent for each in made))


class Leftover(Struct, frozen=True, kw_only=True):
    """A recovery file of a run that has ended. This process holds its flock."""

    path: Path
    data: bytes

    def remove(self) -> None:
        """Remove the file, if possible."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


@contextmanager
def leftovers(directory: Path) -> Iterator[tuple[Leftover, ...]]:
    """Give the readable recovery files in `directory` that no run is writing, locked during the context."""
    held: list[int] = []
    try:
        yield tuple(_hold(directory, held))
    finally:
        for descriptor in held:
            os.close(descriptor)


def _hold(directory: Path, held: list[int]) -> Iterator[Leftover]:
    try:
        paths = sorted(directory.glob(f"*{SUFFIX}"))
    except OSError:
        return
    for path in paths:
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            held.append(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with open(descriptor, "rb", closefd=False) as file:
                yield Leftover(path=path, data=file.read(_LARGEST_BYTES))
