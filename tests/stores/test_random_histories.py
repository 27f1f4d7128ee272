"""Random histories keep the promises, and find a mistake in the session or in a store."""

import pytest
from memory_store import Cell, MemoryStore, conflict

from reconciler.model.errors import OutcomeUnknown, StateConflict
from reconciler.state.locking import lock_lost
from reconciler.state.session import Session
from reconciler.stores import random_histories
from reconciler.stores.random_histories import BrokenPromiseError, draw, seek_broken_promise


def seek(seed, *, store=MemoryStore, session=Session):
    """Try one history over a new store."""
    cell = Cell()
    seek_broken_promise(lambda: store(cell), seed=seed, session_type=session)


def seek_all(seeds, **mistake):
    """Try one history after the other."""
    for seed in seeds:
        seek(seed, **mistake)


@pytest.mark.timeout(120)
def test_histories_keep_the_promises():
    """Whatever is lost, late, doubled, killed or broken."""
    seek_all(range(200))


class LostUnseen(Session):
    """After a lost answer it asks once more; a conflict then is a lost lock to it."""

    def _make(self, change, is_made):
        del is_made
        try:
            self._head = change()
        except OutcomeUnknown:
            try:
                self._head = change()
            except StateConflict as error:
                raise lock_lost(self.location) from error
        return False


class HeardUnseen(Session):
    """After a lost answer it asks once more; a conflict then is proof to it that it was heard."""

    def _make(self, change, is_made):
        try:
            return super()._make(lambda: self.once(change), is_made)
        except EOFError:
            return False

    def once(self, change):
        """Make `change`, and repeat it."""
        try:
            return change()
        except OutcomeUnknown:
            try:
                return change()
            except StateConflict as error:
                raise EOFError from error


class Unsealed(MemoryStore):
    """Its heads are numbers of lines: what follows an earlier log is accepted in the present one."""

    def append(self, records, *, at, note=""):
        """Append if the log has as many lines as it had at `at`."""
        del note
        lines = self.cell.__dict__.setdefault("lines", {})
        held = self.cell.held
        present = held.log.count(b"\n")
        if lines.get(at, 0) != present:
            raise conflict()
        head = self.put(held.snapshot, held.log + records)
        lines[head] = self.cell.held.log.count(b"\n")
        return head


class Unread(MemoryStore):
    """An append to a log that was replaced is acknowledged, and nobody ever reads it."""

    def append(self, records, *, at, note=""):
        """Append; if the log has been replaced since, to nothing."""
        if int(at) < self.cell.__dict__.get("replaced", 0):
            return at
        return super().append(records, at=at, note=note)

    def replace(self, snapshot, log, *, at, note=""):
        """Replace, and remember when."""
        head = super().replace(snapshot, log, at=at, note=note)
        self.cell.replaced = int(head)
        return head


class Half(MemoryStore):
    """A `replace` may stop half-way, when the snapshot is new."""

    def replace(self, snapshot, log, *, at, note=""):
        """Replace, or only a half."""
        del note
        self.compare(at)
        if draw((True, True, False)):
            return self.put(snapshot, log)
        self.put_half(snapshot, log)
        raise OutcomeUnknown("it stopped half-way", hint="Look again.")

    def put_half(self, snapshot, log):
        """Hold the new snapshot."""
        del log
        self.put(snapshot, self.cell.held.log)


class OtherHalf(Half):
    """A `replace` may stop half-way, when the log is new."""

    def put_half(self, snapshot, log):
        """Hold the new log."""
        del snapshot
        self.put(self.cell.held.snapshot, log)


@pytest.mark.parametrize(
    "mistake",
    [
        {"session": LostUnseen},
        {"session": HeardUnseen},
        {"store": Unsealed},
        {"store": Unread},
        {"store": Half},
        {"store": OtherHalf},
    ],
    ids=lambda mistake: next(iter(mistake.values())).__name__,
)
def test_a_mistake_is_found_within_twenty_seeds(mistake, monkeypatch):
    """A session that does not look, a log that goes on elsewhere, half a change: each breaks a promise."""
    monkeypatch.setattr(random_histories, "_SHRINKING_S", 0)
    with pytest.raises(BrokenPromiseError, match="seed"):
        seek_all(range(20), **mistake)


def test_a_history_that_breaks_a_promise_is_told_in_a_few_lines():
    """Steps are left out, and calls are done as usual, as long as the promise breaks."""
    with pytest.raises(BrokenPromiseError) as broken:
        seek_all(range(20), store=Half)
    told = str(broken.value)
    assert len(told.splitlines()) < 40
    assert told.splitlines()[-1].startswith("! memory: and its log do not fit"), told
