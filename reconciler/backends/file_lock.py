"""A lock file held through flock: the kernel lets go of it when its holder dies; a release removes it."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from reconciler.fault_points import Step, reach
from reconciler.model.errors import StateLocked, StateUnavailable
from reconciler.ports import LockInfo

_POLL_S: Final = 0.1


@contextmanager
def hold(path: Path, info: LockInfo, *, timeout_s: float, location: str) -> Iterator[None]:
    """Hold the lock at `path` for the length of the context, with `info` in it for others to read."""
    try:
        reach(Step.LOCK_OPEN)
        descriptor = _acquire(path, timeout_s)
    except OSError as error:
        raise StateUnavailable(
            f"cannot lock {location}: {error.strerror or error}",
            hint="Check the path and its permissions.",
            location=location,
        ) from error
    if descriptor is None:
        holder = describe_holder(path)
        raise StateLocked(
            f"{location} is locked by {holder}",
            hint="Wait for it to end, or give --lock-timeout SECONDS to wait here.",
            location=location,
            holder=holder,
        )
    try:
        reach(Step.LOCK_TAKEN)
        _write_info(descriptor, info)
        yield
    finally:
        _remove(descriptor, path)  # before the lock goes, so that no other holder's file is removed
        reach(Step.LOCK_REMOVED)
        os.close(descriptor)


def _remove(descriptor: int, path: Path) -> None:
    with suppress(OSError):  # what is left is the next holder's to take: the lock is not the file
        reach(Step.LOCK_RELEASE)
        if _is_same_file(descriptor, path):  # it may be another's by now, if somebody removed ours
            path.unlink(missing_ok=True)


def _acquire(path: Path, timeout_s: float) -> int | None:
    deadline = time.monotonic() + timeout_s
    while True:
        descriptor = _try(path)
        if descriptor is not None or time.monotonic() >= deadline:
            return descriptor
        time.sleep(min(_POLL_S, max(0.0, deadline - time.monotonic())))


def _try(path: Path) -> int | None:
    """An open descriptor that holds the lock, or None where another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_same_file(descriptor, path):
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)  # held by another, or the file was let go and removed since we opened it
    return None


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _write_info(descriptor: int, info: LockInfo) -> None:
    document = {
        "lockId": info.lock_id,
        "who": info.who,
        "host": info.host,
        "pid": info.pid,
        "since": info.since.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "command": info.command,
    }
    text = f"{json.dumps(document, indent=2)}\n".encode()
    with suppress(OSError):  # the lock is held all the same; a full disk only leaves its holder unnamed
        os.ftruncate(descriptor, 0)
        reach(Step.LOCK_NAME, descriptor, text)
        os.write(descriptor, text)


def describe_holder(path: Path) -> str:
    """One line about who wrote the lock file at `path`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return (
            f"{found['who']} on {found['host']} (process {found['pid']}, since {found['since']}, "
            f"`{found['command']}`, lock id {found['lockId']})"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "another run"
