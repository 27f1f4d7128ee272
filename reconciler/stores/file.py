"""State in a local file, the default store. Its journal, lock and backup are files beside it.

A write makes a new file, flushes it and its folder, and renames it over the old one. The lock is a flock, so
the kernel releases it when its process ends.
"""

import errno
import fcntl
import glob
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.fault_points import Step, reach
from reconciler.model.errors import UsageError
from reconciler.ports import (
    Breaking,
    LockHandover,
    LockHolder,
    LockInfo,
    Snapshot,
    StateStore,
    Version,
    content_version,
)
from reconciler.stores.file_lock import FileLock, reporting
from reconciler.stores.store_errors import FILE_HINT, conflict, shortened

_LARGEST_BYTES: Final = 1024**3
_APPENDING: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


# The fault points of each kind of file: open, write, flush, swap, swapped.
_SNAPSHOT: Final = (
    Step.SNAPSHOT_OPEN,
    Step.SNAPSHOT_WRITE,
    Step.SNAPSHOT_FLUSH,
    Step.SNAPSHOT_SWAP,
    Step.SNAPSHOT_SWAPPED,
)
_BACKUP: Final = (
    Step.BACKUP_OPEN,
    Step.BACKUP_WRITE,
    Step.BACKUP_FLUSH,
    Step.BACKUP_SWAP,
    Step.BACKUP_SWAPPED,
)


def open_file(url: str, *, root: Path) -> StateStore:
    """Return the store for `url`, which is `file:PATH`. A relative path is below `root`."""
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or not parts.path:
        raise UsageError(f"the state URL {url!r} does not name a local path", hint=FILE_HINT)
    return FileStore(root / unquote(parts.path), location=url)


class FileStore:
    """A state in the file at `path`; implements `ports.StateStore`."""

    def __init__(self, path: Path, *, location: str) -> None:
        # Follow links here, once: a write that replaced the link would not change the file that it points to.
        self._path = Path(os.path.realpath(path))
        self._journal = self._path.with_name(f"{self._path.name}.journal")
        self._backup = self._path.with_name(f"{self._path.name}.backup")
        self._lock = FileLock(self._path.with_name(f"{self._path.name}.lock"), location=location)
        self.location = location

    def read(self) -> Snapshot | None:
        """Return the content of the file; None if it does not exist."""
        with reporting("read", self.location):
            reach(Step.SNAPSHOT_READ)
            data = _read_if_exists(self._path)
        return None if data is None else Snapshot(data=data, version=content_version(data))

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:  # noqa: ARG002 - no history
        """Replace the content whose version is `replacing` by `data`, flushed to disk."""
        with self._changing("write"):
            present = self.read()
            if (None if present is None else present.version) != replacing:
                raise conflict(self.location)
            _replace(self._path, data, _SNAPSHOT)
        return content_version(data)

    def back_up(self, data: bytes) -> str:
        """Replace the last backup by `data`, flushed to disk; return its path."""
        with self._changing("back up"):
            _replace(self._backup, data, _BACKUP)
        return str(self._backup)

    def read_journal(self) -> bytes:
        """Return the content of the journal; empty if there is no file."""
        with reporting("read the journal of", self.location):
            reach(Step.JOURNAL_READ)
            return _read_if_exists(self._journal) or b""

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:  # noqa: ARG002 - no history
        """Write `data` after the first `after` bytes of the journal, flushed to disk."""
        with self._changing("write the journal of"):
            reach(Step.JOURNAL_OPEN)
            descriptor = os.open(self._journal, _APPENDING, 0o666)
            try:
                size_bytes = self._append(descriptor, data, after)
            finally:
                os.close(descriptor)
            if size_bytes == 0:  # it may be new
                reach(Step.JOURNAL_MADE)
                flush_folder(self._journal.parent)

    def _append(self, descriptor: int, data: bytes, after: int) -> int:
        """Write and flush `data` after the first `after` bytes; return the size from before."""
        size_bytes = os.fstat(descriptor).st_size
        if size_bytes < after:  # ftruncate would fill the gap with zeros
            raise shortened(self.location)
        try:
            reach(Step.JOURNAL_CUT)
            if size_bytes > after:
                os.ftruncate(descriptor, after)
            write_all(descriptor, data, Step.JOURNAL_WRITE)
            flush(descriptor, Step.JOURNAL_FLUSH)
        except OSError:
            with suppress(OSError):  # readers tolerate a torn end
                reach(Step.JOURNAL_DROP)
                os.ftruncate(descriptor, after)
            raise
        return size_bytes

    def clear_journal(self) -> None:
        """Remove the journal and flush its folder."""
        with self._changing("clear the journal of"):
            if self._journal.exists():
                reach(Step.JOURNAL_CLEAR)
                self._journal.unlink()
                reach(Step.JOURNAL_CLEARED)
                flush_folder(self._journal.parent)

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[LockHandover]:
        """Hold the lock. First remove temporary files that killed writers left."""
        with reporting("lock", self.location):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.hold(info, timeout_s=timeout_s):
            with self._changing("tidy up beside"):
                reach(Step.TIDY)
                for scratch in self._path.parent.glob(f".{glob.escape(self._path.name)}.*.tmp"):
                    scratch.unlink(missing_ok=True)
            yield LockHandover.ORDERLY

    def lock_holder(self) -> LockHolder | None:
        """Return who wrote the lock file, perhaps a run that was killed; None if there is no lock file."""
        return self._lock.holder()

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Remove the lock file if its id is `lock_id` and `breaking` allows its holder."""
        return self._lock.break_lock(lock_id, breaking=breaking)

    def prove_conditional_writes(self) -> None:
        """Do nothing: `write` compares under a lock of the folder, which needs no proof."""

    @contextmanager
    def _changing(self, verb: str) -> Iterator[None]:
        with reporting(verb, self.location):
            if not self._path.parent.is_dir():
                self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock.changing():
                yield


def _read_if_exists(path: Path) -> bytes | None:
    """Return the content of a regular file.

    Raise OSError for others: reading a pipe or device may never end.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if status.st_size > _LARGEST_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {_LARGEST_BYTES // 1024**2} MiB")
        return file.read()


def _replace(path: Path, data: bytes, steps: tuple[Step, Step, Step, Step, Step]) -> None:
    """Replace the content of `path` by `data` atomically. `steps` are its fault points."""
    opening, writing, flushing, swapping, swapped = steps
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        reach(opening)
        with scratch.open("wb", buffering=0) as file:
            write_all(file.fileno(), data, writing)
            flush(file.fileno(), flushing)
        reach(swapping)
        scratch.replace(path)
    except OSError:
        with suppress(OSError):  # report the first failure; whoever locks next removes the file
            reach(Step.SCRATCH_DROP)
            scratch.unlink(missing_ok=True)
        raise
    reach(swapped)
    flush_folder(path.parent)


def write_all(descriptor: int, data: bytes, step: Step) -> None:
    """Write all of `data`; one os.write may write only a part."""
    reach(step, descriptor, data)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def flush(descriptor: int, step: Step) -> None:
    """Flush to the disk. On macOS fsync alone leaves data in the drive's cache."""
    reach(step)
    if hasattr(fcntl, "F_FULLFSYNC"):
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def flush_folder(folder: Path) -> None:
    """Make the entries of `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
