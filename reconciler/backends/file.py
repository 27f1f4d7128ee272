"""A local file: the embedded default. Its journal, lock and backup stand beside it.

A write goes to a new file, is flushed with its folder, and takes the old one's place in one step. The lock is
the operating system's (flock), so the kernel lets go of it when its process dies.
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

from reconciler.backends.complaints import FILE_HINT, conflict, shortened
from reconciler.backends.file_lock import FileLock, reporting
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

_LARGEST_BYTES: Final = 1024**3
_APPENDING: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


# Where the replacement of each kind of file can fail: open, write, flush, swap, swapped.
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
    """The file that `url` names, as `file:PATH`; a relative path is below `root`."""
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or not parts.path:
        raise UsageError(f"the state URL {url!r} does not name a local path", hint=FILE_HINT)
    return FileBackend(root / unquote(parts.path), location=url)


class FileBackend:
    """A state at a path; implements `ports.StateStore`."""

    def __init__(self, path: Path, *, location: str) -> None:
        # Links are followed once, here: replacing a link would leave the file behind it as it was.
        self._path = Path(os.path.realpath(path))
        self._journal = self._path.with_name(f"{self._path.name}.journal")
        self._backup = self._path.with_name(f"{self._path.name}.backup")
        self._lock = FileLock(self._path.with_name(f"{self._path.name}.lock"), location=location)
        self.location = location

    def read(self) -> Snapshot | None:
        """The file's bytes, or None where there is no file."""
        with reporting("read", self.location):
            reach(Step.SNAPSHOT_READ)
            data = _read_if_exists(self._path)
        return None if data is None else Snapshot(data=data, version=content_version(data))

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:  # noqa: ARG002 - no history
        """Put `data` in the place of exactly the content `replacing`; flushed to the disk on return."""
        with self._changing("write"):
            present = self.read()
            if (None if present is None else present.version) != replacing:
                raise conflict(self.location)
            _replace(self._path, data, _SNAPSHOT)
        return content_version(data)

    def back_up(self, data: bytes) -> str:
        """Put `data` in the place of the last backup; flushed to the disk on return."""
        with self._changing("back up"):
            _replace(self._backup, data, _BACKUP)
        return str(self._backup)

    def read_journal(self) -> bytes:
        """The journal's bytes; none where there is no journal."""
        with reporting("read the journal of", self.location):
            reach(Step.JOURNAL_READ)
            return _read_if_exists(self._journal) or b""

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:  # noqa: ARG002 - no history
        """Put `data` behind the first `after` bytes of the journal; flushed to the disk on return."""
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
        """`data` is durable behind the first `after` bytes; how many there were before."""
        size_bytes = os.fstat(descriptor).st_size
        if size_bytes < after:  # a longer one would be made of zeros
            raise shortened(self.location)
        try:
            reach(Step.JOURNAL_CUT)
            if size_bytes > after:
                os.ftruncate(descriptor, after)
            write_all(descriptor, data, Step.JOURNAL_WRITE)
            flush(descriptor, Step.JOURNAL_FLUSH)
        except OSError:
            with suppress(OSError):  # a torn tail is tolerated when the journal is read
                reach(Step.JOURNAL_DROP)
                os.ftruncate(descriptor, after)
            raise
        return size_bytes

    def clear_journal(self) -> None:
        """Remove the journal; flushed to the disk on return."""
        with self._changing("clear the journal of"):
            if self._journal.exists():
                reach(Step.JOURNAL_CLEAR)
                self._journal.unlink()
                reach(Step.JOURNAL_CLEARED)
                flush_folder(self._journal.parent)

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[LockHandover]:
        """Hold the lock; what killed writers left half-written is removed on the way in."""
        with reporting("lock", self.location):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.hold(info, timeout_s=timeout_s):
            with self._changing("tidy up beside"):
                reach(Step.TIDY)
                for scratch in self._path.parent.glob(f".{glob.escape(self._path.name)}.*.tmp"):
                    scratch.unlink(missing_ok=True)
            yield LockHandover.ORDERLY

    def lock_holder(self) -> LockHolder | None:
        """Who holds the lock, or was killed with it; None where there is no lock file."""
        return self._lock.holder()

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Remove the lock file, if it is that of `lock_id` and its holder is one that `breaking` allows."""
        return self._lock.break_lock(lock_id, breaking=breaking)

    def prove_conditional_writes(self) -> None:
        """Nothing: `write` compares while it is alone in its folder, which needs no proof."""

    @contextmanager
    def _changing(self, verb: str) -> Iterator[None]:
        with reporting(verb, self.location):
            if not self._path.parent.is_dir():
                self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock.changing():
                yield


def _read_if_exists(path: Path) -> bytes | None:
    """The bytes of a regular file; OSError for anything else, which may never end or never begin."""
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
    """Put `data` in the place of `path` in one step."""
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
        with suppress(OSError):  # the next lock removes it; the failure that led here is the one to report
            reach(Step.SCRATCH_DROP)
            scratch.unlink(missing_ok=True)
        raise
    reach(swapped)
    flush_folder(path.parent)


def write_all(descriptor: int, data: bytes, step: Step) -> None:
    """Write all of `data`, however much the system takes at once."""
    reach(step, descriptor, data)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def flush(descriptor: int, step: Step) -> None:
    """Flush to the disk itself; on macOS fsync alone stops at the drive's cache."""
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
