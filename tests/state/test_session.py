"""The session: what a crash leaves behind is found, folded and never lost."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from state_builders import (
    LINEAGE,
    NOW,
    began,
    created,
    doubted,
    entry,
    failed,
    intent,
    resolution,
    sid,
    state,
)

from reconciler.model.errors import (
    PushRefused,
    StateAbsent,
    StateConflict,
    StateDamaged,
    StateExists,
    StateUnavailable,
)
from reconciler.model.state import Acceptance
from reconciler.ports import LockInfo
from reconciler.state.group_commit import RecoveryJournal
from reconciler.state.journal_format import (
    decode_journal,
    decode_recovery,
    encode_header,
    encode_record,
    encode_recovery_header,
)
from reconciler.state.session import initialise, load_state, open_session
from reconciler.state.state_format import decode_state, encode_state
from reconciler.stores.file import FileStore

LOCK = LockInfo(lock_id="l", who="me", host="here", pid=1, since=NOW, command="test")


@pytest.fixture
def backend(tmp_path):
    """A store in a folder of its own."""
    return FileStore(tmp_path / "exams.state.json", location="file:exams.state.json")


@pytest.fixture
def begun(backend):
    """A store with an empty state."""
    initialise(backend, lineage=LINEAGE, lock=LOCK, timeout_s=0)
    return backend


def session(backend):
    """A session on `backend`."""
    return open_session(backend, lock=LOCK, timeout_s=0)


def journal_of(serial, *records):
    """The bytes of a journal on the snapshot `serial`."""
    lines = [encode_record(record, number=number) for number, record in enumerate(records, start=1)]
    return encode_header(LINEAGE, serial) + b"".join(lines)


def test_an_absent_state_is_not_an_empty_one(backend):
    """Neither reading nor a session makes up a state; both say `init`."""
    with pytest.raises(StateAbsent, match="does not exist") as caught:
        load_state(backend)
    assert "init" in caught.value.hint
    with pytest.raises(StateAbsent), session(backend):
        pass
    assert backend.read() is None


def test_a_second_init_is_refused(begun):
    """What is there stays as it is."""
    before = begun.read()
    with pytest.raises(StateExists):
        initialise(begun, lineage=LINEAGE, lock=LOCK, timeout_s=0)
    assert begun.read() == before


@pytest.mark.parametrize("outcome", [failed("a", "t1"), created("a", "t1", 2)], ids=["failed", "created"])
def test_an_intent_for_what_is_created_stops(begun, outcome):
    """No journal that this product writes sends a created exam again: its SID would be lost."""
    with open_session(begun, lock=LOCK, timeout_s=0) as session:
        session.mend(state({"a": entry(1)}))
    begun.append_journal(journal_of(load_state(begun).serial, began("a", "t1"), outcome), after=0)
    with pytest.raises(StateDamaged, match="the intent t1 is for a, which is not free"):
        load_state(begun)
    with pytest.raises(StateDamaged), open_session(begun, lock=LOCK, timeout_s=0):
        pytest.fail("it was opened")


def test_init_refuses_where_only_a_journal_is_left(begun, tmp_path):
    """A journal without its snapshot may hold SIDs; an empty state on top would lose them."""
    begun.append_journal(journal_of(0, began("a", "t1")), after=0)
    (tmp_path / "exams.state.json").unlink()
    with pytest.raises(StateDamaged):
        initialise(begun, lineage=LINEAGE, lock=LOCK, timeout_s=0)


def test_a_commit_raises_the_serial_by_one(begun):
    """Snapshots are counted."""
    with session(begun) as opened:
        assert opened.commit(state({"a": entry(1)})).serial == 1
        assert opened.commit(state({"a": entry(1), "b": entry(2)})).serial == 2
    assert load_state(begun).serial == 2


def test_what_was_appended_is_folded(begun):
    """At the end of a run the snapshot holds what the journal said, and the journal is gone."""

    async def run(opened):
        journal = opened.begin_journal()
        await asyncio.gather(*(journal.append(began(f"a{n}", f"t{n}")) for n in range(20)))
        await asyncio.gather(*(journal.append(created(f"a{n}", f"t{n}", n)) for n in range(20)))
        await journal.close()

    with session(begun) as opened:
        asyncio.run(run(opened))
        folded = opened.fold_journal()
    assert len(folded.exams) == 20
    assert begun.read_journal() == b""
    assert load_state(begun) == folded


class Threadless(FileStore):
    """A store on a machine that has no thread left to append with."""

    def append_journal(self, data, *, after, note=""):
        """As Python fails there."""
        if after:
            raise RuntimeError("can't start new thread")
        super().append_journal(data, after=after, note=note)


def test_an_append_without_a_thread_fails_and_does_not_hang(begun, tmp_path):
    """A limit on threads is told like any other failure to write."""
    backend = Threadless(tmp_path / "exams.state.json", location="file:exams.state.json")

    async def run(journal):
        with pytest.raises(StateUnavailable, match="can't start new thread"):
            await asyncio.wait_for(journal.append(began("a", "t1")), timeout=5)
        await journal.close()

    with session(backend) as opened:
        asyncio.run(run(opened.begin_journal()))
    assert load_state(begun).intents == {}


class Surprising(FileStore):
    """A store whose driver fails in a way that no store should."""

    error = OSError()

    def append_journal(self, data, *, after, note=""):
        """Fail once there is a header."""
        if after:
            raise self.error
        super().append_journal(data, after=after, note=note)


@pytest.mark.parametrize("error", [OSError(5, "I/O"), ValueError("x"), KeyError("x"), MemoryError()])
def test_an_append_never_hangs_whatever_the_store_raises(begun, tmp_path, error):
    """All who wait are told, those of the same write and those of the next."""
    backend = Surprising(tmp_path / "exams.state.json", location="file:exams.state.json")
    backend.error = error

    async def run(journal):
        for first, second in (("a", "b"), ("c", "d")):
            waiting = (journal.append(began(address, address)) for address in (first, second))
            told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), timeout=5)
            assert told == [error, error]
        await journal.close()

    with session(backend) as opened:
        asyncio.run(run(opened.begin_journal()))
    assert load_state(begun).intents == {}


def test_an_append_waits_for_nobody_who_looks_up_a_name(begun):
    """The threads of the event loop are all taken, as by a slow name server, and the journal is written."""

    async def run(journal):
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        answered = threading.Event()
        looking_up = loop.run_in_executor(None, answered.wait)
        try:
            await asyncio.wait_for(journal.append(began("a", "t1")), timeout=5)
        finally:
            answered.set()
            await looking_up
        await journal.close()

    with session(begun) as opened:
        asyncio.run(run(opened.begin_journal()))
    assert list(load_state(begun).intents) == ["a"]


@pytest.mark.parametrize("kept", [0, 1], ids=["removed", "cut"])
def test_a_journal_that_lost_records_is_not_folded(begun, tmp_path, kept):
    """What was acknowledged and is gone is missed, by the next append and by the fold."""
    path = tmp_path / "exams.state.json.journal"

    async def run(opened):
        journal = opened.begin_journal()
        await journal.append(began("a", "t1"))
        await journal.append(created("a", "t1", 1))
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
        with pytest.raises(StateUnavailable, match="removed or cut"):
            await journal.append(began("b", "t2"))
        await journal.close()

    with session(begun) as opened:
        asyncio.run(run(opened))
        with pytest.raises(StateConflict, match="removed or cut") as caught:
            opened.fold_journal()
    assert "reconciler import" in caught.value.hint
    assert load_state(begun).serial == 0


def test_a_run_that_recorded_nothing_leaves_the_serial(begun):
    """An empty journal is cleared without a new snapshot."""
    with session(begun) as opened:
        opened.begin_journal()
        assert opened.fold_journal().serial == 0
    assert begun.read_journal() == b""


def test_a_killed_run_is_seen_by_readers_and_folded_by_the_next_session(begun):
    """Plan sees the journal without writing; the next session makes it part of the snapshot."""
    begun.append_journal(journal_of(0, began("a", "t1"), created("a", "t1", 1), began("b", "t2")), after=0)
    before = begun.read()
    seen = load_state(begun)
    assert set(seen.exams) == {"a"}
    assert set(seen.intents) == {"b"}
    assert begun.read() == before
    with session(begun) as opened:
        assert opened.state.serial == 1
    assert begun.read_journal() == b""
    assert set(load_state(begun).exams) == {"a"}


def test_a_kill_between_snapshot_and_clearing_changes_nothing(begun):
    """A journal that the snapshot holds already is not replayed twice."""
    records = (began("a", "t1"), created("a", "t1", 1), began("b", "t2"), began("c", "t3"), failed("c", "t3"))
    begun.append_journal(journal_of(0, *records), after=0)
    left_behind = begun.read_journal()
    with session(begun):
        pass
    begun.append_journal(left_behind, after=0)
    with session(begun) as opened:
        assert opened.state.serial == 1
        assert set(opened.state.exams) == {"a"}
    assert begun.read_journal() == b""


@pytest.mark.parametrize("last", [created("a", "t1", 1), failed("a", "t1"), doubted("a", "t1")])
def test_a_state_put_back_behind_our_back_is_noticed(begun, last):
    """A journal of another serial whose outcomes the state lacks stops everything."""
    with session(begun) as opened:
        opened.commit(state({"a": entry(9)}))
        opened.commit(state({"a": entry(9)}))
    begun.append_journal(journal_of(1, began("a", "t1"), last), after=0)
    with pytest.raises(StateDamaged, match="replaced by hand"):
        load_state(begun)
    with pytest.raises(StateDamaged), session(begun):
        pass


def test_a_journal_of_another_state_is_refused(begun):
    """Lineages keep one workspace's outcomes out of another's."""
    begun.append_journal(encode_header(LINEAGE.replace("0", "1"), 0), after=0)
    with pytest.raises(StateDamaged, match="another state"):
        load_state(begun)


def test_a_replaced_snapshot_is_not_overwritten(begun, tmp_path):
    """Compare-and-swap holds even where the lock was got round."""
    with session(begun) as opened:
        (tmp_path / "exams.state.json").write_bytes(encode_state(state({"x": entry(5)})))
        with pytest.raises(StateConflict):
            opened.commit(state())
    assert set(decode_state(begun.read().data, location="x").exams) == {"x"}


def test_a_snapshot_replaced_in_mid_run_keeps_the_journal(begun, tmp_path):
    """The outcomes of a run stay in the journal when the snapshot changed under it."""

    async def run(opened):
        journal = opened.begin_journal()
        await journal.append(began("a", "t1"))
        await journal.append(created("a", "t1", 1))

    with session(begun) as opened:
        asyncio.run(run(opened))
        (tmp_path / "exams.state.json").write_bytes(
            begun.read().data.replace(b'"exams": {}', b'"exams":  {}')
        )
        with pytest.raises(StateConflict, match="replaced while"):
            opened.fold_journal()
    assert len(decode_journal(begun.read_journal(), location="x").records) == 2


def test_a_backup_that_fails_changes_nothing(begun, tmp_path):
    """Without a durable backup the snapshot is not replaced."""
    (tmp_path / "exams.state.json.backup").mkdir()
    before = begun.read()
    with session(begun) as opened, pytest.raises(StateUnavailable, match="back up"):
        opened.mend(state({"a": entry(1)}))
    assert begun.read() == before


def test_a_replaced_snapshot_is_not_mended(begun, tmp_path):
    """What somebody else wrote is neither replaced nor taken for the state before."""
    with session(begun) as opened:
        (tmp_path / "exams.state.json").write_bytes(encode_state(state({"x": entry(5)})))
        with pytest.raises(StateConflict):
            opened.mend(state())
    assert not (tmp_path / "exams.state.json.backup").exists()


class _FullDisk(FileStore):
    """A store whose disk is full for a while."""

    is_full = False

    def append_journal(self, data, *, after, note=""):
        """Fail as a full disk does, leaving half the bytes behind."""
        if self.is_full:
            super().append_journal(data[: len(data) // 2], after=after)
            raise StateUnavailable("no space", hint="", location="x")
        super().append_journal(data, after=after, note=note)


def test_a_failed_append_is_told_and_leaves_no_trace(tmp_path):
    """Who waits for a batch that failed is told so, and the next batch takes its place."""
    backend = _FullDisk(tmp_path / "s.json", location="x")
    initialise(backend, lineage=LINEAGE, lock=LOCK, timeout_s=0)

    async def run(opened):
        journal = opened.begin_journal()
        await journal.append(began("a", "t1"))
        backend.is_full = True
        failures = await asyncio.gather(
            journal.append(began("b", "t2")), journal.append(began("c", "t3")), return_exceptions=True
        )
        assert [type(failure) for failure in failures] == [StateUnavailable, StateUnavailable]
        backend.is_full = False
        await journal.append(created("a", "t1", 1))

    with session(backend) as opened:
        asyncio.run(run(opened))
        opened.fold_journal()
    assert set(load_state(backend).exams) == {"a"}
    assert not load_state(backend).intents


def test_a_push_never_forgets_a_doubt(begun):
    """An intent that vanished without a trace would have its exam sent again."""
    with session(begun) as opened:
        doubtful = opened.commit(replace(opened.state, intents={"a": intent("t1")}))
        with pytest.raises(PushRefused, match="in doubt: a"):
            opened.push(replace(doubtful, serial=5, intents={}))
        unvouched = replace(doubtful, serial=5, intents={}, exams={"a": entry(1)})
        with pytest.raises(PushRefused, match="in doubt: a"):
            opened.push(unvouched)
        with pytest.raises(PushRefused, match="in doubt: a"):
            opened.push(replace(doubtful, serial=5, intents={"a": intent("t2")}))
        opened.push(unvouched.with_resolutions(resolution("a", "t1", 1)))
        assert opened.state.serial == 5
    assert set(load_state(begun).exams) == {"a"}


def test_a_push_never_forgets_who_accepted_a_change(begun):
    """As with doubts: what a person vouched for stays."""
    accepted = Acceptance(
        address="a", sid=sid(1), before=entry(1).digest, digest=entry(1, "x").digest, by="someone", at=NOW
    )
    with session(begun) as opened:
        known = opened.commit(replace(opened.state, acceptances=(accepted,)))
        with pytest.raises(PushRefused, match="which changes were accepted: a"):
            opened.push(replace(known, serial=5, acceptances=()))
        opened.push(replace(known, serial=5))
        assert opened.state.acceptances == (accepted,)


def test_a_push_never_forgets_who_settled_a_doubt(begun):
    """Resolutions may be added, and a doubt may come back with them, but none may go."""
    with session(begun) as opened:
        settled = opened.commit(opened.state.with_resolutions(resolution("a", "t1", 1)))
        with pytest.raises(PushRefused, match="how doubts were settled: a"):
            opened.push(replace(settled, serial=5, resolutions=()))
        assert load_state(begun) == settled
        back = replace(settled, serial=5, intents={"a": intent("t1")})
        opened.push(back)
        assert opened.state == back
        with pytest.raises(
            PushRefused, match="in doubt: a"
        ):  # the resolution of old is not one of this doubt
            opened.push(replace(back, serial=6, intents={}))
        again = replace(back, serial=6, intents={}).with_resolutions(resolution("a", "t1", None))
        opened.push(again)
        assert len(opened.state.resolutions) == 2


def test_a_journal_keeps_the_resolutions(begun):
    """What happens after a settling does not wash its record away."""
    with session(begun) as opened:
        opened.commit(opened.state.with_resolutions(resolution("a", "t1", 1)))
        journal = opened.begin_journal()
        asyncio.run(append(journal, began("b", "t2")))
        opened.fold_journal()
    assert load_state(begun).resolutions == (resolution("a", "t1", 1),)


async def append(journal, record):
    """Return once `record` is in `journal`."""
    await journal.append(record)
    await journal.close()


class Spare:
    """A recovery file that remembers what was appended, and in which order with the store."""

    def __init__(self, events):
        self.events = events

    def append(self, data):
        """Keep it."""
        self.events.append(("kept", data))


class Ordered(FileStore):
    """A store that says when it is written, and from a moment on is not any more."""

    def __init__(self, path, events):
        super().__init__(path, location="file:exams.state.json")
        self.events = events
        self.is_broken = False

    def append_journal(self, data, *, after, note=""):
        """As asked, unless it is broken."""
        if self.is_broken:
            raise StateUnavailable("it is broken", hint="mend it", location=self.location)
        self.events.append(("stored", data))
        super().append_journal(data, after=after, note=note)


@pytest.mark.usefixtures("begun")
def test_an_outcome_is_kept_on_this_machine_as_well(tmp_path):
    """Intents are not; each batch of outcomes is one write; what the store refused is owed."""
    events = []
    backend = Ordered(tmp_path / "exams.state.json", events)
    recovery = RecoveryJournal(Spare(events).append)

    async def run(opened):
        journal = opened.begin_journal(recovery)
        await asyncio.gather(*(journal.append(began(f"a{n}", f"t{n}")) for n in range(5)))
        assert [what for what, _ in events] == ["stored", "stored"]
        assert recovery.is_empty
        await asyncio.gather(*(journal.append(created(f"a{n}", f"t{n}", n)) for n in range(4)))
        assert sorted(what for what, _ in events[2:]) == ["kept", "stored"]
        assert not recovery.is_owed
        backend.is_broken = True
        with pytest.raises(StateUnavailable):
            await journal.append(began("b", "t9"))
        assert not recovery.is_owed
        with pytest.raises(StateUnavailable):
            await journal.append(created("a4", "t4", 4))
        assert recovery.is_owed
        await journal.close()

    with session(backend) as opened:
        asyncio.run(run(opened))
    kept = encode_recovery_header(LINEAGE, 0, location="x") + b"".join(
        data for what, data in events if what == "kept"
    )
    found = decode_recovery(kept, name="r")
    assert {record.sid for record in found.records} == {sid(number) for number in range(5)}
    assert recovery.failure is None


class Held:
    """A recovery file and a store, of which either waits until it is let go."""

    def __init__(self, path):
        self.kept, self.stored = threading.Event(), threading.Event()
        self.may_keep, self.may_store = threading.Event(), threading.Event()
        self.file, self.backend = self, self._Store(path, self)

    def append(self, data):
        """Keep it, in time."""
        assert data
        assert self.may_keep.wait(5)
        self.kept.set()

    class _Store(FileStore):
        """As any other, in time."""

        def __init__(self, path, held):
            super().__init__(path, location="file:exams.state.json")
            self._held = held

        def append_journal(self, data, *, after, note=""):
            """As asked."""
            if b"created" in data:
                assert self._held.may_store.wait(5)
            super().append_journal(data, after=after, note=note)
            if b"created" in data:
                self._held.stored.set()


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("slow", ["recovery", "store"])
def test_an_outcome_is_told_once_it_is_on_this_machine_and_in_the_store(tmp_path, slow):
    """Neither waits for the other, and who waits for the outcome waits for both."""
    held = Held(tmp_path / "exams.state.json")
    quick, done, release = (
        (held.may_store, held.stored, held.may_keep)
        if slow == "recovery"
        else (held.may_keep, held.kept, held.may_store)
    )

    async def run(opened):
        journal = opened.begin_journal(RecoveryJournal(held.file.append))
        await journal.append(began("a", "t"))
        telling = asyncio.create_task(journal.append(created("a", "t", 1)))
        quick.set()
        assert await asyncio.to_thread(done.wait, 5)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not telling.done()
        release.set()
        await telling
        assert held.kept.is_set()
        assert held.stored.is_set()
        await journal.close()

    with session(held.backend) as opened:
        asyncio.run(run(opened))


@pytest.mark.usefixtures("begun")
def test_an_outcome_is_kept_where_no_thread_can_write_it(tmp_path, monkeypatch):
    """A limit on threads does not cost the SID."""

    def start_no_thread(*_arguments, **_options):
        raise RuntimeError("can't start new thread")

    events = []
    recovery = RecoveryJournal(Spare(events).append)
    backend = FileStore(tmp_path / "exams.state.json", location="file:exams.state.json")

    async def run(opened):
        journal = opened.begin_journal(recovery)
        monkeypatch.setattr("concurrent.futures.ThreadPoolExecutor.submit", start_no_thread)
        with pytest.raises(StateUnavailable):
            await journal.append(created("a", "t", 1))
        await journal.close()

    with session(backend) as opened:
        asyncio.run(run(opened))
    assert recovery.is_owed
    assert sid(1).encode() in events[-1][1]
