"""A lock file with a flock on it. A release removes the file; a killed holder only loses the flock.

Breaking a lock removes its file, so a holder has the lock only while its file exists. Each change of the
store is made in `changing`: it takes a flock on the folder, then checks that the lock file is still there.
Taking or breaking a lock takes the same flock on the folder, and so waits until a change that has begun is
over.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from reconciler.fault_points import Step, reach
from reconciler.model.errors import StateUnavailable
from reconciler.ports import Breaking, Liveness, LockHolder, LockInfo
from reconciler.stores.locks import decode_lock_info, encode_lock_info, wait_for
from reconciler.stores.store_errors import lock_taken_away, locked, not_locked, refuse_unbreakable

_POLL_S: Final = 0.1
_DOOR_POLL_S: Final = 0.002
_DOOR_TIMEOUT_S: Final = 20.0
_INFO_BYTES: Final = 10_000
# Errors of network file systems that cannot lock folders. There, only the check of the lock file remains.
_NO_FOLDER_LOCKS: Final = frozenset({errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL})


@contextmanager
def reporting(verb: str, location: str) -> Iterator[None]:
    """Turn an OSError within into a StateUnavailable that says "cannot `verb` `location`"."""
    try:
        yield
    except OSError as error:
        raise StateUnavailable(
            f"cannot {verb} {location}: {error.strerror or error}",
            hint="Check the path, its permissions and the free space; nothing that was recorded is lost.",
            location=location,
        ) from error


class FileLock:
    """The lock file at `path`; `location` names the state in errors."""

    def __init__(self, path: Path, *, location: str) -> None:
        self._path = path
        self._location = location
        self._held: int | None = None

    @contextmanager
    def hold(self, info: LockInfo, *, timeout_s: float) -> Iterator[None]:
        """Hold the lock during the context, with `info` in its file for others to read."""
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
        """Make one change of the store, while no other process changes a store in this folder.

        Raise StateUnavailable before the change if this object held the lock and it was broken.
        """
        with self._alone():
            if self._held is not None and not _is_same_file(self._held, self._path):
                raise lock_taken_away(self._location)
            yield

    def holder(self) -> LockHolder | None:
        """Return who wrote the lock file, perhaps a run that was killed; None if there is no lock file."""
        with reporting("look at the lock of", self._location), self._opened() as descriptor:
            return None if descriptor is None else _holder_of(descriptor)

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Remove the lock file if its id is `lock_id` and `breaking` allows it; else raise UnlockRefused."""
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
        """Return an open descriptor that holds the lock; None if another process holds it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if _lock(descriptor) and _is_same_file(descriptor, self._path):
            return descriptor
        os.close(descriptor)  # held by another process, or removed by its holder after we opened it
        return None

    def _release(self, descriptor: int) -> None:
        try:
            with self._alone():
                reach(Step.LOCK_RELEASE)
                if _is_same_file(descriptor, self._path):  # if ours was removed, this may be another run's
                    # Before the flock is released, so that no other holder's file is removed.
                    self._path.unlink()
            reach(Step.LOCK_REMOVED)
        except OSError:
            return  # a file that is left has no flock once its descriptor is closed
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
        """Hold the flock on the folder, so that no other process changes a store in it."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Poll often: a process that changes its store without pauses would keep out one that polls
            # rarely.
            door = wait_for(
                lambda: _lock_folder(folder) or None,
                timeout_s=_DOOR_TIMEOUT_S,
                first_pause_s=_DOOR_POLL_S,
                longest_pause_s=_DOOR_POLL_S,
            )
            if door is None:
                raise OSError(
                    errno.EBUSY, "another process has been changing a state in the same folder for too long"
                )
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
    """Take the flock on `descriptor` if it is free; return whether that worked."""
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
    with suppress(OSError):  # the lock is held even so; after a full disk it does not name its holder
        text = encode_lock_info(info)
        os.ftruncate(descriptor, 0)
        reach(Step.LOCK_NAME, descriptor, text)
        os.write(descriptor, text)


def _holder_of(descriptor: int) -> LockHolder:
    """Return who wrote the lock file, and whether that run still holds it.

    A free lock is held by `descriptor` then.
    """
    info = decode_lock_info(os.pread(descriptor, _INFO_BYTES, 0))
    return LockHolder(info=info, liveness=Liveness.ENDED if _lock(descriptor) else Liveness.ALIVE)
