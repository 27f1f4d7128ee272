"""State in a branch of a git repository: each change is a commit, and each push names the commit it replaces.

`git_branch` describes the branch and its commits, `git_command` how git is run.

The lock is a ref that is created only if it does not exist. It names a commit with one file, which says who
holds the lock. Breaking it takes three steps:

    1. move the ref to another commit with the same file: the server now refuses the holder's pushes
    2. add a commit to the branch: a push that was under way is in the branch by then, or is refused
    3. delete the ref

A kill between these steps is safe: until step 3 the lock has the same id and holder, keeps others out, and
can be broken again.
"""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from msgspec.structs import replace

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
from reconciler.stores.git_branch import (
    Branch,
    HeldGitLock,
    NewCommit,
    Tip,
    append_file,
    backup_file,
    journal_folder,
)
from reconciler.stores.git_commits import UNNAMED, ScratchError, author_of, message_of
from reconciler.stores.git_errors import reason_in, reason_of, unavailable, unconditional
from reconciler.stores.git_remote import Update
from reconciler.stores.git_urls import GitPlace, read_git_url
from reconciler.stores.locks import decode_lock_info, encode_lock_info, wait_for
from reconciler.stores.store_errors import conflict, locked, not_locked, refuse_unbreakable, shortened

_HOOK: Final = """#!/bin/sh
: >"$RECONCILER_PROOF/begun"
exec git push --quiet --no-verify {options} -- "$RECONCILER_PROOF_ADDRESS" "$RECONCILER_PROOF_WANTED"
"""
_HOOK_MODE: Final = 0o700
_LOCK_FILE: Final = "lock.json"
_LONGEST_BYTES: Final = 10_000
_SEEN: Final = "refs/reconciler/lock-seen"


class GitLock:
    """The lock of the state at `place`. Methods raise StateUnavailable, ScratchError and OSError."""

    def __init__(self, place: GitPlace, branch: Branch) -> None:
        self._place = place
        self._branch = branch

    def take(self, info: LockInfo, *, timeout_s: float) -> HeldGitLock:
        """Take the lock. Raise StateLocked if another run holds it for longer than `timeout_s`."""
        lock = self._commit(None, info, f"{info.command} holds the lock of {self._place.branch_name}")
        update = Update(ref=self._place.lock, expected=None, new=lock)
        if not wait_for(lambda: self._move("lock", update) == lock or None, timeout_s=timeout_s):
            holder = self.holder() or LockHolder(info=None, liveness=Liveness.UNKNOWN)
            raise locked(self._place.location, holder)
        held = HeldGitLock(lock=lock, info=info)
        try:
            held.tip = self._branch.fetch()
        except BaseException:
            self.release(held)
            raise
        return held

    def release(self, held: HeldGitLock) -> None:
        """Remove the lock if it is still `held`.

        Ignore failures: a lock that stays names its holder and can be broken.
        """
        with suppress(ReconcilerError, ScratchError, OSError):
            if held.trouble is not None and self._look() != held.lock:
                return
            if held.unsettled:  # a late push must not reach the next holder
                with suppress(StateUnavailable):
                    self._branch.advance(lambda tip: _nothing(tip, "", held.info.lock_id), held=held)
            self._replace(held.lock, None)

    def holder(self) -> LockHolder | None:
        """Return who holds the lock; None if nobody does."""
        if not self._branch.remote.fetch(self._place.lock, into=_SEEN):
            return None
        return LockHolder(info=self._info(), liveness=Liveness.UNKNOWN)

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Break the lock `lock_id`, so that its holder can change nothing more. May raise UnlockRefused."""
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
        """Move the lock's ref from the commit `before` to `after`."""
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
    """Return the store for the branch that `url` names. A relative path is below `root`."""
    return GitStore(read_git_url(url, root=root), root=root)


class GitStore:
    """A state in a branch; implements `ports.StateStore`. A version is the id of the snapshot's blob."""

    def __init__(self, place: GitPlace, *, root: Path) -> None:
        self.location = place.location
        self._place = place
        self._root = root
        self._opened: Branch | None = None
        self._held: HeldGitLock | None = None

    def read(self) -> Snapshot | None:
        """Return the snapshot at the tip of the branch."""
        with self._reporting("read"):
            tip = self._tip()
            if tip.snapshot is None:
                return None
            return Snapshot(data=self._branch.scratch.blobs([tip.snapshot]), version=Version(tip.snapshot))

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:
        """Push a commit with the snapshot `data`, if the present snapshot is `replacing`."""

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
        """Push a commit with the backup `data`; return where it is."""
        path = backup_file(self._place.path)
        self._advance(
            "back up",
            lambda tip: NewCommit(puts={path: data}, then=lambda _: tip, headline="back up state"),
        )
        return f"{path} in the branch {self._place.branch_name}"

    def read_journal(self) -> bytes:
        """Return the journal at the tip of the branch."""
        with self._reporting("read the journal of"):
            tip = self._tip()
            blobs = self._branch.journal_blobs(tip.commit) if tip.commit else ()
            return self._branch.scratch.blobs(blobs)

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:
        """Push a commit with `data` after the first `after` bytes of the journal."""
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
        """Return what to keep of the append `number` if the journal is cut to `after` bytes."""
        begin = tip.ends[number - 1] if number else 0
        if begin == after or tip.commit is None:
            return b""
        found = self._branch.journal_blobs(tip.commit)
        return self._branch.scratch.blobs(found[number : number + 1])[: after - begin]

    def clear_journal(self) -> None:
        """Push a commit without the journal.

        If it is empty already, only check that the lock is still held.
        """
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
        """Hold the lock. ORDERLY even after a break, since the old holder can change nothing more."""
        with self._reporting("lock"):
            self._held = held = self._lock.take(info, timeout_s=timeout_s)
        try:
            yield LockHandover.ORDERLY
        finally:
            self._held = None
            self._lock.release(held)

    def lock_holder(self) -> LockHolder | None:
        """Return who holds the lock, perhaps a run that was killed; None if nobody does."""
        with self._reporting("look at the lock of"):
            return self._lock.holder()

    def break_lock(self, lock_id: str, *, breaking: Breaking) -> LockHolder:
        """Break the lock `lock_id`, so that its holder can change nothing more."""
        with self._reporting("unlock"):
            return self._lock.break_lock(lock_id, breaking=breaking)

    def prove_conditional_writes(self) -> None:
        """Raise StateUnavailable if the server creates a ref that somebody else has just created."""
        with self._reporting("try conditional pushes to"):
            prove(self._place, self._branch)

    def _tip(self) -> Tip:
        """Return the branch's tip.

        The lock's holder knows it, unless a push may still arrive; else fetch it.
        """
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
    """Return a commit without changes: once it is on `tip`, the server refuses earlier pushes on `tip`."""
    note = "" if headline else f"nothing more of lock {lock_id}"
    return NewCommit(then=lambda _: tip, headline=headline, note=note)


def prove(place: GitPlace, branch: Branch) -> None:
    """Raise StateUnavailable unless the server refuses to create a ref that exists, and can delete it.

    git checks conditions itself before it sends a push. So a pre-push hook creates the ref in between, and
    only the server can refuse.
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
