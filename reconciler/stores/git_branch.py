"""The branch of a state: its files, and the commits that change them.

    exams.state.json                     the snapshot
    exams.state.json.backup              the snapshot before the last change by hand
    exams.state.json.journal/0000/000    the first append since the journal was cleared
    exams.state.json.journal/0000/001    the second one, and so on

Each append adds one file in a folder of at most 256 files, so its cost does not grow with state or journal.

Each change is one commit on top of the commit that was seen, pushed on the condition that the branch is still
at that commit. The holder of the lock adds the condition that the lock's ref has not changed. So whoever
breaks a lock first changes that ref, and then adds a commit to the branch. A push that the old holder had
under way is then either in the branch already, or is refused.

When the answer to a push is lost, we look at the branch: at the new commit, the push has succeeded. At the
old commit, the push may still arrive. The next push is then refused, finds our own earlier commit in the
branch, and continues from it.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.errors import StateUnavailable
from reconciler.model.outside_text import spelt_out
from reconciler.ports import LockInfo
from reconciler.stores.git_commits import (
    UNNAMED,
    BuiltCommit,
    Scratch,
    TreeEntry,
    author_of,
    manifests_commit,
    message_of,
)
from reconciler.stores.git_errors import foreign, overtaken, unavailable
from reconciler.stores.git_remote import Remote, Update
from reconciler.stores.git_urls import GitPlace
from reconciler.stores.store_errors import lock_taken_away

_FOLDER_FILES: Final = 256
_REGULAR: Final = frozenset({"100644", "100755"})
_LARGEST_BYTES: Final = 1024**3


class ForeignBranchError(Exception):
    """The branch has files that are not of a state. The message names them."""


class Tip(Struct, frozen=True, kw_only=True):
    """The last commit of the branch; `commit` is None if there is no branch.

    `snapshot` is the id of the snapshot's blob. `ends` has the size of the journal after each append.
    """

    commit: str | None
    snapshot: str | None = None
    ends: tuple[int, ...] = ()

    @property
    def journal_bytes(self) -> int:
        """Size of the journal."""
        return self.ends[-1] if self.ends else 0

    def appends_within(self, size_bytes: int) -> int:
        """Return how many whole appends are in the first `size_bytes` of the journal."""
        return bisect_right(self.ends, size_bytes)


ABSENT: Final = Tip(commit=None)


def journal_folder(path: str) -> str:
    """Return the folder of the journal for the state at `path`."""
    return f"{path}.journal"


def backup_file(path: str) -> str:
    """Return the file of the backup for the state at `path`."""
    return f"{path}.backup"


def append_file(path: str, number: int) -> str:
    """Return the file of append `number`, from 0. Files sort by name in the order of appends."""
    folder, place = divmod(number, _FOLDER_FILES)
    return f"{journal_folder(path)}/{folder:04}/{place:03}"


def tip_of(commit: str, entries: Sequence[TreeEntry], path: str) -> Tip:
    """Return the tip at `commit` with the files `entries`.

    Raise ForeignBranchError if they are not a state's.
    """
    by_path = {entry.path: entry for entry in entries}
    snapshot = by_path.pop(path, None)
    backup = by_path.pop(backup_file(path), None)
    appends = [entry for name, entry in by_path.items() if name.startswith(f"{journal_folder(path)}/")]
    if len(appends) != len(by_path):
        others = sorted(by_path.keys() - {entry.path for entry in appends})
        raise ForeignBranchError(f"it holds {_listed(others)}, which does not belong to a state")
    ours = [entry for entry in (snapshot, backup, *appends) if entry is not None]
    for entry in ours:
        if entry.mode not in _REGULAR:
            raise ForeignBranchError(f"{entry.path} is not a regular file there (its mode is {entry.mode})")
        if entry.size_bytes > _LARGEST_BYTES:
            raise ForeignBranchError(f"{entry.path} is larger than {_LARGEST_BYTES // 1024**2} MiB there")
    for number, entry in enumerate(appends):
        if entry.path != append_file(path, number):
            raise ForeignBranchError(
                f"its journal has {entry.path} where {append_file(path, number)} should be"
            )
    return Tip(
        commit=commit,
        snapshot=None if snapshot is None else snapshot.blob,
        ends=tuple(accumulate(entry.size_bytes for entry in appends)),
    )


def _listed(names: Iterable[str], most: int = 3) -> str:
    first, *rest = map(spelt_out, names)
    shown = ", ".join([first, *rest[: most - 1]])
    return f"{shown} and {len(rest) - most + 1} more" if len(rest) >= most else shown


_SEEN: Final = "refs/reconciler/seen"
_MOST_MOVES: Final = 8


class NewCommit(Struct, frozen=True, kw_only=True):
    """A commit to make: first remove the files `drops`, then write the files `puts`.

    `then` returns the branch's tip after it. `headline` and `note` are its message.
    """

    then: Callable[[BuiltCommit], Tip]
    puts: Mapping[str, bytes] = field(default_factory=dict)
    drops: Sequence[str] = ()
    headline: str = ""
    note: str = ""


class HeldGitLock(Struct, kw_only=True):
    """The lock that this run holds: `lock` is the commit that its ref names, `tip` the last known tip.

    `unsettled` has the commits whose pushes may still arrive. `trouble` is the error for every change once
    the lock is lost.
    """

    lock: str
    info: LockInfo
    tip: Tip = ABSENT
    unsettled: dict[str, Tip] = field(default_factory=dict)
    trouble: StateUnavailable | None = None


class Branch:
    """The branch at `place`. Methods raise StateUnavailable, ScratchError and OSError."""

    def __init__(self, place: GitPlace, *, root: Path) -> None:
        self._place = place
        self._root = root
        self.scratch = Scratch(protocols=place.protocols)
        self.remote = Remote(self.scratch.git, place)

    def fetch(self) -> Tip:
        """Fetch the branch and return its tip."""
        if not self.remote.fetch(self._place.branch, into=_SEEN):
            return ABSENT
        commit = self.scratch.resolve(_SEEN)
        try:
            return tip_of(commit, self.scratch.entries(commit), self._place.path)
        except ForeignBranchError as error:
            raise foreign(self._place, str(error)) from error

    def journal_blobs(self, commit: str) -> tuple[str, ...]:
        """Return the ids of the journal's blobs, in order, at a `commit` that was fetched or pushed."""
        folder = f"{journal_folder(self._place.path)}/"
        return tuple(one.blob for one in self.scratch.entries(commit) if one.path.startswith(folder))

    def advance(self, make: Callable[[Tip], NewCommit | None], *, held: HeldGitLock | None) -> Tip:
        """Push the commit that `make` returns for the present tip; return the tip after it.

        If the branch has moved meanwhile, call `make` again. If `make` returns None, push nothing, but check
        that a `held` lock is still held. Raise what `make` raises, and StateUnavailable. After that a holder
        may try again, unless `held.trouble` is set.
        """
        for _ in range(_MOST_MOVES):
            if held is not None and held.trouble is not None:
                raise held.trouble
            tip = self.fetch() if held is None else held.tip
            change = make(tip)
            if change is None:
                if self._is_still_at(tip, held):
                    return tip
                continue
            built = self._build(tip, change, held)
            then = replace(change.then(built), commit=built.commit)
            if self._deliver(tip, then, held):
                return then
        raise unavailable(
            self._place, "write", f"gave up after {_MOST_MOVES} attempts: its branch keeps changing"
        )

    def _build(self, tip: Tip, change: NewCommit, held: HeldGitLock | None) -> BuiltCommit:
        trailers = {"Manifests-Commit": manifests_commit(self._root) or ""}
        if held is not None:
            trailers["Lock-Id"] = held.info.lock_id
        return self.scratch.build(
            tip.commit,
            change.puts,
            message=message_of(
                change.headline if held is None else held.info.command,
                change.note if held is None else change.note or change.headline,
                {key: value for key, value in trailers.items() if value},
            ),
            drops=change.drops,
            author=UNNAMED if held is None else author_of(held.info),
        )

    def _is_still_at(self, tip: Tip, held: HeldGitLock | None) -> bool:
        if held is None or (seen := self._look(held)) == tip.commit:
            return True
        self._follow(seen, held)
        return False

    def _deliver(self, tip: Tip, then: Tip, held: HeldGitLock | None) -> bool:
        """Push `then` on top of `tip`.

        Return False if the branch is at another commit, which is in `held` then.
        """
        conditions = []
        if held is not None:
            conditions.append(Update(ref=self._place.lock, expected=held.lock, new=held.lock))
            held.unsettled[str(then.commit)] = then
        wanted = Update(ref=self._place.branch, expected=tip.commit, new=then.commit)
        seen = self.remote.move("write", wanted, *conditions, look=lambda: self._look(held))
        if seen != then.commit:
            self._follow(seen, held)
            return False
        _go_on(held, then)
        return True

    def _look(self, held: HeldGitLock | None) -> str | None:
        """Return the commit of the branch. Raise StateUnavailable if the lock was broken."""
        seen = self.remote.look(self._place.branch, self._place.lock)
        if held is not None and seen[self._place.lock] != held.lock:
            held.trouble = lock_taken_away(self._place.location)
            raise held.trouble
        return seen[self._place.branch]

    def _follow(self, seen: str | None, held: HeldGitLock | None) -> None:
        """Continue from our own commit `seen` that arrived late. Raise StateUnavailable if it is not ours."""
        if held is None:
            return
        if seen not in held.unsettled:
            held.trouble = overtaken(self._place)
            raise held.trouble
        _go_on(held, held.unsettled[seen])


def _go_on(held: HeldGitLock | None, tip: Tip) -> None:
    """Record that the branch is at `tip`. The server now refuses all earlier pushes."""
    if held is not None:
        held.tip = tip
        held.unsettled.clear()
