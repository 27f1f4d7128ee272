"""The lock of a state in object storage: one object that says who holds it, or that nobody does.

The object is made once and never removed. Releasing or breaking the lock replaces it: these stores have no
conditional removal, so a removal could hit the lock of another run that took it meanwhile. Each content has a
new token, so no two contents have the same e-tag.
"""

import enum
import json
import secrets
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from reconciler.model.errors import StateUnavailable
from reconciler.ports import Breaking, Liveness, LockHolder, LockInfo
from reconciler.stores.locks import decode_lock_info, encode_lock_info, wait_for
from reconciler.stores.object_calls import Bucket, ConditionFailed, StoredObject, Tag
from reconciler.stores.store_errors import lock_taken_away, locked, not_locked, refuse_unbreakable

_TRIES: Final = 5


class Phase(enum.Enum):
    """State of the lock."""

    HELD = "held"
    RELEASED = "released"
    BROKEN = "broken"
    """Nobody holds it, but a write of its last holder may still arrive."""


class _LockObject(Struct, frozen=True, kw_only=True):
    """Content and version of the lock's object; `info` is None if we did not write it."""

    phase: Phase
    token: str
    info: LockInfo | None
    tag: Tag


class HeldObjectLock(Struct, frozen=True, kw_only=True):
    """The lock as this run took it. `was_broken`: the lock of the last holder was broken."""

    info: LockInfo
    token: str
    tag: Tag
    was_broken: bool


class ObjectLock:
    """The lock whose object is `key`."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket = bucket
        self._key = key

    def take(self, info: LockInfo, *, timeout_s: float) -> HeldObjectLock:
        """Take the lock. Raise StateLocked if another run holds it for longer than `timeout_s`."""

        def claim() -> HeldObjectLock | None:
            found = self._read()
            return None if found is not None and found.phase is Phase.HELD else self._claim(info, found)

        held = wait_for(claim, timeout_s=timeout_s)
        if held is None:
            holder = self.holder() or LockHolder(info=None, liveness=Liveness.UNKNOWN)
            raise locked(self._bucket.location, holder)
        return held

    def check(self, held: HeldObjectLock) -> None:
        """Raise StateUnavailable unless this run still holds the lock."""
        found = self._read()
        if found is None or found.phase is not Phase.HELD or found.token != held.token:
            raise lock_taken_away(self._bucket.location)

    def release(self, held: HeldObjectLock, phase: Phase) -> None:
        """Set the lock to `phase`, if this run still holds it.

        If the store cannot be reached, the lock stays, and the next run is told how to break it.
        """
        with suppress(StateUnavailable, ConditionFailed):
            content = _encode(phase, secrets.token_hex(16), held.info)
            self._bucket.put(self._key, content, replacing=held.tag)

    def holder(self) -> LockHolder | None:
        """Return who holds the lock; None if nobody does."""
        found = self._read()
        return None if found is None or found.phase is not Phase.HELD else _holder(found)

    def break_(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Set the lock to BROKEN if its id is `lock_id`; otherwise raise UnlockRefused."""
        for _ in range(_TRIES):
            found = self._read()
            if found is None or found.phase is not Phase.HELD:
                break
            refuse_unbreakable(self._bucket.location, self._key, _holder(found), lock_id, breaking)
            with suppress(ConditionFailed):
                self._bucket.put(
                    self._key, _encode(Phase.BROKEN, secrets.token_hex(16), found.info), replacing=found.tag
                )
                return _holder(found)
        raise not_locked(self._bucket.location)

    def _claim(self, info: LockInfo, found: _LockObject | None) -> HeldObjectLock | None:
        """Take the lock by replacing `found`; return None if another run was faster."""
        token = secrets.token_hex(16)
        content = _encode(Phase.HELD, token, info)
        try:
            tag = self._bucket.put(self._key, content, replacing=None if found is None else found.tag)
        except ConditionFailed:
            return None
        was_broken = found is not None and found.phase is Phase.BROKEN
        return HeldObjectLock(info=info, token=token, tag=tag, was_broken=was_broken)

    def _read(self) -> _LockObject | None:
        found = self._bucket.get(self._key)
        return None if found is None else _decode(found)


def _holder(found: _LockObject) -> LockHolder:
    return LockHolder(info=found.info, liveness=Liveness.UNKNOWN)


def _encode(phase: Phase, token: str, info: LockInfo | None) -> bytes:
    told: dict[str, Any] = {} if info is None else json.loads(encode_lock_info(info))
    return f"{json.dumps({'lock': phase.value, 'token': token, **told}, indent=2)}\n".encode()


def _decode(found: StoredObject) -> _LockObject:
    info = decode_lock_info(found.data)
    try:
        told = json.loads(found.data)
        return _LockObject(phase=Phase(told["lock"]), token=str(told["token"]), info=info, tag=found.tag)
    except (ValueError, KeyError, TypeError, RecursionError):
        return _LockObject(phase=Phase.HELD, token="", info=None, tag=found.tag)
