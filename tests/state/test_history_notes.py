"""What a store that keeps a history is told, and what a session does where a lock had been broken."""

import asyncio
from contextlib import contextmanager

import pytest
from state_builders import LINEAGE, NOW, began, created, doubted, entry, failed, intent, state

from reconciler.ports import LockHandover, LockInfo
from reconciler.state.history_notes import note_of_change, note_of_records
from reconciler.state.session import initialise, open_session
from reconciler.stores.file import FileStore

LOCK = LockInfo(lock_id="l", who="me", host="here", pid=1, since=NOW, command="test")


def test_a_batch_of_records_is_counted_and_listed():
    """Who was created as what can be read from the history alone."""
    records = [
        began("a", "t1"),
        began("b", "t2"),
        created("a", "t1", 1),
        failed("c", "t3"),
        doubted("b", "t2"),
    ]
    assert note_of_records(records) == (
        "2 about to be created, 1 created, 1 failed, 1 in doubt\n"
        "\n"
        "a: about to be created\n"
        "b: about to be created\n"
        f"a: created as EX{1:032x}\n"
        "c: failed\n"
        "b: in doubt"
    )


def test_a_note_holds_no_payload():
    """Not even a reference to a secret, which stands in every intent's payload."""
    assert "EXAM_SECRET" not in note_of_records([began("a", "t1")])


def test_a_change_of_state_is_told_by_what_came_and_went():
    """Settled, forgotten and newly recorded exams are named."""
    before = state({"a": entry(1), "moved/from": entry(2)}, {"d": intent("t")})
    after = state({"a": entry(1), "moved/to": entry(2), "d": entry(4)})
    assert note_of_change(before, after).splitlines() == [
        "2 recorded, 1 no longer recorded, 1 no longer in doubt",
        "",
        f"moved/to: EX{2:032x}",
        f"d: EX{4:032x}",
        f"moved/from: EX{2:032x} is no longer recorded here",
        "d: no longer in doubt",
    ]
    assert note_of_change(after, after) == "state 3"


def test_a_long_note_is_cut():
    """A term of exams does not make a message that nobody can open."""
    many = state({f"a{number:04}": entry(number) for number in range(1000)})
    told = note_of_change(state(), many).splitlines()
    assert told[0] == "1000 recorded"
    assert told[-1] == "… and 800 more"
    assert len(told) == 203


class Noting(FileStore):
    """A store that keeps the notes, and whose lock had been broken if it says so."""

    def __init__(self, path):
        """A store at `path`."""
        super().__init__(path, location="x")
        self.notes = []
        self.handover = LockHandover.ORDERLY

    def write(self, data, *, replacing, note=""):
        """Keep the note."""
        self.notes.append(note)
        return super().write(data, replacing=replacing)

    def append_journal(self, data, *, after, note=""):
        """Keep the note."""
        self.notes.append(note)
        super().append_journal(data, after=after)

    @contextmanager
    def lock(self, info, *, timeout_s):
        """Say how it came to be free."""
        with super().lock(info, timeout_s=timeout_s):
            yield self.handover


@pytest.fixture
def backend(tmp_path):
    """Such a store, with an empty state."""
    store = Noting(tmp_path / "s.json")
    initialise(store, lineage=LINEAGE, lock=LOCK, timeout_s=0)
    return store


def test_a_session_tells_the_store_what_it_does(backend):
    """From the first state to the end of a run."""

    async def run(opened):
        journal = opened.begin_journal()
        await journal.append(began("a", "t1"))
        await journal.append(created("a", "t1", 1))
        await journal.close()

    with open_session(backend, lock=LOCK, timeout_s=0) as opened:
        asyncio.run(run(opened))
        opened.fold_journal()
    assert [note.splitlines()[0] for note in backend.notes] == [
        "an empty state",
        "a run begins",
        "1 about to be created",
        "1 created",
        "1 recorded",
    ]


@pytest.mark.parametrize(("handover", "raised"), [(LockHandover.ORDERLY, 0), (LockHandover.FORCED, 1)])
def test_after_a_broken_lock_the_snapshot_is_written_anew(backend, handover, raised):
    """So a snapshot that the run whose lock was broken is still writing is refused when it arrives."""
    late = backend.read()
    backend.handover = handover
    with open_session(backend, lock=LOCK, timeout_s=0) as opened:
        assert opened.state.serial == raised
    assert (backend.read().version != late.version) is bool(raised)
