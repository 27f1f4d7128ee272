"""The folder `.reconciler/`, opened so that no link in it leads anywhere else."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reconciler.values import dataclass

NAME: Final = ".reconciler"

_IGNORING: Final = (".gitignore", b"*\n")
_PART: Final = ".part"
_OPEN: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Without O_NONBLOCK a pipe in a file's place would be waited for."""


@dataclass(frozen=True, slots=True)
class Folder:
    """An open `.reconciler/`; names are those of files directly in it."""

    descriptor: int

    def read(self, name: str, most: int) -> bytes | None:
        """The bytes of `name`; None unless it is a regular file of at most `most` bytes."""
        try:
            opened = os.open(name, os.O_RDONLY | _OPEN, dir_fd=self.descriptor)
        except OSError:
            return None
        with contextlib.suppress(OSError), open(opened, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor
            status = os.fstat(opened)
            if stat.S_ISREG(status.st_mode) and status.st_size <= most:
                return file.readall()
        return None

    def status(self, name: str) -> os.stat_result | None:
        """What the system knows of `name` itself, links not followed; None where it is not there."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except OSError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Put `data` in the place of `name` at one stroke. Raises OSError where that cannot be done."""
        part = f"{secrets.token_hex(8)}{_PART}"
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600, dir_fd=self.descriptor)
        try:
            with open(opened, "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
            os.rename(part, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            self.remove(part)
            raise

    def remove(self, name: str) -> None:
        """See to it that `name` is gone, if that can be done."""
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=self.descriptor)

    def touch(self, name: str) -> None:
        """Note that `name` was used just now."""
        with contextlib.suppress(OSError):
            os.utime(name, dir_fd=self.descriptor, follow_symlinks=False)

    def by_use(self, suffix: str) -> list[tuple[str, os.stat_result]]:
        """The files whose names end with `suffix`, the one used last first."""
        try:
            names = os.listdir(self.descriptor)  # noqa: PTH208 - of a descriptor
        except OSError:
            return []
        known = [(name, status) for name in names if (status := self.status(name)) and name.endswith(suffix)]
        return sorted(known, key=lambda each: each[1].st_mtime_ns, reverse=True)

    def leftovers(self) -> list[tuple[str, os.stat_result]]:
        """What runs that were stopped while writing have left."""
        return self.by_use(_PART)


@contextlib.contextmanager
def opened(root: Path, *, may_make: bool) -> Iterator[Folder | None]:
    """The folder in the workspace `root`; None where there is none, or nothing that may be used as one."""
    descriptor = _descriptor(root, may_make=may_make)
    if descriptor is None:
        yield None
        return
    try:
        yield Folder(descriptor)
    finally:
        os.close(descriptor)


def _descriptor(root: Path, *, may_make: bool) -> int | None:
    path = root / NAME
    try:
        if may_make:
            path.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _OPEN)
    except OSError:
        return None
    folder = Folder(descriptor)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise PermissionError(NAME)
        if may_make and folder.status(_IGNORING[0]) is None:
            folder.write(*_IGNORING)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
