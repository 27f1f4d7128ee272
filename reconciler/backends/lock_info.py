"""Lock information as JSON, which is how a store keeps it for others to read."""

import json
from datetime import datetime
from typing import Final

from reconciler.model.instants import spell_instant
from reconciler.model.outside_text import tamed
from reconciler.ports import LockInfo

_LONGEST_BYTES: Final = 10_000


def encode_lock_info(info: LockInfo) -> bytes:
    """`info` as a JSON object with a trailing newline."""
    document = {
        "lockId": info.lock_id,
        "who": info.who,
        "host": info.host,
        "pid": info.pid,
        "since": spell_instant(info.since, to="seconds"),
        "command": info.command,
    }
    return f"{json.dumps(document, indent=2)}\n".encode()


def decode_lock_info(data: bytes) -> LockInfo | None:
    """The information in `data`, with its texts tamed; None where it is not what `encode_lock_info` gives."""
    if len(data) > _LONGEST_BYTES:
        return None
    try:
        match json.loads(data):
            case {
                "lockId": str(lock_id),
                "who": str(who),
                "host": str(host),
                "pid": int(pid),
                "since": str(since),
                "command": str(command),
            }:
                return LockInfo(
                    lock_id=tamed(lock_id),
                    who=tamed(who),
                    host=tamed(host),
                    pid=pid,
                    since=datetime.fromisoformat(since),
                    command=tamed(command),
                )
    except (ValueError, RecursionError):
        pass
    return None
