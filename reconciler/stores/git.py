"""State in a branch of a git repository: each change is a commit, and its parent is the head that it follows.

    exams.state.json                 the snapshot
    exams.state.json.log/0000/000    the first append to the log
    exams.state.json.log/0000/001    the second one, and so on

The head is the branch's last commit. A push names it, so the server refuses a change that follows another
one, however late it arrives. Each append adds one file in a folder of at most 256, so its cost does not grow
with snapshot or log.

Earlier versions had a folder `exams.state.json.journal`, a file `exams.state.json.backup` and a ref as their
lock. The folder is read as the log, and the next `replace` removes folder and file. The ref is looked at.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.model.errors import StateDamaged
from reconciler.model.outside_text import spelt_out
from reconciler.ports import Head, Stored
from reconciler.stores.git_errors import foreign, reason_in, unavailable
from reconciler.stores.git_messages import manifests_commit, message_of
from reconciler.stores.git_repository import OLDER_LOCK, SEEN, GitFailed, Repository, TreeEntry
from reconciler.stores.git_urls import GitPlace, read_git_url
from reconciler.stores.store_errors import conflict, locked_by_earlier_version

_FOLDER_FILES: Final = 256
_REGULAR: Final = frozenset({"100644", "100755"})
_LARGEST_BYTES: Final = 1024**3
_WHOLE_HISTORY: Final = 2**31 - 1
_COMMIT: Final = re.compile(r"[0-9a-f]{4,64}")


def open_git(url: str, *, root: Path) -> "GitStore":
    """Return the store for the branch that `url` names. A relative path is below `root`."""
    return GitStore(read_git_url(url, root=root), root=root)


class Tip(Struct, frozen=True, kw_only=True):
    """The last commit of the branch, and what it holds; `commit` is None if there is no branch.

    `blobs` are the ids of the snapshot and of each append, in order. They are known after a fetch only.
    """

    commit: str | None = None
    has_snapshot: bool = False
    appends: int = 0
    blobs: tuple[str, ...] = ()
    has_older_lock: bool = False


class GitStore:
    """A state in the branch at `place`; implements `ports.Store` and `ports.KeepsCopies`."""

    def __init__(self, place: GitPlace, *, root: Path) -> None:
        self.location = place.location
        self._place = place
        self._root = root
        self._tip = Tip()

    def load(self) -> Stored | None:
        """Return what the branch's last commit holds."""
        with self._reporting("read"):
            tip = self._tip = self._fetch()
            if tip.commit is None or not (tip.has_snapshot or tip.blobs):
                return None
            if not tip.has_snapshot:
                raise StateDamaged(
                    f"the branch {self._place.branch_name} of {self.location} has a log, but not the state "
                    f"that it belongs to ({self._place.path})",
                    hint="Put the state back: `reconciler state restore`.",
                    log=b"".join(self._repository.blobs(tip.blobs)),
                )
            snapshot, *log = self._repository.blobs(tip.blobs)
            return Stored(snapshot=snapshot, log=b"".join(log), head=Head(tip.commit))

    def append(self, records: bytes, *, at: Head, note: str = "") -> Head:
        """Push a commit with one more file of the log."""
        with self._reporting("write the log of"):
            tip = self._tip_at(at)
            puts = {append_file(self._place.path, tip.appends): records}
            return self._push(tip, puts, appends=tip.appends + 1, note=note or "append to the log")

    def replace(self, snapshot: bytes, log: bytes, *, at: Head | None, note: str = "") -> Head:
        """Push a commit with `snapshot`, and with `log` as the only file of the log."""
        path = self._place.path
        with self._reporting("write"):
            puts = {path: snapshot, **({append_file(path, 0): log} if log else {})}
            drops = [f"{path}{ending}" for ending in (".log", ".journal", ".backup")]
            return self._push(
                self._tip_at(at), puts, drops, appends=len(puts) - 1, note=note or "write state"
            )

    def has_ended(self, lock_id: str) -> bool:  # noqa: ARG002 - part of the port
        """Return False: nobody can know of a run on another machine."""
        return False

    def keep_backup(self, snapshot: bytes) -> str | None:  # noqa: ARG002 - part of the port
        """Return where the present snapshot is: the history keeps it."""
        with self._reporting("read"):
            commit = self._tip.commit or self._fetch().commit
        return commit and f"commit {commit[:12]} of the branch {self._place.branch_name}"

    def backup(self) -> bytes | None:
        """Return the snapshot before its last change, or else the backup of an earlier version."""
        path = self._place.path
        with self._reporting("read the history of"):
            if not self._repository.fetch(depth=_WHOLE_HISTORY):
                return None
            words = ("rev-list", "--first-parent", "--max-count=1", SEEN, "--", path)
            last_change = self._repository.ask(*words).decode().strip()
            return self._blob_at(f"{last_change}^", path) or self._blob_at(SEEN, f"{path}.backup")

    def earlier(self, version: str) -> bytes | None:
        """Return the snapshot of the commit `version` in the branch's history."""
        with self._reporting("read the history of"):
            if not _COMMIT.fullmatch(version) or not self._repository.fetch(depth=_WHOLE_HISTORY):
                return None
            with suppress(GitFailed):
                self._repository.ask("merge-base", "--is-ancestor", version, SEEN)
                return self._blob_at(version, self._place.path)
            return None

    def _tip_at(self, at: Head | None) -> Tip:
        """Return the branch's tip: the last known one if that is at `at`, else what is fetched.

        Raise StateConflict if it is at another head, and StateLocked if an earlier version works on it.
        """
        if at is None or self._tip.commit != at:
            self._tip = self._fetch()
        if (self._tip.commit if self._tip.has_snapshot else None) != at:
            raise conflict(self.location)
        if self._tip.has_older_lock:
            lock = self._place.lock
            remove = f"git push {self._place.address} --delete {lock}"
            remedy = f"Once it has certainly ended, remove its lock: `{remove}`."
            raise locked_by_earlier_version(self.location, f"its ref {lock} exists", remedy=remedy)
        return self._tip

    def _fetch(self) -> Tip:
        refs = self._repository.fetch()
        if not refs:
            return Tip()
        entries = self._repository.entries(refs[SEEN])
        return tip_of(refs[SEEN], entries, self._place, has_older_lock=OLDER_LOCK in refs)

    def _push(
        self, tip: Tip, puts: Mapping[str, bytes], drops: Sequence[str] = (), *, appends: int, note: str
    ) -> Head:
        message = message_of(note, manifests_commit=manifests_commit(self._root))
        commit = self._repository.build(tip.commit, puts, drops, message=message)
        self._repository.push(commit, at=tip.commit)
        self._tip = Tip(commit=commit, has_snapshot=True, appends=appends)
        return Head(commit)

    def _blob_at(self, commit: str, path: str) -> bytes | None:
        with suppress(GitFailed):
            return self._repository.ask("cat-file", "blob", f"{commit}:{path}")
        return None

    @cached_property
    def _repository(self) -> Repository:
        return Repository(self._place)

    @contextmanager
    def _reporting(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unavailable(self._place, verb, reason_in(error)) from error


def append_file(path: str, number: int) -> str:
    """Return the file of append `number`, from 0, of the state at `path`.

    Files sort by name in the order of appends.
    """
    return f"{path}.log/{_numbered(number)}"


def _numbered(number: int) -> str:
    folder, place = divmod(number, _FOLDER_FILES)
    return f"{folder:04}/{place:03}"


def tip_of(
    commit: str, entries: Sequence[TreeEntry], place: GitPlace, *, has_older_lock: bool = False
) -> Tip:
    """Return the tip at `commit` with the files `entries`.

    Raise StateUnavailable if they are not a state's.
    """
    path = place.path
    folders = (f"{path}.journal/", f"{path}.log/")
    snapshots = [entry for entry in entries if entry.path == path]
    appends = [entry for entry in entries if entry.path.startswith(folders)]
    known = {path, f"{path}.backup", *(entry.path for entry in appends)}
    if others := [spelt_out(entry.path) for entry in entries if entry.path not in known]:
        more = f" and {len(others) - 3} more" if others[3:] else ""
        raise foreign(place, f"it holds {', '.join(others[:3])}{more}, which does not belong to a state")
    for entry in entries:
        if entry.mode not in _REGULAR:
            raise foreign(place, f"{entry.path} is not a regular file there (its mode is {entry.mode})")
        if entry.size_bytes > _LARGEST_BYTES:
            raise foreign(place, f"{entry.path} is larger than {_LARGEST_BYTES // 1024**2} MiB there")
    for number, entry in enumerate(appends):
        if not entry.path.endswith(f"/{_numbered(number)}"):
            raise foreign(place, f"its log has {spelt_out(entry.path)} where {_numbered(number)} should be")
    return Tip(
        commit=commit,
        has_snapshot=bool(snapshots),
        appends=len(appends),
        blobs=tuple(entry.blob for entry in (*snapshots, *appends)),
        has_older_lock=has_older_lock and not any(entry.path.startswith(folders[1]) for entry in appends),
    )
