"""The session: what a crash leaves behind is found and never lost, and lost answers are followed."""

import pytest
from memory_store import MemoryStore
from msgspec.structs import replace
from session_stores import FaultyStore, a_lock, begun, open_session, other, session
from state_builders import LINEAGE, NOW, began, created, doubted, entry, failed, resolution, state

from reconciler.model.errors import OutcomeUnknown, StateAbsent, StateDamaged, StateUnavailable
from reconciler.model.locks import Breaking
from reconciler.model.records import LockRecord
from reconciler.state.locking import break_lock, find
from reconciler.state.log_format import encode_line, encode_log, encode_records
from reconciler.state.session import load_state
from reconciler.state.state_format import encode_state


@pytest.fixture
def store():
    """A store with an empty state."""
    return begun()


def faulty(store, *faults):
    """A client of `store` that fails as `faults` say."""
    return FaultyStore(store.cell, *faults)


def hold(store, *records, serial=0):
    """Put a log of a run that was killed after `records` into `store`."""
    log = encode_log(LINEAGE, serial, [LockRecord(lock=a_lock("dead")), *records])
    store.replace(store.load().snapshot, log, at=store.load().head)


def test_an_absent_state_is_not_an_empty_one(store):
    """Neither reading nor a session makes up a state; both say `restore` before `init`."""
    store.cell.held = None
    with pytest.raises(StateAbsent, match="does not exist") as caught:
        load_state(store)
    assert caught.value.hint.index("`reconciler state restore`") < caught.value.hint.index(
        "`reconciler init`"
    )
    with pytest.raises(StateAbsent):
        session(store)
    assert store.load() is None


def test_a_run_that_changes_nothing_leaves_every_byte(store):
    """Also those of a snapshot that somebody formatted by hand."""
    by_hand = b'{"exams":{},"intents":{},"formatVersion":4,"lineage":"%s","serial":7}' % LINEAGE.encode()
    store.replace(by_hand, b"", at=store.load().head)
    before = store.load().snapshot
    with open_session(store, lock=a_lock(), timeout_s=0) as opened:
        assert opened.state.serial == 7
    assert (store.load().snapshot, store.load().log) == (before, b"")


def test_a_commit_raises_the_serial_by_one_and_keeps_the_lock(store):
    """Snapshots are counted."""
    opened = session(store)
    assert opened.commit(replace(opened.state, exams={"a": entry(1)})).serial == 1
    assert find(store).lock.lock_id == "l1"
    assert opened.commit(replace(opened.state, exams={"b": entry(2)})).serial == 2
    assert opened.commit(state({"a": entry(1)})).serial == 3  # that of `state`, which is later
    assert opened.finish().serial == 3
    assert find(store).lock is None


def test_what_was_appended_is_folded_with_the_release(store):
    """At the end of a run the snapshot holds what the log said, and the log is gone."""
    opened = session(store)
    opened.append([began("a", "t1"), began("b", "t2"), began("c", "t3"), began("d", "t4")])
    opened.append([created("a", "t1", 1), failed("b", "t2"), doubted("c", "t3")])
    folded = opened.finish()
    assert (set(folded.exams), set(folded.intents), folded.serial) == ({"a"}, {"c", "d"}, 1)
    assert load_state(store) == folded
    assert store.load().log == b""


def test_a_killed_run_is_seen_by_readers_and_folded_by_the_next_session(store):
    """Plan sees the log without writing; the next session makes it part of the snapshot."""
    hold(store, began("a", "t1"), created("a", "t1", 1), began("b", "t2"))
    before = store.load()
    assert set(load_state(store).exams) == {"a"}
    assert store.load() == before
    break_lock(store, "dead", breaking=Breaking.DEAD, by=a_lock())
    opened = session(store)
    assert (set(opened.state.exams), set(opened.state.intents)) == ({"a"}, {"b"})
    opened.close()
    assert (load_state(store).serial, store.load().log) == (1, b"")


def test_a_settling_survives_what_is_appended_after_it(store):
    """What happens after a commit does not wash its record away."""
    opened = session(store)
    opened.commit(opened.state.with_resolutions(resolution("a", "t1", 1)))
    opened.append([began("b", "t2")])
    opened.finish()
    assert load_state(store).resolutions == (resolution("a", "t1", 1),)


@pytest.mark.parametrize("outcome", [failed("a", "t1"), created("a", "t1", 2)], ids=["failed", "created"])
def test_an_intent_for_what_is_created_stops(store, outcome):
    """No log that this product writes sends a created exam again: its SID would be lost."""
    full = encode_state(state({"a": entry(1)}))
    log = encode_log(LINEAGE, 3, [LockRecord(lock=a_lock("dead")), began("a", "t1"), outcome])
    store.replace(full, log, at=store.load().head)
    with pytest.raises(StateDamaged, match="the intent t1 is for a, which is not free"):
        load_state(store)
    with pytest.raises(StateDamaged):
        session(store)


@pytest.mark.parametrize(
    ("lineage", "serial", "said"),
    [("another", 0, "belongs to another state"), (LINEAGE, 1, "goes on serial 1"), (LINEAGE, 7, "serial 7")],
)
def test_a_log_that_does_not_fit_its_snapshot_stops(store, lineage, serial, said):
    """A state that was put back behind our back is noticed, by plan and by apply."""
    log = encode_log(lineage, serial, [LockRecord(lock=a_lock("dead")), began("a", "t1")])
    store.replace(store.load().snapshot, log, at=store.load().head)
    for look in (load_state, session):
        with pytest.raises(StateDamaged, match=said):
            look(store)


def early_log(serial, *records):
    """A log as versions before this one wrote it."""
    header = {"number": 0, "type": "journal", "formatVersion": 2, "lineage": LINEAGE, "serial": serial}
    return encode_line(header) + encode_records(records, after=0)


def test_a_log_of_an_earlier_version_is_folded_at_once(store):
    """It is read by plan, and replaced when the lock is taken: nothing is ever appended to it."""
    early = early_log(0, began("a", "t1"), created("a", "t1", 1), began("b", "t2"))
    store.replace(store.load().snapshot, early, at=store.load().head)
    assert set(load_state(store).exams) == {"a"}
    opened = session(store)
    assert (set(opened.state.exams), set(opened.state.intents), opened.state.serial) == ({"a"}, {"b"}, 1)
    assert [type(record) for record in find(store).records] == [LockRecord]
    opened.append([failed("b", "t2")])
    opened.finish()
    assert (load_state(store).serial, set(load_state(store).intents)) == (2, set())


def test_an_early_log_that_is_in_the_snapshot_already_is_not_replayed_twice(store):
    """Earlier versions replaced the snapshot first, and emptied the log then."""
    early = early_log(3, began("a", "t1"), created("a", "t1", 1))
    folded = replace(state({"a": entry(1)}), serial=4)
    store.replace(encode_state(folded), early, at=store.load().head)
    assert load_state(store) == folded
    lacking = encode_state(replace(state(), serial=4))
    store.replace(lacking, early, at=store.load().head)
    with pytest.raises(StateDamaged, match="do not fit"):
        load_state(store)


def test_a_snapshot_of_an_earlier_format_is_upgraded_by_the_next_commit(store):
    """The lock alone changes nothing of it."""
    old = b'{"exams":{},"intents":{},"formatVersion":1,"lineage":"%s","serial":7}' % LINEAGE.encode()
    store.replace(old, b"", at=store.load().head)
    opened = session(store)
    assert store.load().snapshot == old
    assert opened.finish(state()).serial == 8
    assert b'"formatVersion": 4' in store.load().snapshot


@pytest.mark.parametrize("fault", ["lost", "unheard", "doubled"])
@pytest.mark.parametrize("nth", range(5))
def test_an_answer_that_is_lost_costs_nothing(store, fault, nth):
    """The lock, an append, a commit and the fold are looked up, and done once in any case."""
    client = faulty(store, *[None] * nth, fault)
    opened = session(client)
    opened.append([began("a", "t1")])
    opened.append([created("a", "t1", 1)])
    opened.commit(opened.state)
    opened.append([began("b", "t2")])
    opened.finish()
    found = load_state(store)
    assert (set(found.exams), set(found.intents), found.serial) == ({"a"}, {"b"}, 2)
    assert store.load().log == b""
    assert not client.faults


def test_a_release_whose_answer_is_lost_is_not_taken_for_a_lost_lock(store):
    """Another run may have the lock by then."""
    client = faulty(store, None, None, "lost")
    opened = session(client)
    opened.append([began("a", "t1")])
    make = client.change

    def and_then_another(change):
        try:
            return make(change)
        except OutcomeUnknown:
            session(other(store), "l2")
            raise

    client.change = and_then_another
    assert opened.finish().serial == 1
    assert find(store).lock.lock_id == "l2"


def test_an_append_that_is_never_heard_ends(store):
    """It fails after some tries, and what comes after it takes its place."""
    client = faulty(store, None, *["unheard"] * 5)
    opened = session(client)
    with pytest.raises(OutcomeUnknown):
        opened.append([began("a", "t1")])
    opened.append([began("b", "t2")])
    opened.finish()
    assert set(load_state(store).intents) == {"b"}


def test_an_append_that_was_heard_after_all_is_not_lost_sight_of(store):
    """The store was down while the answer was looked up; the next append finds what arrived, and follows."""
    client = faulty(store, None, "lost")
    opened = session(client)
    client.is_down = True
    with pytest.raises(StateUnavailable):
        opened.append([began("a", "t1")])
    client.is_down = False
    opened.append([began("b", "t2")])
    assert set(opened.state.intents) == {"a", "b"}
    opened.finish()
    assert set(load_state(store).intents) == {"a", "b"}


def test_a_run_whose_lock_was_broken_changes_nothing_more(store):
    """Neither an append nor a commit nor the fold; what it had appended before is kept."""
    opened = session(store)
    opened.append([began("a", "t1")])
    break_lock(other(store), "l1", breaking=Breaking.DEAD, by=a_lock("l9", "unlock"))
    before = store.load()
    for change in (
        lambda: opened.append([created("a", "t1", 1)]),
        lambda: opened.commit(state()),
        opened.finish,
    ):
        with pytest.raises(StateUnavailable, match="taken away"):
            change()
    opened.close()
    assert store.load() == before
    assert set(load_state(store).intents) == {"a"}


def test_a_run_whose_lock_was_broken_changes_nothing_that_the_next_one_does(store):
    """The next run appends, folds and releases; the first one wakes up at each of these moments."""
    first = session(store)
    first.append([began("a", "t1")])
    break_lock(other(store), "l1", breaking=Breaking.DEAD, by=a_lock("l9", "unlock"))
    second = session(other(store), "l2")
    steps = [
        lambda: second.append([failed("a", "t1")]),
        lambda: second.commit(second.state),
        second.finish,
    ]
    for step in steps:
        step()
        with pytest.raises(StateUnavailable, match="taken away"):
            first.append([created("a", "t1", 1)])
    assert load_state(store).exams == {}


def test_a_fold_that_fails_leaves_the_log_and_releases_the_lock(store):
    """The next run folds it."""
    client = faulty(store, None, None, "down")
    with open_session(client, lock=a_lock(), timeout_s=0) as opened:
        opened.append([began("a", "t1")])
    assert find(store).lock is None
    assert set(load_state(store).intents) == {"a"}
    session(store).close()
    assert (load_state(store).serial, store.load().log) == (1, b"")


class KeepingStore(MemoryStore):
    """A store that keeps backups."""

    kept = None

    def keep_backup(self, snapshot):
        """Keep it."""
        self.kept = snapshot
        return "the cupboard"

    def backup(self):
        """Return it."""
        return self.kept

    def earlier(self, version):
        """Nothing is known of it."""
        del version


def test_a_backup_is_the_state_as_it_was(store):
    """With what a killed run left in the log; a store that keeps none says so."""
    keeping = KeepingStore(store.cell)
    opened = session(keeping)
    before = store.load().snapshot
    assert opened.back_up() == "the cupboard"
    assert keeping.kept == before
    opened.append([began("a", "t1")])
    opened.back_up()
    assert b'"t1"' in keeping.kept
    opened.close()
    assert session(store).back_up() is None


def test_the_moment_of_a_lock_survives_the_log(store):
    """It is kept to the millisecond, like every moment."""
    session(store)
    assert find(store).lock.since == NOW


def test_nothing_is_appended_that_does_not_follow_what_was_heard(store):
    """An intent that was heard, although its run was told nothing, is not followed by a second one."""
    client = faulty(store, None, "lost")
    opened = session(client)
    client.is_down = True
    with pytest.raises(StateUnavailable):
        opened.append([began("a", "t1")])
    client.is_down = False
    with pytest.raises(StateUnavailable, match="goes on otherwise than this run knows"):
        opened.append([began("a", "t2")])
    assert load_state(store).intents["a"].attempt == "t1"
