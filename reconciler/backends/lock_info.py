"""Lock information as JSON, which is how a store keeps it for others to read."""

import json
from typing import Final

import msgspec
from msgspec.structs import replace

from reconciler.model.outside_text import tamed
from reconciler.ports import LockInfo

_LONGEST_BYTES: Final = 10_000


def encode_lock_info(info: LockInfo) -> bytes:
    """Return `info` as a JSON object with a trailing newline."""
    whole_second = replace(info, since=info.since.replace(microsecond=0))
    return msgspec.json.format(msgspec.json.encode(whole_second)) + b"\n"


def decode_lock_info(data: bytes) -> LockInfo | None:
    """Return what `encode_lock_info` put in `data`, its texts tamed; None for anything else."""
    if len(data) > _LONGEST_BYTES:
        return None
    try:
        found = msgspec.convert(json.loads(data), LockInfo)  # json takes half characters, too
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    texts = {name: tamed(getattr(found, name)) for name in ("lock_id", "who", "host", "command")}
    return replace(found, **texts)
