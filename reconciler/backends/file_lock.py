"""A lock file held through flock: the kernel lets go of it when its holder dies; a release removes it.

The name of the lock file is what makes its holder the holder: breaking a lock removes the name. So that a
holder cannot write once that has happened, each change of the store is made in `changing`, one at a time in
a folder (a flock on the folder), and looks first whether the name is still there. Whoever takes or breaks a
lock passes through the same door, so that all changes of the holder before it are over by then.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from reconciler.backends.complaints import lock_taken_away, locked, not_locked, refuse_unbreakable
from reconciler.backends.locks import decode_lock_info, encode_lock_info, wait_for
from reconciler.fault_points import Step, reach
from reconciler.model.errors import StateUnavailable
from reconciler.ports import Breaking, Liveness, LockHolder, LockInfo

_POLL_S: Final = 0.1
_DOOR_POLL_S: Final = 0.002
_DOOR_TIMEOUT_S: Final = 20.0
_INFO_BYTES: Final = 10_000
# What a network's file system answers that cannot lock folders. The look at the name remains.
_NO_FOLDER_LOCKS: Final = frozenset({errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL})


@contextmanager
def reporting(verb: str, location: str) -> Iterator[None]:
    """Raise StateUnavailable for an OSError within: it was not possible to `verb` the state at `location`."""
    try:
        yield
    except OSError as error:
        raise StateUnavailable(
            f"cannot {verb} {location}: {error.strerror or error}",
            hint="Check the path, its permissions and the free space; nothing that was recorded is lost.",
            location=location,
        ) from error


class FileLock:
    """The lock whose file is at `path`; `location` names the state in errors."""

    def __init__(self, path: Path, *, location: str) -> None:
        self._path = path
        self._location = location
        self._held: int | None = None

    @contextmanager
    def hold(self, info: LockInfo, *, timeout_s: float) -> Iterator[None]:
        """Hold the lock for the length of the context, with `info` in its file for others to read."""
        with reporting("lock", self._location):
            reach(Step.LOCK_OPEN)
            descriptor = wait_for(self._try, timeout_s=timeout_s, longest_pause_s=_POLL_S)
        if descriptor is None:
            holder = self.holder() or LockHolder(info=None, liveness=Liveness.ALIVE)
            raise locked(self._location, holder)
        self._held = descriptor
        try:
            reach(Step.LOCK_TAKEN)
            with reporting("lock", self._location), self._alone():
                _write_info(descriptor, info)
            yield
        finally:
            self._held = None
            self._release(descriptor)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One change of the store, alone in its folder.

        Raises StateUnavailable, before the change, if the lock was held by this object and was broken.
        """
        with self._alone():
            if self._held is not None and not _is_same_file(self._held, self._path):
                raise lock_taken_away(self._location)
            yield

    def holder(self) -> LockHolder | None:
        """Who holds the lock, or was killed with it; None where there is no lock file."""
        with reporting("look at the lock of", self._location), self._opened() as descriptor:
            return None if descriptor is None else _holder_of(descriptor)

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Remove the lock file if it is that of `lock_id` and `breaking` allows it. Raises UnlockRefused."""
        with reporting("unlock", self._location), self._opened() as descriptor:
            if descriptor is None:
                raise not_locked(self._location)
            holder = _holder_of(descriptor)
            refuse_unbreakable(self._location, str(self._path), holder, lock_id, breaking)
            with self._alone():
                reach(Step.LOCK_BREAK)
                if _is_same_file(descriptor, self._path):
                    self._path.unlink()
            return holder

    def _try(self) -> int | None:
        """An open descriptor that holds the lock, or None where another holds it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if _lock(descriptor) and _is_same_file(descriptor, self._path):
            return descriptor
        os.close(descriptor)  # held by another, or the file was let go and removed since we opened it
        return None

    def _release(self, descriptor: int) -> None:
        try:
            with self._alone():
                reach(Step.LOCK_RELEASE)
                if _is_same_file(descriptor, self._path):  # it may be another's by now, if ours was removed
                    self._path.unlink()  # before the lock goes, so that no other holder's is removed
            reach(Step.LOCK_REMOVED)
        except OSError:
            return  # a file that is left behind is held by nobody once its descriptor is closed
        finally:
            os.close(descriptor)

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            yield None
            return
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one who changes a store in this folder."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Whoever changes the store without a pause lets nobody in who looks seldom.
            door = wait_for(
                lambda: _lock_folder(folder) or None,
                timeout_s=_DOOR_TIMEOUT_S,
                first_pause_s=_DOOR_POLL_S,
                longest_pause_s=_DOOR_POLL_S,
            )
            if door is None:
                raise OSError(errno.EBUSY, "another process has been changing a state beside it for too long")
            yield
        finally:
            os.close(folder)


def _lock_folder(folder: int) -> bool:
    try:
        return _lock(folder)
    except OSError as error:
        if error.errno in _NO_FOLDER_LOCKS:
            return True
        raise


def _lock(descriptor: int) -> bool:
    """Whether the flock on `descriptor` could be had at once."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _write_info(descriptor: int, info: LockInfo) -> None:
    with suppress(OSError):  # the lock is held all the same; a full disk only leaves its holder unnamed
        text = encode_lock_info(info)
        os.ftruncate(descriptor, 0)
        reach(Step.LOCK_NAME, descriptor, text)
        os.write(descriptor, text)


def _holder_of(descriptor: int) -> LockHolder:
    """Who wrote the lock file, and whether the lock is held; if it was not, it is now, by `descriptor`."""
    info = decode_lock_info(os.pread(descriptor, _INFO_BYTES, 0))
    return LockHolder(info=info, liveness=Liveness.ENDED if _lock(descriptor) else Liveness.ALIVE)
