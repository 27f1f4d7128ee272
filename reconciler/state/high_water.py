"""The high-water mark: the highest serial of each state that this machine has seen, by lineage and location.

It shows that an older copy of a state was put back, or that a state is gone: the copy, or an empty state in
its place, does not know of exams which exist.
"""

import enum
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from reconciler.durable import read_file, replace_file
from reconciler.model.errors import StateOutdated
from reconciler.model.locks import LockInfo
from reconciler.ports import Store
from reconciler.state.local_folder import local_path
from reconciler.state.locking import Waiting
from reconciler.state.session import Session

_NAME: Final = "seen.json"


class OlderState(enum.Enum):
    """What to do with a state that is older than one that this machine has seen."""

    REFUSED = "nothing"
    ACCEPTED = "go on: from now on, it counts as the latest"
    REPLACED = "put another in its place"


class HighWaterMark:
    """The serials that were seen from the workspace at `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def serial(self, lineage: str) -> int:
        """Return the highest serial of `lineage`, or at that location, that was seen here.

        It is 0 if none was, or if the file is damaged.

        Raises RecoveryRefused for a link in place of folder or file.
        """
        return self._read().get(lineage, 0)

    def check(self, lineage: str, serial: int, location: str, older: OlderState) -> None:
        """Raise StateOutdated if a later state than `serial` was seen here, unless `older` allows it."""
        if older is OlderState.REPLACED or (seen := self.serial(lineage)) <= serial:
            return
        if older is OlderState.REFUSED:
            raise outdated(serial, seen, location)
        self._set({lineage: serial})

    def raise_to(self, lineage: str, serial: int, location: str) -> None:
        """Note that a state was committed at `location`. Does nothing if the workspace cannot be written."""
        if min(self.serial(lineage), self.serial(location)) < serial:
            self._set({one: max(self.serial(one), serial) for one in (lineage, location)})

    def _set(self, serials: dict[str, int]) -> None:
        seen = self._read() | serials
        with suppress(OSError):
            local_path(self._root).mkdir(exist_ok=True)
            with suppress(FileExistsError), local_path(self._root).joinpath(".gitignore").open("x") as ignore:
                ignore.write("*\n")
            data = json.dumps(seen, indent=2, sort_keys=True).encode()
            replace_file(local_path(self._root, _NAME), data + b"\n")

    def _read(self) -> dict[str, int]:
        path = local_path(self._root, _NAME)
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(read_file(path), type=dict[str, int])
        return {}


@contextmanager
def watched_session(
    store: Store, *, root: Path, lock: LockInfo, timeout_s: float, older: OlderState
) -> Iterator[Session]:
    """Hold lock and state for the length of the context, and keep the mark of the workspace at `root`."""
    mark = HighWaterMark(root)
    with closing(Session(store, lock, Waiting(timeout_s=timeout_s))) as session:
        lineage = session.state.lineage
        mark.check(lineage, session.folded_serial, store.location, older)
        session.on_news = lambda: mark.raise_to(lineage, session.folded_serial, store.location)
        try:
            yield session
        finally:
            mark.raise_to(lineage, session.folded_serial, store.location)


def outdated(serial: int, seen: int, location: str) -> StateOutdated:
    """Return the error for a state of `serial`, of which a later one, `seen`, was seen."""
    return StateOutdated(
        f"{location} has serial {serial}, but this machine has seen serial {seen} of it: "
        "an older copy was put back, or its log is gone; it may not know of exams that exist",
        hint="Nothing was sent or changed. Put the later state back, or see `reconciler state restore`. A "
        "state that is committed in git goes back with every branch and checkout. To go on with this one all "
        "the same: --allow-older-state.",
    )
