"""The lock of a state in object storage: one object that says who holds it, or that nobody does.

It is made once and never removed: to let go of a lock or to break it is to replace its object by one that
says so. No store that this talks to removes an object on a condition, so a removal could hit the lock of
whoever took it in between. Each content holds a fresh token, so that none comes again under the e-tag of an
earlier one.
"""

import enum
import json
import secrets
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from reconciler.backends.complaints import lock_taken_away, locked, not_locked, refuse_unbreakable
from reconciler.backends.locks import decode_lock_info, encode_lock_info, wait_for
from reconciler.backends.object_calls import Bucket, ConditionFailed, StoredObject, Tag
from reconciler.model.errors import StateUnavailable
from reconciler.ports import Breaking, Liveness, LockHolder, LockInfo

_TRIES: Final = 5


class Phase(enum.Enum):
    """What a lock's object says."""

    HELD = "held"
    RELEASED = "released"
    BROKEN = "broken"
    """Nobody holds it, but what its last holder was writing may still arrive."""


class _LockObject(Struct, frozen=True, kw_only=True):
    """A lock's object; `info` is None where it is none of ours."""

    phase: Phase
    token: str
    info: LockInfo | None
    tag: Tag


class HeldObjectLock(Struct, frozen=True, kw_only=True):
    """A lock that was taken. `token` is no other's; `was_broken` is whether the last holder's was broken."""

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
        """Hold the lock. Raises StateLocked if another holds it for longer than `timeout_s`."""

        def claim() -> HeldObjectLock | None:
            found = self._read()
            return None if found is not None and found.phase is Phase.HELD else self._claim(info, found)

        held = wait_for(claim, timeout_s=timeout_s)
        if held is None:
            holder = self.holder() or LockHolder(info=None, liveness=Liveness.UNKNOWN)
            raise locked(self._bucket.location, holder)
        return held

    def check(self, held: HeldObjectLock) -> None:
        """Nothing, if `held` still holds the lock. Raises StateUnavailable otherwise."""
        found = self._read()
        if found is None or found.phase is not Phase.HELD or found.token != held.token:
            raise lock_taken_away(self._bucket.location)

    def let_go(self, held: HeldObjectLock, phase: Phase) -> None:
        """Leave the lock in `phase`, if it is still that of `held` and the store can be reached.

        Where it cannot, the lock stays, and the next run is told how to break it.
        """
        with suppress(StateUnavailable, ConditionFailed):
            content = _encode(phase, secrets.token_hex(16), held.info)
            self._bucket.put(self._key, content, replacing=held.tag)

    def holder(self) -> LockHolder | None:
        """Who holds the lock; None where nobody does."""
        found = self._read()
        return None if found is None or found.phase is not Phase.HELD else _holder(found)

    def break_(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Make the lock a broken one, if it is that of `lock_id`. Raises UnlockRefused."""
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
        """The lock in the place of `found`; None if another was faster."""
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
