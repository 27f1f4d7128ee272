"""The lock of a state in git: a ref that is made only where there is none.

It names a commit whose one file says who holds the lock. Breaking it takes three steps, each of which can be
the last: the ref is moved to another commit of the same words, so that its holder's pushes are refused; the
branch gets a commit, so that the push which the holder had under way is seen or refused; the ref is removed.
Until then the lock reads as its old holder's, keeps everybody out, and can be broken by its id again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from reconciler.backends.complaints import locked, not_locked, refuse_unbreakable
from reconciler.backends.git_branch import Branch, Change, Holding
from reconciler.backends.git_complaints import Trouble, unavailable
from reconciler.backends.git_history import author_of, message_of
from reconciler.backends.git_remote import PAUSES_S, Answer, Pushed, Update
from reconciler.backends.git_scratch import Edit, ScratchError
from reconciler.backends.git_tip import Tip
from reconciler.backends.git_urls import GitPlace
from reconciler.backends.lock_info import decode_lock_info, encode_lock_info
from reconciler.model.errors import ReconcilerError, StateUnavailable
from reconciler.ports import Breaking, Liveness, LockHolder, LockInfo

_FILE: Final = "lock.json"
_LONGEST_BYTES: Final = 10_000
_SEEN: Final = "refs/reconciler/lock-seen"
_FIRST_POLL_S: Final = 0.1
_LONGEST_POLL_S: Final = 2.0
_POLL_GROWTH: Final = 1.5


class GitLock:
    """The lock of the state at `place`. Raises StateUnavailable, ScratchError and OSError."""

    def __init__(self, place: GitPlace, branch: Branch) -> None:
        self._place = place
        self._branch = branch

    @contextmanager
    def hold(self, info: LockInfo, *, timeout_s: float) -> Iterator[Holding]:
        """Hold the lock for the length of the context. Raises StateLocked."""
        lock = self._commit(None, info, f"{info.command} holds the lock of {self._place.branch_name}")
        self._take(lock, timeout_s)
        author = author_of(info)
        holding = Holding(lock=lock, lock_id=info.lock_id, author=author, command=info.command)
        try:
            holding.tip = self._branch.fetch()
            yield holding
        finally:
            # What is left behind says whose it was and can be broken; what the run did is told all the same.
            with suppress(ReconcilerError, ScratchError, OSError):
                self._release(holding)

    def holder(self) -> LockHolder | None:
        """Who holds the lock; None where nobody does."""
        if not self._branch.remote.fetch(self._place.lock, into=_SEEN):
            return None
        return LockHolder(info=self._info(), liveness=Liveness.UNKNOWN)

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Take the lock `lock_id` away: its holder can change nothing any more. Raises UnlockRefused."""
        holder = self.holder()
        if holder is None:
            raise not_locked(self._place.location)
        refuse_unbreakable(self._place.location, self._place.lock, holder, lock_id, breaking)
        assert holder.info is not None  # noqa: S101 - refused otherwise
        found = self._branch.scratch.resolve(_SEEN)
        headline = f"the lock of {holder.info.command} by {holder.info.who} is broken"
        marker = self._commit(found, holder.info, headline)
        self._move(found, marker)
        self._branch.advance(lambda tip: _nothing(tip, f"unlock: {headline}", lock_id), holding=None)
        self._move(marker, None)
        return holder

    def _info(self) -> LockInfo | None:
        scratch = self._branch.scratch
        entries = scratch.entries(scratch.resolve(_SEEN))
        fitting = (entry for entry in entries if entry.path == _FILE and entry.size_bytes <= _LONGEST_BYTES)
        blobs = [entry.blob for entry in fitting]
        return decode_lock_info(scratch.blobs(blobs)) if blobs else None

    def _commit(self, parent: str | None, info: LockInfo, headline: str) -> str:
        edit = Edit(puts={_FILE: encode_lock_info(info)})
        message = message_of(headline, "", {"Lock-Id": info.lock_id})
        return self._branch.scratch.build(parent, edit, message=message, author=author_of(info)).commit

    def _take(self, lock: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        poll_s = _FIRST_POLL_S
        while not self._try(lock):
            rest_s = deadline - time.monotonic()
            if rest_s <= 0:
                holder = self.holder()
                raise locked(self._place.location, holder or LockHolder(info=None, liveness=Liveness.UNKNOWN))
            time.sleep(min(poll_s, rest_s))
            poll_s = min(poll_s * _POLL_GROWTH, _LONGEST_POLL_S)

    def _try(self, lock: str) -> bool:
        """Whether the lock was free and is held now by the commit `lock`."""
        for pause_s in (*PAUSES_S, None):
            pushed = self._push(None, lock)
            if pushed.answer is Answer.DONE:
                return True
            seen = self._look()
            if seen is not None:
                return seen == lock
            if pushed.trouble.is_stale:  # it was let go of between the two
                continue
            if pause_s is None or not pushed.trouble.is_passing:
                break
            time.sleep(pause_s)
        raise unavailable(self._place, "lock", pushed.trouble)

    def _release(self, holding: Holding) -> None:
        if holding.trouble is not None and self._look() != holding.lock:
            return
        if holding.unsettled:  # what may yet arrive must not surprise the next holder
            with suppress(StateUnavailable):
                self._branch.advance(lambda tip: _nothing(tip, "", holding.lock_id), holding=holding)
        self._move(holding.lock, None)

    def _move(self, before: str, after: str | None) -> None:
        """Have the lock's ref go from the commit `before` to `after`."""
        for pause_s in (*PAUSES_S, None):
            pushed = self._push(before, after)
            if pushed.answer is Answer.DONE:
                return
            seen = self._look()
            if seen == after:
                return
            if seen is None:
                raise not_locked(self._place.location)
            if seen != before:
                raise unavailable(
                    self._place, "unlock", Trouble(reason="another run changed its lock meanwhile")
                )
            if not pushed.trouble.is_passing or pause_s is None:
                break
            time.sleep(pause_s)
        raise unavailable(self._place, "unlock", pushed.trouble)

    def _push(self, before: str | None, after: str | None) -> Pushed:
        return self._branch.remote.push(Update(ref=self._place.lock, expected=before, new=after))

    def _look(self) -> str | None:
        return self._branch.remote.look(self._place.lock)[self._place.lock]


def _nothing(tip: Tip, headline: str, lock_id: str) -> Change:
    """A commit that only keeps those from arriving that were to follow on `tip`."""
    note = "" if headline else f"nothing more of lock {lock_id}"
    return Change(edit=Edit(puts={}), then=lambda _: tip, headline=headline, note=note)
