"""This machine, as the core sees it: its clock, its random source, and who is at work on it.

Promise: the only place that asks for the time or for randomness. May import: `model`, `ports`.
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
from reconciler.model.outside_text import tamed
from reconciler.ports import LockInfo

_JITTER: Final = 0.1


class SystemClock:
    """The machine's clock; implements `ports.Clock`."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        import asyncio  # noqa: PLC0415 - whoever sleeps has loaded it already

        await asyncio.sleep(seconds)


def new_lineage() -> str:
    """A name that no other state has."""
    return str(uuid.uuid4())


def new_attempt() -> AttemptId:
    """A name that no other attempt has."""
    return AttemptId(uuid.uuid4().hex)


def jitter() -> float:
    """A factor that spreads waits, from 1 to a tenth more."""
    return 1 + random.random() * _JITTER  # noqa: S311 - it spreads load, it guards nothing


def describe_runner(environ: Mapping[str, str]) -> str:
    """Who runs this and where, tamed: a person on a machine, or a pipeline's run."""

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
    return tamed(os.uname().nodename)


def _user() -> str:
    try:
        return tamed(getpass.getuser())
    except (KeyError, OSError, ImportError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def lock_info(command: str) -> LockInfo:
    """What others read about a lock that this process takes now; `command` is its name, without arguments."""
    is_pipeline = os.environ.get("GITHUB_ACTIONS") or os.environ.get("GITLAB_CI")
    return LockInfo(
        lock_id=uuid.uuid4().hex,
        who=describe_runner(os.environ) if is_pipeline else _user(),
        host=_host(),
        pid=os.getpid(),
        since=datetime.now(UTC),
        command=command,
    )
