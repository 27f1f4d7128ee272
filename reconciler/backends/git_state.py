"""State in a branch of a git repository: every change a commit, the lock a ref, compare-and-swap by the push.

`git_branch` says what stands in the branch and how it moves, `git_command` how git is run.

The lock is a ref that is made only where there is none. It names a commit whose one file says who holds it.
Breaking it takes three steps, each of which can be the last: the ref is moved to another commit of the same
words, so that its holder's pushes are refused; the branch gets a commit, so that the push which the holder
had under way is seen or refused; the ref is removed. Until then the lock reads as its old holder's, keeps
everybody out, and can be broken by its id again.
"""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from msgspec.structs import replace

from reconciler.backends.complaints import conflict, locked, not_locked, refuse_unbreakable, shortened
from reconciler.backends.git_branch import (
    Branch,
    HeldGitLock,
    NewCommit,
    Tip,
    append_file,
    backup_file,
    journal_folder,
)
from reconciler.backends.git_commits import UNNAMED, ScratchError, author_of, message_of
from reconciler.backends.git_errors import reason_in, reason_of, unavailable, unconditional
from reconciler.backends.git_remote import Update
from reconciler.backends.git_urls import GitPlace, read_git_url
from reconciler.backends.locks import decode_lock_info, encode_lock_info, wait_for
from reconciler.model.errors import ReconcilerError, StateUnavailable
from reconciler.ports import (
    Breaking,
    Liveness,
    LockHandover,
    LockHolder,
    LockInfo,
    Snapshot,
    StateStore,
    Version,
)

_HOOK: Final = """#!/bin/sh
: >"$RECONCILER_PROOF/begun"
exec git push --quiet --no-verify {options} -- "$RECONCILER_PROOF_ADDRESS" "$RECONCILER_PROOF_WANTED"
"""
_HOOK_MODE: Final = 0o700
_LOCK_FILE: Final = "lock.json"
_LONGEST_BYTES: Final = 10_000
_SEEN: Final = "refs/reconciler/lock-seen"


class GitLock:
    """The lock of the state at `place`. Raises StateUnavailable, ScratchError and OSError."""

    def __init__(self, place: GitPlace, branch: Branch) -> None:
        self._place = place
        self._branch = branch

    def take(self, info: LockInfo, *, timeout_s: float) -> HeldGitLock:
        """Hold the lock from now on. Raises StateLocked."""
        lock = self._commit(None, info, f"{info.command} holds the lock of {self._place.branch_name}")
        update = Update(ref=self._place.lock, expected=None, new=lock)
        if not wait_for(lambda: self._move("lock", update) == lock or None, timeout_s=timeout_s):
            holder = self.holder() or LockHolder(info=None, liveness=Liveness.UNKNOWN)
            raise locked(self._place.location, holder)
        held = HeldGitLock(lock=lock, info=info)
        try:
            held.tip = self._branch.fetch()
        except BaseException:
            self.let_go(held)
            raise
        return held

    def let_go(self, held: HeldGitLock) -> None:
        """Remove the lock, if it is that of `held` still.

        What is left behind says whose it was and can be broken; what the run did is told all the same.
        """
        with suppress(ReconcilerError, ScratchError, OSError):
            if held.trouble is not None and self._look() != held.lock:
                return
            if held.unsettled:  # what may yet arrive must not surprise the next holder
                with suppress(StateUnavailable):
                    self._branch.advance(lambda tip: _nothing(tip, "", held.info.lock_id), held=held)
            self._replace(held.lock, None)

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
        self._replace(found, marker)
        self._branch.advance(lambda tip: _nothing(tip, f"unlock: {headline}", lock_id), held=None)
        self._replace(marker, None)
        return holder

    def _info(self) -> LockInfo | None:
        scratch = self._branch.scratch
        entries = scratch.entries(scratch.resolve(_SEEN))
        fitting = (
            entry for entry in entries if entry.path == _LOCK_FILE and entry.size_bytes <= _LONGEST_BYTES
        )
        blobs = [entry.blob for entry in fitting]
        return decode_lock_info(scratch.blobs(blobs)) if blobs else None

    def _commit(self, parent: str | None, info: LockInfo, headline: str) -> str:
        puts = {_LOCK_FILE: encode_lock_info(info)}
        message = message_of(headline, "", {"Lock-Id": info.lock_id})
        return self._branch.scratch.build(parent, puts, message=message, author=author_of(info)).commit

    def _replace(self, before: str, after: str | None) -> None:
        """Have the lock's ref go from the commit `before` to `after`."""
        seen = self._move("unlock", Update(ref=self._place.lock, expected=before, new=after))
        if seen != after:
            if seen is None:
                raise not_locked(self._place.location)
            raise unavailable(self._place, "unlock", "another run changed its lock meanwhile")

    def _move(self, verb: str, update: Update) -> str | None:
        return self._branch.remote.move(verb, update, look=self._look)

    def _look(self) -> str | None:
        return self._branch.remote.look(self._place.lock)[self._place.lock]


def open_git(url: str, *, root: Path) -> StateStore:
    """The state in the branch that `url` names; a relative path is below `root`."""
    return GitBackend(read_git_url(url, root=root), root=root)


class GitBackend:
    """A state in a branch; implements `ports.StateStore`. A version is the snapshot's blob."""

    def __init__(self, place: GitPlace, *, root: Path) -> None:
        self.location = place.location
        self._place = place
        self._root = root
        self._opened: Branch | None = None
        self._held: HeldGitLock | None = None

    def read(self) -> Snapshot | None:
        """The snapshot at the branch's tip."""
        with self._reporting("read"):
            tip = self._tip()
            if tip.snapshot is None:
                return None
            return Snapshot(data=self._branch.scratch.blobs([tip.snapshot]), version=Version(tip.snapshot))

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:
        """Push a commit whose snapshot is `data` on top of one whose snapshot is `replacing`."""

        def make(tip: Tip) -> NewCommit:
            if tip.snapshot != replacing:
                raise conflict(self.location)
            return NewCommit(
                puts={self._place.path: data},
                then=lambda built: replace(tip, snapshot=built.blobs[self._place.path]),
                headline="write state",
                note=note,
            )

        tip = self._advance("write", make)
        return Version(str(tip.snapshot))

    def back_up(self, data: bytes) -> str:
        """Push a commit whose backup is `data`."""
        path = backup_file(self._place.path)
        self._advance(
            "back up",
            lambda tip: NewCommit(puts={path: data}, then=lambda _: tip, headline="back up state"),
        )
        return f"{path} in the branch {self._place.branch_name}"

    def read_journal(self) -> bytes:
        """The journal at the branch's tip."""
        with self._reporting("read the journal of"):
            tip = self._tip()
            blobs = self._branch.journal_blobs(tip.commit) if tip.commit else ()
            return self._branch.scratch.blobs(blobs)

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:
        """Push a commit whose journal ends with `data`, behind the first `after` bytes of it."""
        self._advance("write the journal of", lambda tip: self._appended(tip, data, after, note))

    def _appended(self, tip: Tip, data: bytes, after: int, note: str) -> NewCommit:
        if tip.journal_bytes < after:
            raise shortened(self.location)
        path, kept = self._place.path, tip.appends_within(after)
        head = self._head_of_append(tip, kept, after)
        drops = [append_file(path, number) for number in range(kept, len(tip.ends))]
        return NewCommit(
            puts={append_file(path, kept): head + data},
            drops=drops,
            then=lambda _: replace(tip, ends=(*tip.ends[:kept], after + len(data))),
            headline="append to the journal",
            note=note,
        )

    def _head_of_append(self, tip: Tip, number: int, after: int) -> bytes:
        """What stays of the append `number` of `tip` where only `after` bytes of the journal do."""
        begin = tip.ends[number - 1] if number else 0
        if begin == after or tip.commit is None:
            return b""
        found = self._branch.journal_blobs(tip.commit)
        return self._branch.scratch.blobs(found[number : number + 1])[: after - begin]

    def clear_journal(self) -> None:
        """Push a commit without a journal; if there is none, only see that the lock is still held."""
        folder = journal_folder(self._place.path)

        def make(tip: Tip) -> NewCommit | None:
            if not tip.ends:
                return None
            return NewCommit(
                drops=[folder],
                then=lambda _: replace(tip, ends=()),
                headline="clear the journal",
                note="the journal is in the state",
            )

        self._advance("clear the journal of", make)

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[LockHandover]:
        """Hold the lock. One that was broken left a holder that can change nothing: see `GitLock`."""
        with self._reporting("lock"):
            self._held = held = self._lock.take(info, timeout_s=timeout_s)
        try:
            yield LockHandover.ORDERLY
        finally:
            self._held = None
            self._lock.let_go(held)

    def lock_holder(self) -> LockHolder | None:
        """Who holds the lock, or was killed with it."""
        with self._reporting("look at the lock of"):
            return self._lock.holder()

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Take the lock `lock_id` away; who holds it can change nothing from then on."""
        with self._reporting("unlock"):
            return self._lock.break_lock(lock_id, breaking=breaking)

    def prove_conditional_writes(self) -> None:
        """Raises StateUnavailable if the server lets a ref be made that somebody else has just made."""
        with self._reporting("try conditional pushes to"):
            prove(self._place, self._branch)

    def _tip(self) -> Tip:
        """The branch's tip: a holder of the lock knows it, unless a push may yet arrive."""
        held = self._held
        is_known = held is not None and held.trouble is None and not held.unsettled
        return held.tip if held is not None and is_known else self._branch.fetch()

    def _advance(self, verb: str, make: Callable[[Tip], NewCommit | None]) -> Tip:
        with self._reporting(verb):
            return self._branch.advance(make, held=self._held)

    @property
    def _branch(self) -> Branch:
        if self._opened is None:
            self._opened = Branch(self._place, root=self._root)
        return self._opened

    @property
    def _lock(self) -> GitLock:
        return GitLock(self._place, self._branch)

    @contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        try:
            yield
        except ScratchError as error:
            raise unavailable(self._place, verb, reason_of(str(error), code=1)) from error
        except OSError as error:
            raise unavailable(self._place, verb, reason_in(error)) from error


def _nothing(tip: Tip, headline: str, lock_id: str) -> NewCommit:
    """A commit that only keeps those from arriving that were to follow on `tip`."""
    note = "" if headline else f"nothing more of lock {lock_id}"
    return NewCommit(then=lambda _: tip, headline=headline, note=note)


def prove(place: GitPlace, branch: Branch) -> None:
    """Nothing, if the server refuses to make a ref that was made in between, and lets it be removed.

    Raises StateUnavailable.
    """
    first, second = (_commit(branch, text) for text in (b"first", b"second"))
    ref = f"{place.lock}.proof-{first[:8]}"
    folder = Path(mkdtemp(dir=branch.scratch.git.directory))
    hook = folder / "pre-push"
    hook.write_text(_HOOK.format(options=shlex.join(branch.remote.push_options)))
    hook.chmod(_HOOK_MODE)
    variables = {
        "RECONCILER_PROOF": str(folder),
        "RECONCILER_PROOF_ADDRESS": place.address,
        "RECONCILER_PROOF_WANTED": f"{first}:{ref}",
    }
    making = Update(ref=ref, expected=None, new=second)
    failure = branch.remote.push(making, settings=[f"core.hooksPath={folder}"], variables=variables)
    found = branch.remote.look(ref)[ref]
    is_tried = (folder / "begun").exists()
    is_careless = is_tried and (failure is None or found == second)
    if found is not None:
        failure = branch.remote.push(Update(ref=ref, expected=found, new=None))
    if is_careless:
        raise unconditional(place)
    if failure is not None and (is_tried or found is not None):
        raise unavailable(place, "make and remove refs at", failure)


def _commit(branch: Branch, text: bytes) -> str:
    message = message_of("a try whether pushes are conditional", "", {})
    return branch.scratch.build(None, {"try": text}, message=message, author=UNNAMED).commit
