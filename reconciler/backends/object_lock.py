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
from reconciler.backends.object_calls import Bucket, Found, Refused, Tag
from reconciler.model.errors import StateUnavailable
from reconciler.ports import Breaking, Liveness, LockHolder, LockInfo

_TRIES: Final = 5


class Phase(enum.Enum):
    """What a lock's object says."""

    HELD = "held"
    RELEASED = "released"
    BROKEN = "broken"
    """Nobody holds it, but what its last holder was writing may still arrive."""


class _Note(Struct, frozen=True, kw_only=True):
    """A lock's object; `info` is None where it is none of ours."""

    phase: Phase
    token: str
    info: LockInfo | None
    tag: Tag


class Hold(Struct, frozen=True, kw_only=True):
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

    def take(self, info: LockInfo, *, timeout_s: float) -> Hold:
        """Hold the lock. Raises StateLocked if another holds it for longer than `timeout_s`."""

        def claim() -> Hold | None:
            note = self._note()
            return None if note is not None and note.phase is Phase.HELD else self._claim(info, note)

        hold = wait_for(claim, timeout_s=timeout_s)
        if hold is None:
            holder = self.holder() or LockHolder(info=None, liveness=Liveness.UNKNOWN)
            raise locked(self._bucket.location, holder)
        return hold

    def check(self, hold: Hold) -> None:
        """Nothing, if `hold` still holds the lock. Raises StateUnavailable otherwise."""
        note = self._note()
        if note is None or note.phase is not Phase.HELD or note.token != hold.token:
            raise lock_taken_away(self._bucket.location)

    def let_go(self, hold: Hold, phase: Phase) -> None:
        """Leave the lock in `phase`, if it is still that of `hold` and the store can be reached.

        Where it cannot, the lock stays, and the next run is told how to break it.
        """
        with suppress(StateUnavailable, Refused):
            content = _encode(phase, secrets.token_hex(16), hold.info)
            self._bucket.put(self._key, content, replacing=hold.tag)

    def holder(self) -> LockHolder | None:
        """Who holds the lock; None where nobody does."""
        note = self._note()
        return None if note is None or note.phase is not Phase.HELD else _holder(note)

    def break_(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Make the lock a broken one, if it is that of `lock_id`. Raises UnlockRefused."""
        for _ in range(_TRIES):
            note = self._note()
            if note is None or note.phase is not Phase.HELD:
                break
            refuse_unbreakable(self._bucket.location, self._key, _holder(note), lock_id, breaking)
            with suppress(Refused):
                self._bucket.put(
                    self._key, _encode(Phase.BROKEN, secrets.token_hex(16), note.info), replacing=note.tag
                )
                return _holder(note)
        raise not_locked(self._bucket.location)

    def _claim(self, info: LockInfo, note: _Note | None) -> Hold | None:
        """The lock in the place of `note`; None if another was faster."""
        token = secrets.token_hex(16)
        content = _encode(Phase.HELD, token, info)
        try:
            tag = self._bucket.put(self._key, content, replacing=None if note is None else note.tag)
        except Refused:
            return None
        was_broken = note is not None and note.phase is Phase.BROKEN
        return Hold(info=info, token=token, tag=tag, was_broken=was_broken)

    def _note(self) -> _Note | None:
        found = self._bucket.get(self._key)
        return None if found is None else _decode(found)


def _holder(note: _Note) -> LockHolder:
    return LockHolder(info=note.info, liveness=Liveness.UNKNOWN)


def _encode(phase: Phase, token: str, info: LockInfo | None) -> bytes:
    told: dict[str, Any] = {} if info is None else json.loads(encode_lock_info(info))
    return f"{json.dumps({'lock': phase.value, 'token': token, **told}, indent=2)}\n".encode()


def _decode(found: Found) -> _Note:
    info = decode_lock_info(found.data)
    try:
        told = json.loads(found.data)
        return _Note(phase=Phase(told["lock"]), token=str(told["token"]), info=info, tag=found.tag)
    except (ValueError, KeyError, TypeError, RecursionError):
        return _Note(phase=Phase.HELD, token="", info=None, tag=found.tag)
