"""The lock: one holder at a time, whoever waits is told, and a break is final."""

import pytest
from memory_store import MemoryStore
from session_stores import FakeTime, FaultyStore, a_lock, begun, other, session
from state_builders import LINEAGE, began

from reconciler.model.errors import (
    OutcomeUnknown,
    StateExists,
    StateLocked,
    StateUnavailable,
    UnlockRefused,
)
from reconciler.model.locks import Breaking, Liveness
from reconciler.state.initialising import initialise
from reconciler.state.locking import break_lock, find, holder_of
from reconciler.state.session import load_state


@pytest.fixture
def store():
    """A store with an empty state."""
    return begun()


class LocalStore(MemoryStore):
    """A store on this machine, which knows whose run has ended."""

    location = "file:x"
    ended = ()

    def has_ended(self, lock_id):
        """Whether `lock_id` is one that ended."""
        return lock_id in self.ended


def local(store, *ended):
    """A local client of `store`."""
    client = LocalStore(store.cell)
    client.ended = ended
    return client


def test_a_second_run_is_told_who_holds_the_lock(store):
    """And what it can do."""
    session(store)
    with pytest.raises(StateLocked, match="is locked by me on here") as caught:
        session(other(store), "l2")
    assert "reconciler unlock l1" in caught.value.hint
    assert "--lock-timeout" in caught.value.hint


def test_a_run_waits_for_the_lock_as_long_as_it_may(store):
    """It looks every second or so, and takes the lock when it is released."""
    first, time = session(store), FakeTime()
    sleep = time.sleep

    def release_in_time(seconds):
        sleep(seconds)
        if time.now_s > 20:
            first.close()

    time.sleep = release_in_time
    session(other(store), "l2", timeout_s=60, time=time)
    assert find(store).lock.lock_id == "l2"
    assert 20 < time.now_s < 22


def test_a_run_that_waits_in_vain_ends_in_time(store):
    """At the end of its patience, not later."""
    session(store)
    time = FakeTime()
    with pytest.raises(StateLocked):
        session(other(store), "l2", timeout_s=7, time=time)
    assert time.now_s == pytest.approx(7)


def test_the_lock_of_a_run_that_has_ended_blocks_nobody(store):
    """It is broken on the way, and what that run left is kept."""
    session(store).append([began("a", "t1")])
    taken = session(local(store, "l1"), "l2")
    assert find(store).lock.lock_id == "l2"
    assert set(taken.state.intents) == {"a"}
    assert [record.__struct_config__.tag for record in find(store).records] == [
        "lock",
        "intent",
        "broken",
        "lock",
    ]


@pytest.mark.parametrize("fault", ["lost", "unheard", "doubled"])
def test_a_lost_answer_to_the_lock_is_looked_up_without_patience(store, fault):
    """A run that may not wait for another one still looks what became of its own lock."""
    session(FaultyStore(store.cell, fault))
    assert [record.lock.lock_id for record in find(store).records] == ["l1"]


def test_a_lock_that_is_never_heard_ends(store):
    """With the store's own words."""
    with pytest.raises(OutcomeUnknown):
        session(FaultyStore(store.cell, *["unheard"] * 9))


def test_a_run_that_others_forestall_each_time_is_told_so(store):
    """It ends, and can be told to wait."""
    with pytest.raises(StateLocked, match="is busy"):
        session(FaultyStore(store.cell, *["refused"] * 9))


def test_of_two_that_append_at_one_head_one_takes_the_lock(store):
    """The other one is told of the first."""
    client = FaultyStore(store.cell)
    change = client.change

    def forestalled(make):
        client.change = change
        session(other(store), "l2")
        return change(make)

    client.change = forestalled
    with pytest.raises(StateLocked, match="lock id l2"):
        session(client)


def test_a_break_names_its_lock(store):
    """Another id, or no lock at all, changes nothing."""
    with pytest.raises(UnlockRefused, match="not locked"):
        break_lock(store, "l1", breaking=Breaking.DEAD, by=a_lock("l9"))
    session(store)
    before = store.load()
    with pytest.raises(UnlockRefused, match="not by the lock l2"):
        break_lock(store, "l2", breaking=Breaking.EVEN_LIVE, by=a_lock("l9"))
    assert store.load() == before


def test_a_run_that_goes_on_here_is_broken_only_by_force(store):
    """This machine knows; of a run elsewhere nobody knows, and a person has said that it ended."""
    session(store)
    here = local(store)
    assert holder_of(here, find(store).lock).liveness is Liveness.ALIVE
    with pytest.raises(UnlockRefused, match="is alive"):
        break_lock(here, "l1", breaking=Breaking.DEAD, by=a_lock("l9"))
    assert break_lock(here, "l1", breaking=Breaking.EVEN_LIVE, by=a_lock("l9")).info.lock_id == "l1"
    session(store, "l2")
    assert holder_of(other(store), find(store).lock).liveness is Liveness.UNKNOWN
    assert break_lock(store, "l2", breaking=Breaking.DEAD, by=a_lock("l9")).info.lock_id == "l2"
    assert find(store).lock is None


@pytest.mark.parametrize("fault", ["lost", "unheard", "doubled"])
def test_a_break_whose_answer_is_lost_is_looked_up(store, fault):
    """And done once."""
    session(store)
    broken = break_lock(FaultyStore(store.cell, fault), "l1", breaking=Breaking.DEAD, by=a_lock("l9"))
    assert broken.info.lock_id == "l1"
    assert [record.__struct_config__.tag for record in find(store).records] == ["lock", "broken"]


def test_a_second_init_is_refused():
    """What is there stays as it is."""
    store = begun()
    before = store.load()
    with pytest.raises(StateExists):
        initialise(store, lineage=LINEAGE, lock=a_lock("l0", "init"))
    assert store.load() == before


@pytest.mark.parametrize("cut", range(3))
def test_an_init_that_was_cut_off_is_ended_by_the_next(cut):
    """Until then the state is locked, so that nothing is created in a store that is not proven."""
    cell = begun().cell
    cell.held = None
    with pytest.raises(OutcomeUnknown):
        initialise(FaultyStore(cell, *[None] * cut * 2, "lost"), lineage=LINEAGE, lock=a_lock("l0", "init"))
    store = MemoryStore(cell)
    if cut == 0:
        with pytest.raises(StateLocked):
            session(store)
    if cut == 2:  # all was done, but for the answer and the last look
        with pytest.raises(StateExists):
            initialise(store, lineage=LINEAGE, lock=a_lock("l5", "init"))
    else:
        assert initialise(store, lineage=LINEAGE, lock=a_lock("l5", "init")).serial == 0
    assert (load_state(store).exams, store.load().log) == ({}, b"")


class Careless(MemoryStore):
    """A store that ignores the condition of its nth change."""

    ignores = 0

    def compare(self, at):
        """Count, and look away once."""
        self.ignores -= 1
        if self.ignores != 0:
            super().compare(at)


@pytest.mark.parametrize("nth", [2, 4, 6])
def test_a_store_that_ignores_a_condition_is_not_fit(nth):
    """Init says what it did not refuse."""
    cell = begun().cell
    cell.held = None
    store = Careless(cell)
    store.ignores = nth
    with pytest.raises(StateUnavailable, match="is not fit for state: it did not refuse"):
        initialise(store, lineage=LINEAGE, lock=a_lock("l0", "init"))


class Forgetful(MemoryStore):
    """A store that gives back an old answer."""

    def load(self):
        """What was there one change ago."""
        return


def test_a_store_that_does_not_give_back_what_it_took_is_not_fit():
    """As behind a cache."""
    cell = begun().cell
    cell.held = None
    with pytest.raises(StateUnavailable, match="does not give back"):
        initialise(Forgetful(cell), lineage=LINEAGE, lock=a_lock("l0", "init"))
