"""Locks: the JSON that tells others who holds one, and waiting for one."""

import json
import time
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from reconciler.model.outside_text import tamed
from reconciler.ports import LockInfo

_Taken = TypeVar("_Taken")

_GROWTH: Final = 1.5
_LONGEST_BYTES: Final = 10_000


def encode_lock_info(info: LockInfo) -> bytes:
    """Return `info` as a JSON object with a trailing newline."""
    whole_second = replace(info, since=info.since.replace(microsecond=0))
    return msgspec.json.format(msgspec.json.encode(whole_second)) + b"\n"


def decode_lock_info(data: bytes) -> LockInfo | None:
    """Return the LockInfo in `data`, safe to print; None if `data` is not from `encode_lock_info`."""
    if len(data) > _LONGEST_BYTES:
        return None
    try:
        found = msgspec.convert(json.loads(data), LockInfo)  # json also reads lone surrogates
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    texts = {name: tamed(getattr(found, name)) for name in ("lock_id", "who", "host", "command")}
    return replace(found, **texts)


def wait_for(
    take: Callable[[], _Taken | None],
    *,
    timeout_s: float,
    first_pause_s: float = 0.1,
    longest_pause_s: float = 1.0,
) -> _Taken | None:
    """Call `take` until it returns something, and return that; None once `timeout_s` have passed."""
    deadline_s = time.monotonic() + timeout_s
    pause_s = first_pause_s
    while (taken := take()) is None:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            return None
        time.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * _GROWTH, longest_pause_s)
    return taken
