"""This machine: its clock, its random source, and the user or pipeline that runs the command.

Only this module reads the clock or draws random numbers for the core. May import: `model`, `ports`.
"""

import getpass
import os
import random
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from reconciler.model.identities import AttemptId
from reconciler.model.locks import LockInfo
from reconciler.model.outside_text import tamed
from reconciler.ports import Stopwatch

_JITTER: Final = 0.1
# Goes on while the machine is suspended; so does the monotonic clock of systems that have no such clock.
_BOOT_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class SystemClock:
    """The machine's clock; implements `ports.Clock`."""

    def now(self) -> datetime:
        """Return the time of day, timezone-aware, in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return the seconds since a fixed moment; the value never decreases."""
        return time.monotonic()

    def stopwatch(self) -> Stopwatch:
        """Return a stopwatch that is started now, by the clock that goes further."""
        began = _clocks_s()
        return lambda: max(now_s - then_s for now_s, then_s in zip(_clocks_s(), began, strict=True))

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        import asyncio  # noqa: PLC0415 - only an apply sleeps, and it has loaded asyncio already

        await asyncio.sleep(seconds)


def _clocks_s() -> tuple[float, float]:
    """Return the time since boot and the time of day: a suspended virtual machine may stop the first."""
    return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK), time.time()


def new_lineage() -> str:
    """Return a unique lineage for a new state."""
    return str(uuid.uuid4())


def new_attempt() -> AttemptId:
    """Return a unique name for one attempt at a create."""
    return AttemptId(uuid.uuid4().hex)


def jitter() -> float:
    """Return a random factor from 1 to 1.1, which spreads waits."""
    return 1 + random.random() * _JITTER  # noqa: S311 - it spreads load and needs no secrecy


def describe_runner(environ: Mapping[str, str]) -> str:
    """Return who runs this, on one safe line: a user and host, or a pipeline's user and run."""

    def said(name: str) -> str:
        return tamed(environ.get(name, "?"))

    if environ.get("GITHUB_ACTIONS"):
        where = f"{said('GITHUB_REPOSITORY')} run {said('GITHUB_RUN_ID')}"
        return f"{said('GITHUB_ACTOR')} in GitHub Actions, {where}"
    if environ.get("GITLAB_CI"):
        where = f"{said('CI_PROJECT_PATH')} job {said('CI_JOB_ID')}"
        return f"{said('GITLAB_USER_LOGIN')} in GitLab CI, {where}"
    return f"{_user()}@{_host()}"


def _host() -> str:
    return tamed(os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "?"))


def _user() -> str:
    try:
        return tamed(getpass.getuser())
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "?"


def lock_info(command: str) -> LockInfo:
    """Return what other runs see of a lock that this process takes now.

    `command` is the command's name, without arguments.
    """
    is_pipeline = os.environ.get("GITHUB_ACTIONS") or os.environ.get("GITLAB_CI")
    return LockInfo(
        lock_id=uuid.uuid4().hex,
        who=describe_runner(os.environ) if is_pipeline else _user(),
        host=_host(),
        pid=os.getpid(),
        since=datetime.now(UTC),
        command=command,
    )
