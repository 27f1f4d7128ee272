"""Files that survive a crash: whole writes, flushes, and replacing a file by one rename.

May import: `fault_points`.
"""

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from reconciler.fault_points import Step, reach

_MAKING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_MODE: Final = 0o600
_LARGEST_BYTES: Final = 1024**3

READING: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""How to open a file that anybody may have put there: never through a link, and without waiting."""


def write_all(descriptor: int, data: bytes, step: Step | None = None) -> None:
    """Write all of `data`; one os.write may write only a part. `step` is reached before."""
    if step is not None:
        reach(step, descriptor, data)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def flush(descriptor: int, step: Step | None = None) -> None:
    """Flush to the disk. On macOS fsync alone leaves data in the drive's cache. `step` is reached before."""
    if step is not None:
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


def read_file(path: Path) -> bytes:
    """Return the content of a regular file. Raises OSError for others: reading a device may never end."""
    with os.fdopen(os.open(path, READING), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if status.st_size > _LARGEST_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {_LARGEST_BYTES // 1024**2} MiB")
        return file.read()


def create_file(path: Path, data: bytes) -> None:
    """Make `data` the new file `path`, durably and for its owner only. Raises FileExistsError."""
    _write_new(path, data)
    flush_folder(path.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Make `data` the file `path`, durably and for its owner only. Others see the old file or the new one."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    scratch.unlink(missing_ok=True)  # of a killed process with this number
    _write_new(scratch, data)
    try:
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def _write_new(path: Path, data: bytes) -> None:
    """Write `data` to the new file `path`, and flush it; remove the file again if that fails."""
    descriptor = os.open(path, _MAKING, _MODE)
    try:
        write_all(descriptor, data)
        flush(descriptor)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
