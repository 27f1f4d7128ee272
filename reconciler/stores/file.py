"""State in a local file, the default store. Its log and its backup are files beside it.

    PATH          the snapshot
    PATH.journal  a marker line that names the snapshot, then the log; absent while the log is empty
    PATH.backup   the last backup

To replace both, the new snapshot's marker and the new log are first added to the log file; then the new
snapshot is renamed over PATH. This rename is the one commit point: what counts of the log file follows the
last marker of the snapshot that is there, up to the next marker.

A log file belongs to the process that made it. That process holds a flock on it, so the kernel tells whether
it lives. Another process does not write into the file but renames one of its own over it, which the first
sees by one look. Each change is compared and made under a flock on the folder; reading takes no lock.

Earlier versions looked for a journal where the log is. To them a marker is the header of one that is too new.
Their journals have no marker, and are read as the log of the snapshot that is there.
"""

import errno
import glob
import hashlib
import os
import re
import stat
import time
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from reconciler.durable import flush, flush_folder, read_file, require_locks, try_lock, write_all
from reconciler.fault_points import Step, reach
from reconciler.model.errors import OutcomeUnknown, StateDamaged, StateUnavailable, UsageError
from reconciler.ports import Head, Store, Stored
from reconciler.stores.store_errors import FILE_HINT, conflict, locked_by_earlier_version

_MOST_READS: Final = 20
_PATIENCE_S: Final = 20.0
_POLL_S: Final = 0.002
"""Short: a process that changes its state without pauses would keep out one that polls rarely."""

_SCRATCH: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
_NO_LOCKS: Final = frozenset({errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL})
"""Errors of network file systems that cannot lock folders, or nothing at all."""

_MARKER: Final = re.compile(
    rb'^[0-9a-f]{8} \{"formatVersion":3,"number":0,"snapshot":"([a-z0-9:]+)","type":"journal"\}\n',
    re.MULTILINE,
)

_Key = tuple[int, ...]
"""What shows whether a file is as it was: device, inode, size, and the times of its last changes."""


def open_file(url: str, *, root: Path) -> Store:
    """Return the store for `url`, which is `file:PATH`. A relative path is below `root`."""
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or not parts.path:
        raise UsageError(f"the state URL {url!r} does not name a local path", hint=FILE_HINT)
    return FileStore(root / unquote(parts.path), location=url)


class _Content(NamedTuple):
    """What the files hold. `digest` is of the snapshot. `head` is None for an empty store.

    `kept` is what a new log file must begin with, so that nothing is lost while the snapshot is this one. If
    no part of the log file `fits` the snapshot, `log` is the first part and `kept` is all.
    """

    snapshot: bytes | None
    digest: str
    log: bytes
    kept: bytes
    fits: bool
    head: Head | None


class _Tip(NamedTuple):
    """Our own log file as we left it. `log_hash` is a hash object that has read the log."""

    digest: str
    log_hash: Any
    key: _Key


class _OwnLog:
    """A log file that we made. The flock on it lasts as long as this object."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.inode = _key(descriptor)[:2]
        weakref.finalize(self, os.close, descriptor)
        with suppress(OSError):  # without a flock, others cannot know when this process has ended
            try_lock(descriptor)


class _UnclearError(OSError):
    """A call failed after which a change is perhaps made."""


class FileStore:
    """A state in the file at `path`; implements `ports.Store`, `KeepsCopies` and `Watches`."""

    def __init__(self, path: Path, *, location: str) -> None:
        # Follow links here, once: a write that replaced the link would not change the file that it points to.
        self._path = Path(os.path.realpath(path))
        self._log, self._backup, self._early_lock, self._hidden_lock = (
            self._path.with_name(name.replace("PATH", self._path.name))
            for name in ("PATH.journal", "PATH.backup", "PATH.lock", ".PATH.lock")
        )
        self._own: list[_OwnLog] = []  # of these, the last is the present log file
        self._tip: _Tip | None = None
        self._torn_at: int | None = None
        self.location = location

    def load(self) -> Stored | None:
        """Return what the files hold. Raise StateDamaged if the log does not fit the snapshot."""
        with self._reporting("read"):
            found = self._read()
        if found.head is None:
            return None
        if found.snapshot is None or not found.fits:
            raise self._unfit(found)
        return Stored(snapshot=found.snapshot, log=found.log, head=found.head)

    def append(self, records: bytes, *, at: Head, note: str = "") -> Head:  # noqa: ARG002 - no history
        """Add `records` to the log. The first append of this object proves that `replace` will work."""
        with self._changing("write the log of"):
            tip, self._tip = self._tip, None
            if tip is not None and (tip.key, _head(tip.digest, tip.log_hash)) == (_key(self._log), at):
                self._extend(tip, records)
                return self._settle(tip.digest, tip.log_hash, records)
            found = self._find(at)
            if not self._own and found.snapshot is not None:
                # A file that is mounted by itself cannot be replaced.
                _replace_file(self._path, found.snapshot, "SNAPSHOT", like=self._path)
            self._make_log(found.kept + records)
            return self._settle(found.digest, hashlib.sha256(found.log), records)

    def replace(self, snapshot: bytes, log: bytes, *, at: Head | None, note: str = "") -> Head:  # noqa: ARG002
        """Replace snapshot and log; see the module's docstring."""
        digest = _digest(snapshot)
        with self._changing("write"):
            self._tip, found = None, self._find(at)
            is_new = digest != found.digest
            if log or (is_new and self._log.exists()):
                self._make_log(found.kept + _marker(digest) + log)
            if is_new:
                _replace_file(self._path, snapshot, "SNAPSHOT", like=self._path)
            if not log:
                # Behind a new snapshot, a log file that stays has no records of it and does no harm.
                with suppress(OSError) if is_new else nullcontext():
                    self._remove_log()
        return _head(digest, hashlib.sha256(log))

    def has_ended(self, lock_id: str) -> bool:  # noqa: ARG002 - the log file is that of the present lock
        """Return True if no process holds a flock on the log file."""
        try:
            return not _is_held(self._log)
        except OSError:
            return False

    def keep_backup(self, snapshot: bytes) -> str:
        """Replace the last backup by `snapshot`, flushed to disk; return its path."""
        with self._reporting("back up"), self._alone():
            if self._own and not self.is_undisturbed():
                raise conflict(self.location)
            _replace_file(self._backup, snapshot, "BACKUP", like=self._path)
        return str(self._backup)

    def backup(self) -> bytes | None:
        """Return the content of the backup; None if there is none."""
        with self._reporting("read the backup of"):
            return _read_if_exists(self._backup)

    def earlier(self, version: str) -> bytes | None:  # noqa: ARG002 - no history
        """Return None: there is no history."""
        return None

    def is_undisturbed(self) -> bool:
        """Return False if the log file is not one that this object made."""
        inode = _key(self._log)[:2]
        return inode in [own.inode for own in self._own] if inode else not self._own

    def _read(self) -> _Content:
        """Read the files, again if the snapshot was replaced meanwhile."""
        for _ in range(_MOST_READS):
            key = _key(self._path)
            reach(Step.SNAPSHOT_READ)
            snapshot = _read_if_exists(self._path)
            reach(Step.LOG_READ)
            data = _read_if_exists(self._log) or b""
            if self._torn_at is not None and self.is_undisturbed():
                data = data[: self._torn_at]
            if _key(self._path) == key:
                break
        else:
            raise OSError(errno.EAGAIN, "it is replaced all the time")
        lines = data[: data.rfind(b"\n") + 1]  # a killed writer can leave half a line
        digest = _digest(snapshot)
        parts = _parts(lines) or {digest: lines}
        log, fits = parts.get(digest, next(iter(parts.values()))), digest in parts
        head = None if snapshot is None and not log else _head(digest, hashlib.sha256(log))
        return _Content(snapshot, digest, log, _marker(digest) + log if fits else lines, fits, head)

    def _find(self, at: Head | None) -> _Content:
        """Return what the files hold. Raise StateConflict if that is not `at`."""
        found = self._read()
        if found.head != at:
            raise conflict(self.location) if found.fits else self._unfit(found)
        if not self._own and found.snapshot is not None and (links := self._path.stat().st_nlink) > 1:
            raise StateUnavailable(
                f"{self.location} is one of {links} hard links to a file; the others would keep an old state",
                hint="Nothing was changed. Remove the others; or copy the file, and rename the copy over it.",
            )
        return found

    def _unfit(self, found: _Content) -> StateDamaged:
        unlike = "and its log do not belong together: one of them was replaced by hand"
        return StateDamaged(
            f"{self.location} {'does not exist, but its log does' if found.snapshot is None else unlike}",
            hint=f"Nothing was changed. Keep {self._log.name}: this log may hold SIDs that no state has. Put "
            "back the state that was there, or run `reconciler state restore`. Do not run `init`.",
            snapshot=found.snapshot,
            log=found.log,
            head=found.head,
        )

    @contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        """Turn an OSError within into a StateUnavailable that says "cannot `verb` the state"."""
        try:
            yield
        except OSError as error:
            hint = "Check the path, its permissions and the free space; nothing that was recorded is lost."
            if error.errno == errno.EBUSY:
                hint = "If the file is mounted by itself, as into a container, mount its folder instead."
            if error.errno == errno.EAGAIN:
                hint = "Try again. If a run was stopped, let it go on or end it: see `reconciler unlock`."
            kind = OutcomeUnknown if isinstance(error, _UnclearError) else StateUnavailable
            message = f"cannot {verb} {self.location}: {error.strerror or error}"
            raise kind(message, hint=hint) from error

    @contextmanager
    def _changing(self, verb: str) -> Iterator[None]:
        """Keep others from changing the state during one change."""
        require_locks(f"a change of {self.location}")
        with self._reporting(verb):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                if _is_held(self._early_lock):
                    remedy = "If it hangs, end its process: its lock ends with it."
                    sign = f"it holds {self._early_lock}"
                    raise locked_by_earlier_version(self.location, sign, remedy=remedy)
                self._cut()
                yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the flock on the folder, so that no other process changes a state in it.

        Where no folder can be locked, lock a hidden file in it; where no file can either, do without.
        """
        reach(Step.LOCK_FOLDER)
        with ExitStack() as opened:
            for path, flags in (
                (self._path.parent, os.O_RDONLY),
                (self._hidden_lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW),
            ):
                descriptor = os.open(path, flags, 0o666)
                opened.callback(os.close, descriptor)
                if _lock_in_time(descriptor):
                    break
            yield

    def _extend(self, tip: _Tip, data: bytes) -> None:
        """Append `data` to our own log file. If that fails, cut off what was written of it."""
        try:
            write_all(self._own[-1].descriptor, data, Step.LOG_WRITE)
            flush(self._own[-1].descriptor, Step.LOG_FLUSH)
        except OSError:
            self._torn_at = tip.key[2]
            with _unclear():
                self._cut()
            self._settle(tip.digest, tip.log_hash)
            raise

    def _cut(self) -> None:
        """Cut off what a failed append left of it: nothing of it counts, even if this fails at first."""
        if self._torn_at is not None:
            reach(Step.LOG_DROP)
            os.ftruncate(self._own[-1].descriptor, self._torn_at)
            self._torn_at = None

    def _make_log(self, data: bytes) -> None:
        """Replace the log file by a new one, which is ours. Remove what killed writers left."""
        reach(Step.TIDY)
        for scratch in self._path.parent.glob(f".{glob.escape(self._path.name)}.*.tmp"):
            scratch.unlink(missing_ok=True)
        _replace_file(
            self._log,
            data,
            "LOG",
            like=self._path,
            close=lambda descriptor: self._own.append(_OwnLog(descriptor)),
        )

    def _remove_log(self) -> None:
        """Remove the log file and our flock."""
        try:
            reach(Step.LOG_CLEAR)
            self._log.unlink(missing_ok=True)
            with _unclear():
                self._early_lock.unlink(missing_ok=True)  # left by a run that was killed
                reach(Step.LOG_CLEARED)
                flush_folder(self._log.parent)
        finally:
            self._own.clear()

    def _settle(self, digest: str, log_hash: Any, added: bytes = b"") -> Head:
        """Remember our log file as it is now, with `added` at its end. Return the head."""
        log_hash, key = log_hash.copy(), _key(self._log)
        log_hash.update(added)
        if key[:2] != self._own[-1].inode:
            raise _UnclearError(errno.ESTALE, "its log was removed or replaced meanwhile")
        self._tip = _Tip(digest, log_hash, key)
        return _head(digest, log_hash)


def _digest(snapshot: bytes | None) -> str:
    return "none" if snapshot is None else f"sha256:{hashlib.sha256(snapshot).hexdigest()}"


def _head(digest: str, log_hash: Any) -> Head:
    return Head(f"{digest} {log_hash.hexdigest()}")


def _marker(digest: str) -> bytes:
    text = b'{"formatVersion":3,"number":0,"snapshot":"%s","type":"journal"}' % digest.encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parts(log_file: bytes) -> dict[str, bytes]:
    """Return for each snapshot's digest what follows its last marker, up to the next marker."""
    _, *pieces = _MARKER.split(log_file)
    return {digest.decode(): log for digest, log in zip(pieces[::2], pieces[1::2], strict=True)}


def _key(file: Path | int) -> _Key:
    """Return the key of a file; () if there is none."""
    try:
        status = os.stat(file)  # noqa: PTH116 - of descriptors, too
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _read_if_exists(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return read_file(path)
    return None


def _is_held(path: Path) -> bool:
    """Return whether there is the file, and a process holds a flock on it."""
    try:
        with path.open("rb+", buffering=0) as file:
            return not try_lock(file.fileno())
    except FileNotFoundError:
        return False


def _lock_in_time(descriptor: int) -> bool:
    """Wait for the flock on `descriptor` and take it. Return False if its file system has none."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s:
        try:
            if try_lock(descriptor):
                return True
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return False
            raise
        time.sleep(_POLL_S)
    raise OSError(errno.EAGAIN, "another process has been changing a state in the same folder for too long")


@contextmanager
def _unclear() -> Iterator[None]:
    """Turn an OSError within into one that says that a change is perhaps made."""
    try:
        yield
    except OSError as error:
        raise _UnclearError(error.errno, error.strerror) from error


def _replace_file(
    path: Path, data: bytes, kind: str, *, like: Path, close: Callable[[int], object] = os.close
) -> None:
    """Replace the content of `path` by `data` atomically. `kind` is the first word of its fault points.

    The new file has the permissions of `like`, and its group where that can be given. `close` is called with
    the new file's descriptor before the rename, and closes or keeps it.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        reach(Step[f"{kind}_OPEN"])
        scratch.unlink(missing_ok=True)  # of a killed process with this number; or a link that somebody made
        descriptor = os.open(scratch, _SCRATCH, 0o666)
        try:
            _take_permissions(descriptor, like)
            write_all(descriptor, data, Step[f"{kind}_WRITE"])
            flush(descriptor, Step[f"{kind}_FLUSH"])
        finally:
            close(descriptor)
        reach(Step[f"{kind}_SWAP"])
        scratch.replace(path)
    except OSError:
        with suppress(OSError):  # report the first failure; whoever makes the next log removes the file
            reach(Step.SCRATCH_DROP)
            scratch.unlink(missing_ok=True)
        raise
    with _unclear():
        reach(Step[f"{kind}_SWAPPED"])
        flush_folder(path.parent)


def _take_permissions(descriptor: int, like: Path) -> None:
    """Give an open file the mode of `like`, if that exists, and its group, if this process may."""
    with suppress(FileNotFoundError):
        status = like.stat()
        with suppress(PermissionError):
            os.fchown(descriptor, -1, status.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
