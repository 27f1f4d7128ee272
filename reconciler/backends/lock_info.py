"""Lock information as JSON, which is how a store keeps it for others to read."""

import json
from datetime import datetime
from typing import Any, Final

from reconciler.ports import LockInfo

_LONGEST_BYTES: Final = 10_000


def encode_lock_info(info: LockInfo) -> bytes:
    """`info` as a JSON object with a trailing newline."""
    document = {
        "lockId": info.lock_id,
        "who": info.who,
        "host": info.host,
        "pid": info.pid,
        "since": info.since.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "command": info.command,
    }
    return f"{json.dumps(document, indent=2)}\n".encode()


def decode_lock_info(data: bytes) -> LockInfo | None:
    """The information in `data`; None where it is not what `encode_lock_info` gives."""
    if len(data) > _LONGEST_BYTES:
        return None
    try:
        found = json.loads(data)
        return LockInfo(
            lock_id=_text(found, "lockId"),
            who=_text(found, "who"),
            host=_text(found, "host"),
            pid=int(found["pid"]),
            since=datetime.fromisoformat(_text(found, "since")),
            command=_text(found, "command"),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _text(found: Any, key: str) -> str:
    value = found[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value
