"""What a store that keeps a history is told."""

from memory_store import Cell, MemoryStore
from msgspec.structs import replace
from session_stores import a_lock, open_session
from state_builders import LINEAGE, began, created, doubted, entry, failed, intent, state

from reconciler.state.history_notes import note_of_change, note_of_records
from reconciler.state.initialising import initialise


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


class Noting(MemoryStore):
    """A store that keeps the notes."""

    def __init__(self):
        super().__init__(Cell())
        self.notes = []

    def append(self, records, *, at, note=""):
        """Keep the note."""
        head = super().append(records, at=at)
        self.notes.append(note)
        return head

    def replace(self, snapshot, log, *, at, note=""):
        """Keep the note."""
        head = super().replace(snapshot, log, at=at)
        self.notes.append(note)
        return head


def test_a_session_tells_the_store_what_it_does():
    """From the first state to the end of a run, and by whom."""
    store = Noting()
    initialise(store, lineage=LINEAGE, lock=a_lock("l0", "init"))
    with open_session(store, lock=a_lock(), timeout_s=0) as opened:
        opened.append([began("a", "t1")])
        opened.append([created("a", "t1", 1)])
    with open_session(store, lock=a_lock("l2"), timeout_s=0) as opened:
        opened.finish(replace(opened.state, exams={}))
    assert [note.splitlines()[0] for note in store.notes] == [
        *["init: begins"] * 2,
        "init: an empty state",
        "apply: begins",
        "apply: 1 about to be created",
        "apply: 1 created",
        "apply: 1 recorded",
        "apply: begins",
        "apply: 1 no longer recorded",
    ]
    assert all(note.endswith("\n\nLock-Id: l2\nBy: me on here") for note in store.notes[-2:])
