"""Files that survive a crash: whole writes, flushes, locks, and replacing a file by one rename.

Windows has no such locks: there, what needs one is refused, and all that only reads works. May import:
`fault_points`, `model` (its errors).
"""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

from reconciler.fault_points import Step, reach
from reconciler.model.errors import SystemLacking

try:
    import fcntl
except ImportError:
    HAS_LOCKS = False
else:
    HAS_LOCKS = True

BINARY: Final[int] = getattr(os, "O_BINARY", 0)
"""Windows would turn line ends into its own without it."""
_MAKING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
_MODE: Final = 0o600
_LARGEST_BYTES: Final = 1024**3

READING: Final[int] = os.O_RDONLY | BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""How to open a file that anybody may have put there: never through a link, and without waiting."""


def require_locks(what: str) -> None:
    """Raise SystemLacking if this system has no locks of files, which `what` needs."""
    if not HAS_LOCKS:
        raise SystemLacking(
            f"{what} needs locks of files, which this operating system ({sys.platform}) lacks",
            hint="Run it in WSL, in a container, in a pipeline, or on Linux or macOS. What changes no state "
            "works here too, such as `reconciler validate`.",
        )


def try_lock(descriptor: int) -> bool:
    """Take the flock on `descriptor` if it is free; return whether that worked. Raises OSError."""
    if not HAS_LOCKS:
        raise OSError(errno.ENOTSUP, "this operating system lacks locks of files")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
    if HAS_LOCKS and hasattr(fcntl, "F_FULLFSYNC"):
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def flush_folder(folder: Path) -> None:
    """Make the entries of `folder` durable. Windows opens no folder, and needs no flush of one."""
    if sys.platform == "win32":
        return
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
