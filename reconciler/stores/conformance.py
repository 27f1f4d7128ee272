"""Tests that every store must pass: they check what `ports.Store` says.

They run in pytest, which is not imported here. The tests of a store subclass `StoreConformance` and define
a fixture `place` for a new, empty location:

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def place(self, server, tmp_path):
            return Place(url=f"mystore://{server}/{uuid4()}", root=tmp_path)

Other processes open the same location by its URL; anything else they need goes into `environ`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import ClassVar, Final
from uuid import uuid4

from msgspec import Struct, field

from reconciler.fault_points import VARIABLE, are_left
from reconciler.model.errors import (
    ReconcilerError,
    StateConflict,
    StateExists,
    StateLocked,
    StateUnavailable,
)
from reconciler.model.locks import LockInfo
from reconciler.ports import Head, KeepsCopies, Store, Stored, Watches
from reconciler.state.initialising import initialise
from reconciler.state.session import load_state
from reconciler.stores.opening import open_store
from reconciler.stores.random_histories import seek_broken_promise

_PATIENCE_S: Final = 60.0
_LARGE_BYTES: Final = 2 * 1024**2
_WRITERS: Final = 3
_LINES: Final = 4
_MOST_CALLS: Final = 200
_ANY_BYTES: Final = bytes(range(256)).replace(b"\n", b"") + b"\n\n"


class Place(Struct, frozen=True, kw_only=True):
    """Location of a test's state. `environ` is added to the environment of other processes."""

    url: str
    root: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> Store:
        """Return a new client."""
        return open_store(self.url, root=self.root)

    def start(self, *words: str, fault: str | None = None) -> "subprocess.Popen[str]":
        """Start another process that uses this place (see `_act`); it can be talked to line by line."""
        environ = {**os.environ, **self.environ}
        environ.pop(VARIABLE, None)
        if fault is not None:
            environ[VARIABLE] = fault
        command = [sys.executable, "-m", "reconciler.stores.conformance", self.url, str(self.root), *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environ)  # noqa: S603 - ourselves

    def run(self, *words: str, fault: str | None = None) -> tuple[int, list[str]]:
        """Run such a process; return its exit code and the lines of its output."""
        process = self.start(*words, fault=fault)
        said, _ = process.communicate(timeout=_PATIENCE_S)
        return process.returncode, said.splitlines()


def content(store: Store) -> tuple[bytes, bytes]:
    """Return snapshot and log; fail if the store is empty."""
    found = load(store)
    return found.snapshot, found.log


def load(store: Store) -> Stored:
    """Return what the store holds; fail if it is empty."""
    found = store.load()
    assert found is not None
    return found


def refuse(call: Callable[[], object]) -> None:
    """Fail unless `call` raises StateConflict, in words that help."""
    try:
        call()
    except StateConflict as error:
        assert error.message
        assert error.hint
    else:
        raise AssertionError("StateConflict was not raised")


def heard(process: "subprocess.Popen[str]") -> str:
    """Return the next line of the output of `process`."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def tell(process: "subprocess.Popen[str]", line: str) -> None:
    """Send `line` to `process`."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


class StoreConformance:
    """The tests.

    A subclass may name other faults of `fault_points`, and try fewer appends or random histories.
    """

    faults: ClassVar[Sequence[str]] = (
        "store-call=kill",
        "store-called=kill",
        "store-call=eio",
        "store-called=eio",
    )
    appends: ClassVar[int] = 60
    histories: ClassVar[int] = 3
    history_length: ClassVar[int] = 600

    def release(self, place: Place) -> None:
        """Release what a killed process holds in the store beside the log, as a person would."""

    def test_absent_is_not_empty(self, place: Place) -> None:
        """A new store holds nothing at all; after `replace` with no bytes it holds no bytes."""
        assert place.open().load() is None
        head = place.open().replace(b"", b"", at=None)
        assert place.open().load() == Stored(snapshot=b"", log=b"", head=head)
        assert place.open().location

    def test_what_was_written_is_read(self, place: Place) -> None:
        """Any client reads it under the head that the change returned, whatever the bytes."""
        head = place.open().replace(_ANY_BYTES, b"first\n", at=None)
        assert place.open().load() == Stored(snapshot=_ANY_BYTES, log=b"first\n", head=head)
        large = os.urandom(_LARGE_BYTES)
        line = large.replace(b"\n", b"") + b"\n"
        for snapshot, log, added in ((large, b"", line), (b"small", line, _ANY_BYTES)):
            head = place.open().replace(snapshot, log, at=head)
            head = place.open().append(added, at=head)
            found = place.open().load()
            is_whole = found == Stored(snapshot=snapshot, log=log + added, head=head)
            assert is_whole  # without megabytes in the message

    def test_a_change_names_the_head_that_it_follows(self, place: Place) -> None:
        """A change at another head is refused and changes nothing, whoever made the last one."""
        client, other = place.open(), place.open()
        first = client.replace(b"one", b"", at=None)
        second = client.append(b"1\n", at=first)
        third = other.append(b"2\n", at=second)
        self._refuse(place, (client, other), (None, first, second))
        fourth = client.append(b"3\n", at=third)
        fifth = other.replace(b"two", b"4\n", at=fourth)
        self._refuse(place, (client, other), (None, third, fourth))
        sixth = client.replace(b"three", b"", at=fifth)
        self._refuse(place, (client, other), (None, fourth, fifth))
        assert len({first, second, third, fourth, fifth, sixth}) == 6

    @staticmethod
    def _refuse(place: Place, clients: Sequence[Store], heads: Sequence[Head | None]) -> None:
        before = load(place.open())
        for client, head in product(clients, heads):
            refuse(lambda: client.replace(b"x", b"x\n", at=head))  # noqa: B023 - called at once
            refuse(lambda: client.replace(before.snapshot, b"", at=head))  # noqa: B023 - called at once
            if head is not None:
                refuse(lambda: client.append(b"x\n", at=head))  # noqa: B023 - called at once
        assert place.open().load() == before

    def test_a_log_outlives_its_writer_and_many_appends(self, place: Place) -> None:
        """Every append is read, in order, and the next client goes on where the last one stopped."""
        client = place.open()
        head = client.replace(b"snapshot", b"", at=None)
        lines = [b"%d\n" % number for number in range(self.appends)]
        for number, line in enumerate(lines):
            if number == self.appends // 2:
                client = place.open()
                assert load(client).head == head
            head = client.append(line, at=head)
        assert content(place.open()) == (b"snapshot", b"".join(lines))
        assert client.append(b"more\nand more\n", at=head) == load(place.open()).head
        assert content(client) == (b"snapshot", b"".join(lines) + b"more\nand more\n")

    def test_of_several_processes_one_changes_a_head(self, place: Place) -> None:
        """All but one are refused, whether they append or replace, at rest and in the middle of a log."""
        head = place.open().replace(b"base", b"", at=None)
        for log in (b"", b"base\n"):
            found = load(place.open())
            head = place.open().replace(b"base", log, at=found.head)
            ways = ["append" if number % 2 else "replace" for number in range(2 * _WRITERS)]
            racers = [place.start("race", way, f"{way}-{number}", head) for number, way in enumerate(ways)]
            assert [heard(racer) for racer in racers] == ["ready"] * len(racers)
            for racer in racers:
                tell(racer, "go")
            said = [racer.communicate(timeout=_PATIENCE_S)[0].strip() for racer in racers]
            winners = [word.removeprefix("won ") for word in said if word.startswith("won ")]
            assert len(winners) == 1, said
            assert set(said) <= {f"won {winners[0]}", "StateConflict", "StateLocked"}, said
            line = f"{winners[0]}\n".encode()
            is_append = winners[0].startswith("append")
            assert content(place.open()) == ((b"base", log + line) if is_append else (b"new", line))

    def test_no_append_of_several_writers_is_lost(self, place: Place) -> None:
        """Each appends at the present head and, if it is refused, once more at the new one."""
        place.open().replace(b"base", b"lines:\n", at=None)
        writers = [place.start("write", f"writer-{number}") for number in range(_WRITERS)]
        for writer in writers:
            said, _ = writer.communicate(timeout=2 * _PATIENCE_S)
            assert (writer.returncode, said) == (0, "written\n")
        _, log = content(place.open())
        for name in (f"writer-{number}" for number in range(_WRITERS)):
            own = [line for line in log.decode().splitlines() if line.startswith(name)]
            assert own == [f"{name} {number}" for number in range(_LINES)]
        assert len(log.splitlines()) == 1 + _WRITERS * _LINES

    def test_a_load_is_of_one_moment(self, place: Place) -> None:
        """While another process changes both, nobody sees a log with a snapshot that it does not follow."""
        with place.start("alternate") as writer:
            assert heard(writer) == "begun"
            client = place.open()
            seen: set[bytes] = set()
            until = time.monotonic() + 1
            while time.monotonic() < until or len(seen) < 3:
                snapshot, log = content(client)
                assert set(log.split()) <= {snapshot}
                seen.add(snapshot)
            writer.kill()

    def test_a_live_run_has_not_ended(self, place: Place) -> None:
        """`has_ended` is True only of a lock whose process is gone; the next one can go on then."""
        place.open().replace(b"base", b"", at=None)
        with place.start("hold", "lock-1") as holder:
            assert heard(holder) == "held"
            assert not place.open().has_ended("lock-1")
            holder.kill()
        client = place.open()
        assert client.has_ended("lock-1") in {True, False}
        found = load(client)
        assert found.log == b"lock-1\n"
        client.append(b"lock-2\n", at=found.head)
        assert not place.open().has_ended("lock-2")
        assert not client.has_ended("lock-2")

    def test_copies_are_kept(self, place: Place) -> None:
        """The last backup is durable with the next `replace`; a version that never was is not invented."""
        client = place.open()
        head = client.replace(b"one", b"", at=None)
        if not isinstance(client, KeepsCopies):
            return
        assert client.earlier("no-such-version") is None
        for before, after in ((b"one", b"two"), (b"two", b"three")):
            where = client.keep_backup(before)
            head = client.replace(after, b"", at=head)
            assert content(place.open()) == (after, b"")
            if where is None:
                return
            assert client.backup() == before
            other = place.open()
            assert isinstance(other, KeepsCopies)
            assert other.backup() == before

    def test_who_watches_notices_a_change(self, place: Place) -> None:
        """`is_undisturbed` turns False when another client has changed the store, and not before."""
        client, other = place.open(), place.open()
        head = client.replace(b"one", b"", at=None)
        head = client.append(b"lock-1\n", at=head)
        if not isinstance(client, Watches):
            return
        assert client.is_undisturbed()
        head = client.append(b"more\n", at=head)
        assert client.is_undisturbed()
        other.append(b"broken\n", at=head)
        assert not client.is_undisturbed()

    def test_init_proves_the_store(self, place: Place) -> None:
        """`init` finds it fit, leaves an empty state that nobody holds, and refuses to make a second one."""
        lock = LockInfo(
            lock_id="1", who="me", host="here", pid=1, since=datetime(2031, 9, 1, tzinfo=UTC), command="init"
        )
        state = initialise(place.open(), lineage=str(uuid4()), lock=lock)
        assert load_state(place.open()) == state
        assert load(place.open()).log == b""
        try:
            initialise(place.open(), lineage=str(uuid4()), lock=lock)
        except StateExists:
            return
        raise AssertionError("StateExists was not raised")

    def test_a_fault_at_any_call_loses_and_doubles_nothing(self, place: Place) -> None:
        """A kill, a failure or a lost answer leaves what was acknowledged, or one step more."""
        for fault in self.faults:
            self._meet(place, fault)

    def _meet(self, place: Place, fault: str) -> None:
        """Tell the story with `fault` at the first call, at the second, and so on until it is not met."""
        for nth in range(1, _MOST_CALLS):
            name = f"{fault}-{nth}"
            found = place.open().load()
            code, said = place.run("story", name, fault=f"{fault}@{nth}")
            assert code in {0, -signal.SIGKILL}, (name, said)
            if code:
                self.release(place)
            self._check_story(place, name, found, said)
            if said[-1:] == ["unharmed"]:
                assert nth > 1, f"{fault} was never met"
                return
        raise AssertionError(f"the story meets {fault} too often to be tried at each")

    @staticmethod
    def _check_story(place: Place, name: str, before: Stored | None, said: Sequence[str]) -> None:
        """Assert that the store has what the story acknowledged, or one step more; then settle it."""
        after = place.open().load()
        done = sum(line.startswith("done") for line in said)
        steps: list[tuple[bytes, bytes] | None] = [None if before is None else (before.snapshot, before.log)]
        steps += _story(name.encode())
        found = None if after is None else (after.snapshot, after.log)
        assert found in steps[done : done + 2], (name, said, found)
        if after is not None:
            _bring(place.open(), after, name.encode(), b"")
            assert content(place.open()) == (name.encode(), b"")

    def test_random_histories(self, place: Place) -> None:
        """Nothing acknowledged is lost or doubled, whatever runs, breaks, faults and late calls there are."""
        for seed in range(self.histories):
            seek_broken_promise(place.open, seed=seed, length=self.history_length)


def _story(name: bytes) -> list[tuple[bytes, bytes]]:
    """Return what a store holds after each step of the story: a small run that folds twice."""
    lines = [b"%s:%d\n" % (name, number) for number in range(5)]
    begun, middle, folded = (b"%s %s" % (word, name) for word in (b"begun", b"middle", b"folded"))
    return [
        (begun, b""),
        (begun, lines[0]),
        (begun, lines[0] + lines[1]),
        (begun, lines[0] + lines[1] + lines[2]),
        (middle, lines[3]),
        (middle, lines[3] + lines[4]),
        (folded, b""),
    ]


def _act(store: Store, words: Sequence[str]) -> None:
    """Run the command `words` in another process."""
    match words:
        case ["race", way, name, head]:
            print("ready", flush=True)
            sys.stdin.readline()
            line = f"{name}\n".encode()
            if way == "append":
                store.append(line, at=Head(head))
            else:
                store.replace(b"new", line, at=Head(head))
            print("won", name, flush=True)
        case ["write", name]:
            for number in range(_LINES):
                _write(store, f"{name} {number}\n".encode())
            print("written", flush=True)
        case ["hold", lock_id]:
            store.append(f"{lock_id}\n".encode(), at=load(store).head)
            print("held", flush=True)
            time.sleep(_PATIENCE_S)
        case ["alternate"]:
            _alternate(store)
        case ["story", name]:
            _tell(store, name.encode())


def _alternate(store: Store) -> None:
    """Change snapshot and log together, again and again."""
    head = store.replace(b"0", b"0\n", at=None)
    print("begun", flush=True)
    for number in range(1, sys.maxsize):
        text = b"%d" % number
        head = store.replace(text, text + b"\n" if number % 2 else b"", at=head)
        head = store.append(text + b"\n", at=head)


def _write(store: Store, line: bytes) -> None:
    """Append `line` at whatever the head is by then."""
    while line not in (found := load(store)).log:
        with suppress(StateUnavailable, StateConflict, StateLocked):
            store.append(line, at=found.head)


def _tell(store: Store, name: bytes) -> None:
    """Go through the story. In the end print "unharmed" if the planned fault never happened."""
    found = _patient_load(store)
    for snapshot, log in _story(name):
        found = _bring(store, found, snapshot, log)
        print("done", flush=True)
    print("unharmed" if are_left() else "harmed", flush=True)


def _patient_load(store: Store) -> Stored | None:
    try:
        return store.load()
    except StateUnavailable:
        return store.load()


def _bring(store: Store, found: Stored | None, snapshot: bytes, log: bytes) -> Stored:
    """Change what was `found` to `snapshot` and `log`; after a failure look, and repeat what is missing."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return Stored(snapshot=snapshot, log=log, head=_change(store, found, snapshot, log))
        except (StateUnavailable, StateConflict, StateLocked) as error:
            print(type(error).__name__, flush=True)
            if time.monotonic() > until:
                raise
        found = _patient_load(store)
        if found is not None and (found.snapshot, found.log) == (snapshot, log):
            return found


def _change(store: Store, found: Stored | None, snapshot: bytes, log: bytes) -> Head:
    if found is None:
        return store.replace(snapshot, log, at=None)
    if snapshot == found.snapshot and log.startswith(found.log):
        return store.append(log.removeprefix(found.log), at=found.head)
    return store.replace(snapshot, log, at=found.head)


if __name__ == "__main__":
    try:
        _act(open_store(sys.argv[1], root=Path(sys.argv[2])), sys.argv[3:])
    except ReconcilerError as error:
        print(type(error).__name__, flush=True)
        sys.exit(1)
