"""Recovery files: what a run knows, on this machine's disk, for as long as a store does not have it.

One file a run in a folder of their own, which git ignores. Each is locked by the run that writes it, so that
another run tells one that is being written from one that was left.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.backends.file import flush, flush_folder, write_all
from reconciler.fault_points import Step, reach
from reconciler.model.errors import RecoveryRefused

SUFFIX: Final = ".recovery"

_MAKING: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_LARGEST_BYTES: Final = 1024**3


class RecoveryFile:
    """A recovery file that this run writes. Made by `make_recovery_file` only."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._size_bytes = 0
        self._is_torn = False

    def append(self, data: bytes) -> None:
        """Durably put `data` behind the rest. Raises OSError if it may not be there; the next drops it."""
        if self._is_torn:
            os.ftruncate(self._descriptor, self._size_bytes)
        self._is_torn = True
        write_all(self._descriptor, data, Step.RECOVERY_WRITE)
        flush(self._descriptor, Step.RECOVERY_FLUSH)
        self._size_bytes += len(data)
        self._is_torn = False

    def close(self) -> None:
        """Leave the file to whoever needs it."""
        os.close(self._descriptor)

    def discard(self) -> None:
        """Remove the file: the store has all that is in it. One that cannot be removed does no harm."""
        with suppress(OSError):
            reach(Step.RECOVERY_DROP)
            self.path.unlink(missing_ok=True)
        self.close()


def make_recovery_file(directory: Path, name: str, *, header: bytes, location: str) -> RecoveryFile:
    """A new recovery file `name` in `directory`, durable with its `header`.

    Raises RecoveryRefused; `location` names the state that it is for.
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
    """The folders whose entries change: `folder`, which is there on return, and those above it that get one.

    A folder that is made here is one that git ignores; what others made is left as it is.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    if made:
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
    return (folder, *(each.parent for each in made))


class Leftover(Struct, frozen=True, kw_only=True):
    """A recovery file of a run that has ended, held so that nobody else touches it."""

    path: Path
    data: bytes

    def remove(self) -> None:
        """The file is gone, if it can be."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


@contextmanager
def leftovers(directory: Path) -> Iterator[tuple[Leftover, ...]]:
    """The recovery files in `directory` that can be read and that no run is writing."""
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
