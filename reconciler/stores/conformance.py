"""Tests that every store must pass: they check what `ports.StateStore` says.

They run in pytest, which is not imported here. The tests of a store subclass `StoreConformance` and define
a fixture `place` for a new, empty location:

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def place(self, server, tmp_path):
            return Place(url=f"mystore://{server}/{uuid4()}", root=tmp_path)

Other processes open the same location by its URL; anything else they need goes into `environ`.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

from msgspec import Struct, field

from reconciler.fault_points import VARIABLE, are_left
from reconciler.model.errors import (
    ReconcilerError,
    StateConflict,
    StateLocked,
    StateUnavailable,
    UnlockRefused,
)
from reconciler.ports import Breaking, LockHandover, LockInfo, Snapshot, StateStore, Version
from reconciler.stores.opening import open_store

_PATIENCE_S: Final = 60.0
_MANY_APPENDS: Final = 60
_LARGE_BYTES: Final = 2 * 1024**2
_WRITERS: Final = 3
_COUNTS: Final = 5
_MOST_CALLS: Final = 200


class Place(Struct, frozen=True, kw_only=True):
    """Location of a test's state. `environ` is added to the environment of other processes."""

    url: str
    root: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> StateStore:
        """Return a new client."""
        return open_store(self.url, root=self.root)

    def start(self, *words: str, fault: str | None = None) -> "subprocess.Popen[str]":
        """Start another process that uses this place (see `_act`); its output can be read line by line."""
        environ = {**os.environ, **self.environ}
        environ.pop(VARIABLE, None)
        if fault is not None:
            environ[VARIABLE] = fault
        command = [sys.executable, "-m", "reconciler.stores.conformance", self.url, str(self.root), *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)  # noqa: S603 - ourselves

    def run(self, *words: str, fault: str | None = None) -> tuple[int, list[str]]:
        """Run such a process; return its exit code and the lines of its output."""
        process = self.start(*words, fault=fault)
        said, _ = process.communicate(timeout=_PATIENCE_S)
        return process.returncode, said.splitlines()


def a_lock(command: str = "test") -> LockInfo:
    """Return lock information with a new id."""
    return LockInfo(
        lock_id=os.urandom(16).hex(),
        who="somebody",
        host="somewhere",
        pid=os.getpid(),
        since=datetime.now(UTC).replace(microsecond=0),
        command=command,
    )


def refusal(kind: type[ReconcilerError], call: Callable[[], object]) -> ReconcilerError:
    """Return the error of type `kind` that `call` raises; fail if it raises none."""
    try:
        call()
    except kind as error:
        assert error.message
        assert error.hint
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def data_in(backend: StateStore) -> bytes:
    """Return the snapshot's bytes; fail if there is no snapshot."""
    found = backend.read()
    assert found is not None
    return found.data


def holder_of(place: Place) -> LockInfo:
    """Return who holds the lock; fail if nobody does or the store does not know."""
    holder = place.open().lock_holder()
    assert holder is not None
    assert holder.info is not None
    return holder.info


def take(backend: StateStore) -> None:
    """Take the lock of `backend` and release it."""
    with backend.lock(a_lock(), timeout_s=0):
        pass


@contextmanager
def settled(backend: StateStore) -> Iterator[bytes | None]:
    """Hold the lock as a session does: after FORCED, write the snapshot again. Give the snapshot's bytes."""
    with backend.lock(a_lock("settle"), timeout_s=0) as handover:
        found = backend.read()
        if handover is LockHandover.FORCED:
            renewed = b"" if found is None else found.data
            backend.write(renewed + b"'", replacing=None if found is None else found.version)
        yield None if found is None else found.data


class StoreConformance:
    """The tests.

    A subclass may name other steps of `fault_points`, at which processes are killed or calls fail.
    """

    kill_steps: ClassVar[Sequence[str]] = ("store-call", "store-called")
    fail_steps: ClassVar[Sequence[str]] = ("store-call=eio", "store-called=eio")

    def test_absent_is_not_empty(self, place: Place) -> None:
        """Without a snapshot `read` returns None; after a write of no bytes it returns no bytes."""
        backend = place.open()
        assert backend.read() is None
        backend.write(b"", replacing=None)
        assert data_in(place.open()) == b""

    def test_what_was_written_is_read(self, place: Place) -> None:
        """Any client reads it, with the version that the write returned; also a large one."""
        one = place.open().write(b"one", replacing=None)
        assert place.open().read() == Snapshot(data=b"one", version=one)
        large = os.urandom(_LARGE_BYTES)
        two = place.open().write(large, replacing=one)
        assert (
            place.open().read() == Snapshot(data=large, version=two)
        ) is True  # and not shown if it is not
        assert two != one

    def test_a_write_names_what_it_replaces(self, place: Place) -> None:
        """A writer that saw something else is refused, and nothing changes."""
        backend = place.open()
        refusal(StateConflict, lambda: backend.write(b"x", replacing=Version("other")))
        assert backend.read() is None
        one = backend.write(b"one", replacing=None)
        refusal(StateConflict, lambda: backend.write(b"x", replacing=None))
        two = place.open().write(b"two", replacing=one)
        refusal(StateConflict, lambda: backend.write(b"x", replacing=one))
        assert backend.read() == Snapshot(data=b"two", version=two)

    def test_the_journal_grows_and_drops_a_torn_tail(self, place: Place) -> None:
        """An append goes after the first `after` bytes, and replaces what followed them."""
        backend = place.open()
        with backend.lock(a_lock(), timeout_s=0):
            version = backend.write(b"snapshot", replacing=None)
            assert backend.read_journal() == b""
            backend.append_journal(b"head|", after=0)
            backend.append_journal(b"torn", after=5)
            backend.append_journal(b"whole|", after=5)
            assert place.open().read_journal() == b"head|whole|"
            backend.clear_journal()
            backend.clear_journal()
            assert place.open().read_journal() == b""
            backend.append_journal(b"again|", after=0)
            assert place.open().read_journal() == b"again|"
            assert backend.read() == Snapshot(data=b"snapshot", version=version)

    def test_a_journal_outlives_its_writer_and_many_appends(self, place: Place) -> None:
        """Every append is read, in order, after the lock has gone to another, who may clear it."""
        parts = [b"%d|" % number for number in range(_MANY_APPENDS)]
        backend = place.open()
        with backend.lock(a_lock(), timeout_s=0):
            backend.write(b"snapshot", replacing=None)
            after = 0
            for part in parts:
                backend.append_journal(part, after=after)
                after += len(part)
        other = place.open()
        with other.lock(a_lock(), timeout_s=0):
            assert other.read_journal() == b"".join(parts)
            other.clear_journal()
            other.append_journal(b"new|", after=0)
        assert place.open().read_journal() == b"new|"

    def test_a_backup_leaves_the_state_as_it_is(self, place: Place) -> None:
        """`back_up` returns where the backup is, and can be repeated."""
        backend = place.open()
        with backend.lock(a_lock(), timeout_s=0):
            version = backend.write(b"one", replacing=None)
            assert backend.back_up(b"older")
            assert backend.back_up(b"old")
            assert backend.read() == Snapshot(data=b"one", version=version)

    def test_conditional_writes_are_proven(self, place: Place) -> None:
        """The proof passes and leaves nothing that reads as a state."""
        backend = place.open()
        with backend.lock(a_lock(), timeout_s=0):
            backend.prove_conditional_writes()
        assert backend.read() is None
        assert backend.read_journal() == b""

    def test_one_at_a_time_holds_the_lock(self, place: Place) -> None:
        """A second process is refused and told who holds the lock; after the release the lock is free."""
        backend = place.open()
        assert backend.lock_holder() is None
        info = a_lock("apply")
        with backend.lock(info, timeout_s=0) as handover:
            assert handover is LockHandover.ORDERLY
            code, said = place.run("take")
            assert code == 1
            assert said[0].startswith("StateLocked")
            assert info.lock_id in said[0]
            assert "`apply`" in said[0]
            assert holder_of(place) == info
        assert place.open().lock_holder() is None
        assert place.run("take") == (0, ["taken"])

    def test_waiting_for_the_lock_is_bounded(self, place: Place) -> None:
        """A run waits as long as `timeout_s`, and takes the lock once it is free."""
        with place.open().lock(a_lock(), timeout_s=0):
            began = time.monotonic()
            other = place.open()
            refusal(StateLocked, lambda: other.lock(a_lock(), timeout_s=0.4).__enter__())
            assert time.monotonic() - began >= 0.4
        with place.start("hold") as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with place.start("take", str(_PATIENCE_S)) as waiting:
                holder.terminate()
                self._let_go(place)
                said, _ = waiting.communicate(timeout=_PATIENCE_S)
        assert said == "taken\n"

    def test_there_may_be_nothing_to_break(self, place: Place) -> None:
        """Without a lock, and with another id, `break_lock` is refused."""
        backend = place.open()
        refusal(UnlockRefused, lambda: backend.break_lock("any", breaking=Breaking.EVEN_LIVE))
        with place.open().lock(a_lock(), timeout_s=0):
            refusal(UnlockRefused, lambda: backend.break_lock("other", breaking=Breaking.EVEN_LIVE))
            refusal(StateLocked, lambda: take(backend))

    def test_a_killed_holder_can_be_replaced(self, place: Place) -> None:
        """Its lock ends with its process or can be broken, and what it recorded is there."""
        with place.start("append", "1000000") as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(4)]
            writer.kill()
        assert said[-1] == "4\n"
        self._let_go(place)
        backend = place.open()
        with settled(backend):
            assert len(backend.read_journal()) >= len(said)

    def test_a_holder_whose_lock_was_broken_changes_nothing(self, place: Place) -> None:
        """Neither state, journal nor backup, before and after another has taken the lock."""
        backend, other = place.open(), place.open()
        info = a_lock("first")
        with backend.lock(info, timeout_s=0):
            version = backend.write(b"one", replacing=None)
            backend.append_journal(b"head|", after=0)
            assert other.break_lock(info.lock_id, breaking=Breaking.EVEN_LIVE).info == info
            self._refuse_all_changes(backend, version)
            with settled(other):
                assert other.read_journal() == b"head|"
                self._refuse_all_changes(backend, version)
                assert data_in(other).rstrip(b"'") == b"one"
                assert other.read_journal() == b"head|"
                other.clear_journal()
                other.append_journal(b"other|", after=0)
                self._refuse_all_changes(backend, version)
                assert place.open().read_journal() == b"other|"
        assert place.open().lock_holder() is None

    @staticmethod
    def _refuse_all_changes(backend: StateStore, version: Version) -> None:
        for change in (
            lambda: backend.write(b"two", replacing=version),
            lambda: backend.append_journal(b"more|", after=5),
            backend.clear_journal,
            lambda: backend.back_up(b"new"),
        ):
            refusal(StateUnavailable, change)

    def test_a_late_release_leaves_the_next_holders_lock(self, place: Place) -> None:
        """A run whose lock was broken does not release the next holder's lock."""
        backend, other = place.open(), place.open()
        info, next_info = a_lock("first"), a_lock("next")
        first = backend.lock(info, timeout_s=0)
        first.__enter__()
        other.break_lock(info.lock_id, breaking=Breaking.EVEN_LIVE)
        with other.lock(next_info, timeout_s=0):
            first.__exit__(None, None, None)
            assert holder_of(place) == next_info

    def test_who_takes_a_broken_lock_sees_all_that_was_acknowledged(self, place: Place) -> None:
        """An append ends before the break, and is seen, or is refused: none slips in between."""
        with place.start("append", "1000000") as writer:
            assert writer.stdout is not None
            for _ in range(3):
                writer.stdout.readline()
            backend = place.open()
            backend.break_lock(holder_of(place).lock_id, breaking=Breaking.EVEN_LIVE)
            with settled(backend):
                seen = len(backend.read_journal())
                *said, last = writer.stdout.read().splitlines()
                assert last.startswith("StateUnavailable")
                assert seen >= (int(said[-1]) if said else 3)
                assert len(backend.read_journal()) == seen

    def test_no_update_of_several_writers_is_lost(self, place: Place) -> None:
        """Each reads, adds one and writes under the lock."""
        place.open().write(b"0", replacing=None)
        writers = [place.start("count", str(_COUNTS)) for _ in range(_WRITERS)]
        for writer in writers:
            said, _ = writer.communicate(timeout=2 * _PATIENCE_S)
            assert (writer.returncode, said) == (0, "counted\n")
        assert data_in(place.open()) == b"%d" % (_WRITERS * _COUNTS)

    def test_a_kill_between_any_two_calls_loses_nothing(self, place: Place) -> None:
        """Everything that was acknowledged is there, and nothing else."""
        for step in self.kill_steps:
            self._meet(place, f"{step}=kill", until=lambda code, _: code == 0)

    def test_a_call_that_fails_or_whose_answer_is_lost_loses_nothing(self, place: Place) -> None:
        """The store is as before or as requested, and the same client can continue."""
        for fault in self.fail_steps:
            self._meet(place, fault, until=lambda _, said: said[-1:] == ["unharmed"])

    def _meet(self, place: Place, fault: str, *, until: Callable[[int, list[str]], bool]) -> None:
        """Run the story with `fault` at the first call, at the second, and so on `until` it ends well."""
        for nth in range(1, _MOST_CALLS):
            name = f"{fault}-{nth}"
            code, said = place.run("story", name, fault=f"{fault}@{nth}")
            self._let_go(place)
            self._check_story(place, said, name)
            if until(code, said):
                assert nth > 1, f"{fault} was never met"
                return
        raise AssertionError(f"the story meets {fault} too often to be tried at each")

    @staticmethod
    def _let_go(place: Place) -> None:
        """Break the lock that a killed process left, if it left one."""
        backend = place.open()
        holder = backend.lock_holder()
        if holder is not None and holder.info is not None:
            backend.break_lock(holder.info.lock_id, breaking=Breaking.EVEN_LIVE)

    @staticmethod
    def _check_story(place: Place, said: Sequence[str], name: str) -> None:
        """Assert that the store has what the story acknowledged, or one step more."""
        backend = place.open()
        done = [line.removeprefix("done ") for line in said if line.startswith("done ")]
        with settled(backend) as found:
            text = b"" if found is None else found
            journal = backend.read_journal()
            whole = b"".join(b"%s:%d|" % (name.encode(), number) for number in range(4))
            if "fold" in done:
                assert text.startswith(b"folded " + name.encode()), (name, said, text)
            if "clear" in done:
                assert journal == b"", (name, said, journal)
            elif "fold" not in done:
                appended = [int(word.removeprefix("append ")) for word in done if word.startswith("append ")]
                least = b"".join(b"%s:%d|" % (name.encode(), number) for number in range(len(appended)))
                is_folded = text.startswith(b"folded " + name.encode()) and "append 3" in done
                assert journal.startswith(least) or is_folded, (name, said, journal)
                assert whole.startswith(journal) or not appended, (name, said, journal)
            backend.clear_journal()


def _act(backend: StateStore, words: Sequence[str]) -> None:
    """Run the command `words` in another process."""
    match words:
        case ["take", *timeout]:
            with backend.lock(a_lock("take"), timeout_s=float(timeout[0]) if timeout else 0.0):
                print("taken", flush=True)
        case ["hold"]:
            with backend.lock(a_lock("hold"), timeout_s=0):
                print("held", flush=True)
                time.sleep(_PATIENCE_S)
        case ["append", most]:
            with backend.lock(a_lock("append"), timeout_s=0):
                for number in range(int(most)):
                    backend.append_journal(b"|", after=number)
                    print(number + 1, flush=True)
        case ["count", times]:
            _count(backend, int(times))
        case ["story", name]:
            _tell(backend, name.encode())


def _count(backend: StateStore, times: int) -> None:
    for _ in range(times):
        with backend.lock(a_lock("count"), timeout_s=_PATIENCE_S):
            found = backend.read()
            assert found is not None
            backend.write(b"%d" % (int(found.data) + 1), replacing=found.version)
    print("counted", flush=True)


def _tell(backend: StateStore, name: bytes) -> None:
    """Do a small run, the story: lock, four appends, fold, clear. Try a failed step once more.

    As in a session, an append is repeated at the same offset, and a write after a new read. In the end print
    "unharmed" if the planned fault never happened.
    """
    with _locked(backend):
        after = 0
        for number in range(4):
            part = b"%s:%d|" % (name, number)
            _persist(lambda: backend.append_journal(part, after=after))  # noqa: B023 - called at once
            after += len(part)
            print(f"done append {number}", flush=True)
        _persist(lambda: _fold(backend, b"folded " + name))
        print("done fold", flush=True)
        _persist(backend.clear_journal)
        print("done clear", flush=True)
    print("unharmed" if are_left() else "harmed", flush=True)


@contextmanager
def _locked(backend: StateStore) -> Iterator[None]:
    """Hold the lock; try a second time after a failure."""
    try:
        lock = backend.lock(a_lock("story"), timeout_s=0)
        lock.__enter__()
    except StateUnavailable as error:
        print(f"StateUnavailable {error.message}", flush=True)
        StoreConformance._let_go(Place(url=sys.argv[1], root=Path(sys.argv[2])))
        lock = backend.lock(a_lock("story again"), timeout_s=0)
        lock.__enter__()
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _fold(backend: StateStore, data: bytes) -> None:
    found = backend.read()
    if found is None or found.data != data:
        backend.write(data, replacing=None if found is None else found.version)


def _persist(step: Callable[[], object]) -> None:
    """Do `step`; try a second time after a failure."""
    try:
        step()
    except StateUnavailable as error:
        print(f"StateUnavailable {error.message}", flush=True)
        step()


if __name__ == "__main__":
    try:
        _act(open_store(sys.argv[1], root=Path(sys.argv[2])), sys.argv[3:])
    except ReconcilerError as error:
        print(f"{type(error).__name__} {error.message}", flush=True)
        sys.exit(1)
