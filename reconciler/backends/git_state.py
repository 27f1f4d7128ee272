"""State in a branch of a git repository: every change a commit, the lock a ref, compare-and-swap by the push.

`git_branch` says how the branch moves, `git_lock` how the lock is taken and broken, `git_tip` what stands
in the branch, `git_command` how git is run.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.backends.complaints import conflict
from reconciler.backends.git_branch import Branch, Change, Holding
from reconciler.backends.git_complaints import shortened, trouble_of, trouble_with, unavailable
from reconciler.backends.git_lock import GitLock
from reconciler.backends.git_proof import prove
from reconciler.backends.git_scratch import Edit, ScratchError
from reconciler.backends.git_tip import Tip, append_file, backup_file, journal_folder
from reconciler.backends.git_urls import GitPlace, read_git_url
from reconciler.ports import Breaking, LockHolder, LockInfo, Snapshot, StateBackend, Tenure, Version

_FRESH_S: Final = 5.0


class _Known(Struct, frozen=True, kw_only=True):
    """What was just fetched: each of journal and snapshot may be read from it once, which saves a fetch."""

    journal_from: Tip | None = None
    snapshot_from: Tip | None = None
    since_s: float = 0.0

    def for_journal(self) -> Tip | None:
        """Where the journal may be read from."""
        return self.journal_from if self._is_fresh else None

    def for_snapshot(self) -> Tip | None:
        """Where the snapshot may be read from."""
        return self.snapshot_from if self._is_fresh else None

    @property
    def _is_fresh(self) -> bool:
        return time.monotonic() - self.since_s < _FRESH_S


def open_git(url: str, *, root: Path) -> StateBackend:
    """The state in the branch that `url` names; a relative path is below `root`."""
    return GitBackend(read_git_url(url, root=root), root=root)


class GitBackend:
    """A state in a branch; implements `ports.StateBackend`. A version is the snapshot's blob."""

    def __init__(self, place: GitPlace, *, root: Path) -> None:
        self._place = place
        self._root = root
        self._opened: Branch | None = None
        self._holding: Holding | None = None
        self._known = _Known()

    @property
    def location(self) -> str:
        """The state's URL as given."""
        return self._place.location

    def read(self) -> Snapshot | None:
        """The snapshot at the branch's tip; that of the same commit where the journal was just read."""
        with self._reporting("read"):
            tip = self._known.for_snapshot() or self._branch.fetch()
            self._known = _Known()
            if tip.snapshot is None:
                return None
            return Snapshot(data=self._branch.scratch.blobs([tip.snapshot]), version=Version(tip.snapshot))

    def write(self, data: bytes, *, replacing: Version | None, note: str = "") -> Version:
        """Push a commit whose snapshot is `data` on top of one whose snapshot is `replacing`."""

        def make(tip: Tip) -> Change:
            if tip.snapshot != replacing:
                raise conflict(self.location)
            return Change(
                edit=Edit(puts={self._place.path: data}),
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
            lambda tip: Change(edit=Edit(puts={path: data}), then=lambda _: tip, headline="back up state"),
        )
        return f"{path} in the branch {self._place.branch_name}"

    def read_journal(self) -> bytes:
        """The journal at the branch's tip."""
        with self._reporting("read the journal of"):
            tip = self._known.for_journal() or self._branch.fetch()
            self._known = _Known(snapshot_from=tip, since_s=time.monotonic())
            return self._branch.scratch.blobs(tip.blobs)

    def append_journal(self, data: bytes, *, after: int, note: str = "") -> None:
        """Push a commit whose journal ends with `data`, behind the first `after` bytes of it."""
        self._advance("write the journal of", lambda tip: self._appended(tip, data, after, note))

    def _appended(self, tip: Tip, data: bytes, after: int, note: str) -> Change:
        if tip.journal_bytes < after:
            raise shortened(self._place)
        path, kept = self._place.path, tip.appends_within(after)
        head = self._head_of_append(tip, kept, after)
        drops = [append_file(path, number) for number in range(kept, len(tip.ends))]
        return Change(
            edit=Edit(puts={append_file(path, kept): head + data}, drops=drops),
            then=lambda _: replace(tip, ends=(*tip.ends[:kept], after + len(data)), blobs=()),
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

        def make(tip: Tip) -> Change | None:
            if not tip.ends:
                return None
            return Change(
                edit=Edit(puts={}, drops=[folder]),
                then=lambda _: replace(tip, ends=(), blobs=()),
                headline="clear the journal",
                note="the journal is in the state",
            )

        self._advance("clear the journal of", make)

    @contextmanager
    def lock(self, info: LockInfo, *, timeout_s: float) -> Iterator[Tenure]:
        """Hold the lock. One that was broken left a holder that can change nothing: see `git_lock`."""
        with ExitStack() as stack:
            with self._reporting("lock"):
                self._holding = stack.enter_context(self._lock.hold(info, timeout_s=timeout_s))
                tip = self._holding.tip
                self._known = _Known(journal_from=tip, snapshot_from=tip, since_s=time.monotonic())
            try:
                yield Tenure.ORDERLY
            finally:
                self._holding = None
                self._known = _Known()

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

    def _advance(self, verb: str, make: Callable[[Tip], Change | None]) -> Tip:
        self._known = _Known()
        with self._reporting(verb):
            return self._branch.advance(make, holding=self._holding)

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
            raise unavailable(self._place, verb, trouble_of(str(error), code=1)) from error
        except OSError as error:
            raise unavailable(self._place, verb, trouble_with(error)) from error
