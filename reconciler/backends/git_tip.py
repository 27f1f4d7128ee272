"""What stands in a state's branch: the snapshot, its journal as one small file for each append, a backup.

    exams.state.json                     the snapshot
    exams.state.json.backup              the one before the last change by hand
    exams.state.json.journal/0000/000    the first append since the journal was cleared, and so on

An append adds one file below a folder of at most 256, so that what it costs does not grow with state or
journal.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from msgspec import Struct

from reconciler.backends.git_scratch import Entry

_FOLDER_FILES: Final = 256
_REGULAR: Final = frozenset({"100644", "100755"})
_LARGEST_BYTES: Final = 1024**3


class ForeignBranchError(Exception):
    """The branch holds what this product never puts there. Says what."""


class Tip(Struct, frozen=True, kw_only=True):
    """A commit of the branch, or that there is none.

    `snapshot` is the snapshot's blob, `ends` the sizes of the journal after each of its appends, and
    `blobs` the appends' blobs as far as they were listed.
    """

    commit: str | None
    snapshot: str | None = None
    ends: tuple[int, ...] = ()
    blobs: tuple[str, ...] = ()

    @property
    def journal_bytes(self) -> int:
        """The journal's size."""
        return self.ends[-1] if self.ends else 0

    def appends_within(self, size_bytes: int) -> int:
        """How many appends lie within the first `size_bytes` of the journal."""
        return bisect_right(self.ends, size_bytes)


ABSENT: Final = Tip(commit=None)


def journal_folder(path: str) -> str:
    """The folder of the journal of the state at `path`."""
    return f"{path}.journal"


def backup_file(path: str) -> str:
    """The file of the backup of the state at `path`."""
    return f"{path}.backup"


def append_file(path: str, number: int) -> str:
    """The file of append `number`, from 0. Their names are in the order of their numbers."""
    folder, place = divmod(number, _FOLDER_FILES)
    return f"{journal_folder(path)}/{folder:04}/{place:03}"


def tip_of(commit: str, entries: Sequence[Entry], path: str) -> Tip:
    """What `entries`, the files of `commit`, say. Raises ForeignBranchError where they are not a state's."""
    by_path = {entry.path: entry for entry in entries}
    snapshot = by_path.pop(path, None)
    backup = by_path.pop(backup_file(path), None)
    appends = [entry for name, entry in by_path.items() if name.startswith(f"{journal_folder(path)}/")]
    if len(appends) != len(by_path):
        others = sorted(by_path.keys() - {entry.path for entry in appends})
        raise ForeignBranchError(f"it holds {_listed(others)}, which is no state")
    ours = [entry for entry in (snapshot, backup, *appends) if entry is not None]
    for entry in ours:
        if entry.mode not in _REGULAR:
            raise ForeignBranchError(f"{entry.path} is no regular file there (its mode is {entry.mode})")
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
        blobs=tuple(entry.blob for entry in appends),
    )


def _listed(names: Iterable[str], most: int = 3) -> str:
    first, *rest = [name if name.isprintable() else ascii(name) for name in names]
    shown = ", ".join([first, *rest[: most - 1]])
    return f"{shown} and {len(rest) - most + 1} more" if len(rest) >= most else shown
