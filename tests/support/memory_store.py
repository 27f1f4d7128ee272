"""A store in memory: what `ports.Store` asks, in a few lines. Several clients share one `Cell`."""

from dataclasses import dataclass
from itertools import count

from reconciler.model.errors import StateConflict
from reconciler.ports import Head, Stored


@dataclass
class Cell:
    """What the clients share: the present content, and the numbers of its heads."""

    held: Stored | None = None

    def __post_init__(self):
        self.numbers = count(1)


class MemoryStore:
    """A client of `cell`; each change gives a head that never was before."""

    location = "memory:"

    def __init__(self, cell):
        self.cell = cell

    def load(self):
        """Return what there is."""
        return self.cell.held

    def append(self, records, *, at, note=""):
        """Append."""
        del note
        self.compare(at)
        return self.put(self.cell.held.snapshot, self.cell.held.log + records)

    def replace(self, snapshot, log, *, at, note=""):
        """Replace."""
        del note
        self.compare(at)
        return self.put(snapshot, log)

    def has_ended(self, lock_id):
        """Nothing is known here."""
        del lock_id
        return False

    def compare(self, at):
        """Raise StateConflict unless `at` is the present head."""
        if at != (None if self.cell.held is None else self.cell.held.head):
            raise conflict()

    def put(self, snapshot, log):
        """Hold these from now on; the new head."""
        self.cell.held = Stored(snapshot=snapshot, log=log, head=Head(str(next(self.cell.numbers))))
        return self.cell.held.head


def conflict():
    """What a store raises that has another head."""
    return StateConflict("the state was changed in the meantime", hint="Look again.")
