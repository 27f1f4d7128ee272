"""What stands around every store: retries, time limits, and a log for developers."""

import logging
import subprocess
import sys
import textwrap
import threading
from collections import Counter

import pytest
from memory_store import Cell, MemoryStore

from reconciler.model.errors import OutcomeUnknown, StateConflict, StateUnavailable, UsageError
from reconciler.ports import KeepsCopies, Store, Watches
from reconciler.stores.wrappers import BoundedStore, LoggedStore, RetryingStore, StoreWrapper, guard_store


class Failing(MemoryStore):
    """A store that raises what was put on its list, one error a call, and then works."""

    def __init__(self, *errors):
        super().__init__(Cell())
        super().replace(b"one", b"", at=None)
        self.errors = list(errors)
        self.calls = Counter()
        self.is_disturbed = False

    def fail(self, name):
        """Raise the next error."""
        self.calls[name] += 1
        if self.errors:
            raise self.errors.pop(0)

    def load(self):
        """Load, or fail."""
        self.fail("load")
        return super().load()

    def append(self, records, *, at, note=""):
        """Append, or fail."""
        self.fail("append")
        return super().append(records, at=at, note=note)

    def replace(self, snapshot, log, *, at, note=""):
        """Replace, or fail."""
        self.fail("replace")
        return super().replace(snapshot, log, at=at, note=note)

    def has_ended(self, lock_id):
        """Whether it is the one that has ended, or fail."""
        self.fail("has_ended")
        return lock_id == "ended"

    def keep_backup(self, snapshot):
        """Say where it would be, or fail."""
        self.fail("keep_backup")
        return f"a place for {snapshot.decode()}"

    def backup(self):
        """Return one, or fail."""
        self.fail("backup")
        return b"backup"

    def earlier(self, version):
        """Return one, or fail."""
        self.fail("earlier")
        return version.encode()

    def is_undisturbed(self):
        """Whether nobody disturbed it."""
        return not self.is_disturbed


class FakeClock:
    """Time passes only while somebody sleeps."""

    def __init__(self):
        self.slept = []

    def monotonic_s(self):
        """Seconds since the beginning."""
        return sum(self.slept)

    def sleep(self, seconds):
        """Let them pass."""
        self.slept.append(seconds)


def unavailable(retry_after_s=None, kind=StateUnavailable):
    """What a store raises."""
    return kind("no", hint="", retry_after_s=retry_after_s)


CALLS = {
    "load": lambda store: store.load(),
    "append": lambda store: store.append(b"x\n", at="1"),
    "replace": lambda store: store.replace(b"two", b"", at="1"),
    "has_ended": lambda store: store.has_ended("ended"),
    "keep_backup": lambda store: store.keep_backup(b"it"),
    "backup": lambda store: store.backup(),
    "earlier": lambda store: store.earlier("v1"),
}
CHANGES = ("append", "replace")
each_call = pytest.mark.parametrize("name", CALLS)


@pytest.fixture
def clock():
    """A clock that nobody waits for."""
    return FakeClock()


def retrying(inner, clock):
    """A wrapper that retries on that clock."""
    return RetryingStore(inner, monotonic_s=clock.monotonic_s, sleep=clock.sleep)


@each_call
def test_a_wrapped_store_does_what_the_store_does(name):
    """Every method passes through all wrappers, and so do its errors."""
    inner = Failing()
    wrapped = guard_store(inner, limit_s=60)
    assert CALLS[name](wrapped) == CALLS[name](Failing())
    assert wrapped.location == inner.location
    with pytest.raises(StateConflict):
        wrapped.append(b"late\n", at="never")


def test_what_a_store_can_do_besides_is_passed_on():
    """Through any number of wrappers. A store without copies keeps none."""
    inner = Failing()
    wrapped: Store = StoreWrapper(guard_store(inner, limit_s=60))
    assert isinstance(wrapped, KeepsCopies)
    assert isinstance(wrapped, Watches)
    assert wrapped.is_undisturbed()
    inner.is_disturbed = True
    assert not wrapped.is_undisturbed()
    plain = guard_store(MemoryStore(Cell()), limit_s=60)
    assert (plain.keep_backup(b"x"), plain.backup(), plain.earlier("v1")) == (None, None, None)
    assert not isinstance(plain, Watches)


@each_call
def test_what_may_be_repeated_is_repeated(name, clock):
    """After pauses that double, or last as long as the server asked."""
    inner = Failing(*map(unavailable, (0.0, 0.0, 7.5, 0.0)))
    assert CALLS[name](retrying(inner, clock)) == CALLS[name](Failing())
    assert clock.slept == [0.2, 0.4, 7.5, 1.6]


@each_call
def test_retries_come_to_an_end(name, clock):
    """After five tries the last error is told; after one if another try is of no use."""
    inner = Failing(*(unavailable(0.0) for _ in range(9)))
    with pytest.raises(StateUnavailable):
        CALLS[name](retrying(inner, clock))
    assert inner.calls == {name: 5}
    inner = Failing(unavailable())
    with pytest.raises(StateUnavailable):
        CALLS[name](retrying(inner, clock))
    assert inner.calls == {name: 1}


def test_a_minute_is_the_most(clock):
    """A server that asks for more patience is not waited for, nor are two that ask for it together."""
    inner = Failing(unavailable(61.0))
    with pytest.raises(StateUnavailable):
        retrying(inner, clock).load()
    assert clock.slept == []
    inner = Failing(unavailable(40.0), unavailable(40.0))
    with pytest.raises(StateUnavailable):
        retrying(inner, clock).load()
    assert clock.slept == [40.0]


@each_call
def test_a_change_that_was_perhaps_made_is_not_repeated(name, clock):
    """Only who knows the log can tell; what changes nothing is asked again."""
    inner = Failing(unavailable(0.0, OutcomeUnknown))
    if name in CHANGES:
        with pytest.raises(OutcomeUnknown):
            CALLS[name](retrying(inner, clock))
        assert inner.calls == {name: 1}
    else:
        CALLS[name](retrying(inner, clock))
        assert inner.calls == {name: 2}


@pytest.mark.parametrize("error", [StateConflict("no", hint=""), UsageError("no", hint="")])
def test_other_errors_are_final(error, clock):
    """What was refused is refused again."""
    inner = Failing(error)
    with pytest.raises(type(error)):
        retrying(inner, clock).load()
    assert inner.calls == {"load": 1}


class OddError(BaseException):
    """An error of a library that derives it from BaseException, as those of Rust do."""


ODD = (KeyError("hunter2"), RecursionError(), MemoryError(), TimeoutError(), OddError(), SystemExit(2))


@pytest.mark.parametrize("error", ODD, ids=lambda error: type(error).__name__)
@each_call
def test_an_error_of_any_class_becomes_one_of_ours(name, error):
    """It names the class and the line that raised it, and not its message, which may hold a secret."""
    with pytest.raises(
        StateUnavailable, match=f"failed with {type(error).__name__} at test_wrappers.py:"
    ) as caught:
        CALLS[name](BoundedStore(Failing(error), limit_s=60))
    assert isinstance(caught.value, OutcomeUnknown) is (name in CHANGES)
    assert caught.value.__cause__ is error
    assert caught.value.retry_after_s is None
    assert "hunter2" not in caught.value.message + caught.value.hint


@each_call
def test_without_a_limit_errors_are_told_the_same_way(name):
    """In the caller's thread, which an interrupt still ends."""
    inner = Failing(KeyError("hunter2"), KeyboardInterrupt())
    wrapped = BoundedStore(inner, limit_s=None)
    with pytest.raises(StateUnavailable, match="failed with KeyError") as caught:
        CALLS[name](wrapped)
    assert isinstance(caught.value, OutcomeUnknown) is (name in CHANGES)
    with pytest.raises(KeyboardInterrupt):
        CALLS[name](wrapped)


def test_a_thread_that_cannot_be_started_is_told(monkeypatch):
    """Nothing was sent then, so that even a change has certainly not been made."""

    def start(_):
        raise RuntimeError("can't start new thread")

    wrapped = BoundedStore(Failing(), limit_s=60)
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(StateUnavailable, match="failed with RuntimeError") as caught:
        CALLS["append"](wrapped)
    assert not isinstance(caught.value, OutcomeUnknown)


class Hanging(Failing):
    """A store that answers a load or an append only when it is let."""

    def __init__(self):
        super().__init__()
        self.may_answer = threading.Event()

    def fail(self, name):
        """Hang."""
        super().fail(name)
        self.may_answer.wait()


@pytest.mark.parametrize("name", ["load", "append"])
def test_a_call_that_hangs_is_given_up(name):
    """And so are those after it, at once, until it has returned."""
    inner = Hanging()
    wrapped = BoundedStore(inner, limit_s=0.05)
    with pytest.raises(StateUnavailable, match=r"not answered within 0\.05 s") as caught:
        CALLS[name](wrapped)
    assert isinstance(caught.value, OutcomeUnknown) is (name in CHANGES)
    with pytest.raises(StateUnavailable, match="still hangs") as caught:
        CALLS["append"](wrapped)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert inner.calls == {name: 1}
    inner.may_answer.set()
    wrapped._last.join()
    assert wrapped.load().snapshot == b"one"


def test_a_call_waits_for_one_that_was_interrupted(monkeypatch):
    """Two calls of one store never run at a time, also where Ctrl-C ended the wait for the first."""
    inner = Hanging()
    wrapped = BoundedStore(inner, limit_s=60)

    def join(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", join)
        with pytest.raises(KeyboardInterrupt):
            wrapped.load()
    threading.Timer(0.05, inner.may_answer.set).start()
    assert wrapped.has_ended("ended")


def test_a_call_that_hangs_does_not_keep_the_process(tmp_path):
    """The run tells that it failed, and ends."""
    script = tmp_path / "hang.py"
    script.write_text(
        textwrap.dedent(
            """
            import threading
            from reconciler.model.errors import OutcomeUnknown
            from reconciler.stores.wrappers import BoundedStore

            class Hanging:
                location = "memory:"
                def append(self, records, *, at, note=""):
                    threading.Event().wait()

            try:
                BoundedStore(Hanging(), limit_s=0.05).append(b"", at="")
            except OutcomeUnknown:
                print("ended")
            """
        )
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "ended\n"


def test_calls_are_logged_for_developers(caplog):
    """With method, store, outcome and time, and without content."""
    caplog.set_level(logging.DEBUG, logger="reconciler.stores")
    wrapped = LoggedStore(Failing(unavailable()))
    with pytest.raises(StateUnavailable):
        wrapped.append(b"secret\n", at="1")
    wrapped.append(b"secret\n", at="1")
    failed, done = (record.getMessage() for record in caplog.records)
    assert failed.startswith("append (memory:): StateUnavailable after ")
    assert done.startswith("append (memory:): done after ")
    assert "secret" not in failed + done
