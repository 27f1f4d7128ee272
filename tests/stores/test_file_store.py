"""The local file: durable, compared before it is swapped, its log owned by one process."""

import ctypes
import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import pytest

from reconciler.fault_points import Step
from reconciler.model.errors import (
    OutcomeUnknown,
    StateConflict,
    StateDamaged,
    StateLocked,
    StateUnavailable,
    UsageError,
)
from reconciler.ports import KeepsCopies, Stored, Watches
from reconciler.stores import file
from reconciler.stores.file import FileStore, open_file


def names(folder):
    """What stands in `folder`, sorted."""
    return sorted(path.name for path in folder.iterdir())


def opened(folder):
    """A new client of the state in `folder`."""
    return FileStore(folder / "s.json", location="file:s.json")


@pytest.fixture
def store(tmp_path):
    """A store with the snapshot `one` and an empty log."""
    made = opened(tmp_path)
    made.replace(b"one", b"", at=None)
    return made


def append(store, *lines):
    """Append each line at the present head; the last head."""
    head = store.load().head
    for line in lines:
        head = store.append(line, at=head)
    return head


def content(store):
    """Snapshot and log."""
    found = store.load()
    return None if found is None else (found.snapshot, found.log)


def inode(path):
    """What a rename changes."""
    return path.stat().st_ino


def test_who_may_read_the_state_stays_so(store, tmp_path):
    """A state that is its owner's alone stays so when it is replaced, and so are its log and its backup."""
    (tmp_path / "s.json").chmod(0o600)
    head = append(store, b"lock\n")
    store.keep_backup(b"one")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    store.replace(b"two", b"", at=head)
    assert (tmp_path / "s.json").stat().st_mode & 0o777 == 0o600


def test_the_log_stands_beside_the_state_only_while_there_is_one(store, tmp_path):
    """At rest only the state stands there."""
    assert names(tmp_path) == ["s.json"]
    head = append(store, b"lock\n", b"intent\n")
    assert names(tmp_path) == ["s.json", "s.json.journal"]
    assert opened(tmp_path).load() == Stored(snapshot=b"one", log=b"lock\nintent\n", head=head)
    head = store.replace(b"two", b"", at=head)
    assert names(tmp_path) == ["s.json"]
    assert opened(tmp_path).load() == Stored(snapshot=b"two", log=b"", head=head)
    assert store.is_undisturbed()


def test_a_release_without_a_change_only_removes_the_log(store, tmp_path):
    """The snapshot's file stays the same one."""
    head = append(store, b"lock\n")
    before = inode(tmp_path / "s.json")
    store.replace(b"one", b"", at=head)
    assert names(tmp_path) == ["s.json"]
    assert inode(tmp_path / "s.json") == before


def test_a_new_log_for_the_same_snapshot(store, tmp_path):
    """Both are replaced, and the next append follows."""
    head = store.replace(b"one", b"new\n", at=append(store, b"lock\n"))
    store.append(b"more\n", at=head)
    assert content(opened(tmp_path)) == (b"one", b"new\nmore\n")


def test_an_append_of_ones_own_follows_the_last_one(store):
    """A head that this client has moved on from is refused, too."""
    first = append(store, b"lock\n")
    store.append(b"intent\n", at=first)
    with pytest.raises(StateConflict):
        store.append(b"intent\n", at=first)
    assert content(store) == (b"one", b"lock\nintent\n")


def test_a_change_of_both_keeps_the_lock(store, tmp_path):
    """The log of the snapshot before does not come back with it once something follows the new one."""
    head = store.replace(b"two", b"lock\n", at=append(store, b"lock\n", b"early\n"))
    assert content(opened(tmp_path)) == (b"two", b"lock\n")
    store.append(b"late\n", at=head)
    assert content(opened(tmp_path)) == (b"two", b"lock\nlate\n")
    (tmp_path / "s.json").write_bytes(b"one")
    with pytest.raises(StateDamaged, match="replaced by hand"):
        opened(tmp_path).load()


@pytest.mark.parametrize("log", [b"", b"lock\n"])
def test_what_is_read_is_of_one_moment(store, tmp_path, monkeypatch, log):
    """A change in the middle of a look is seen whole."""
    head, made = append(store, b"lock\n", b"record\n"), []

    def reach(step, *_):
        if step is Step.LOG_READ and not made:
            made.append(head)
            store.replace(b"two", log, at=head)

    monkeypatch.setattr(file, "reach", reach)
    assert content(opened(tmp_path)) == (b"two", log)


def test_a_state_that_changes_all_the_time_is_told(store, tmp_path, monkeypatch):
    """A look is bounded."""
    path = tmp_path / "s.json"
    monkeypatch.setattr(
        file, "reach", lambda step, *_: step is Step.LOG_READ and path.write_bytes(os.urandom(9))
    )
    with pytest.raises(StateUnavailable, match="replaced all the time"):
        store.load()


def test_an_append_reads_nothing(store, monkeypatch):
    """Its cost does not grow with state and log."""
    head = append(store, b"lock\n")
    monkeypatch.setattr(file, "_read_if_exists", None)
    for _ in range(3):
        head = store.append(b"record\n", at=head)


def test_a_backup_stands_beside_the_state(store, tmp_path):
    """The last one is kept, and the state is as it was."""
    assert isinstance(store, KeepsCopies)
    assert store.backup() is None
    append(store, b"lock\n")
    store.keep_backup(b"older")
    assert store.keep_backup(b"old") == str(tmp_path / "s.json.backup")
    assert opened(tmp_path).backup() == b"old"
    assert content(store) == (b"one", b"lock\n")
    assert names(tmp_path) == ["s.json", "s.json.backup", "s.json.journal"]
    assert store.earlier("any") is None


def test_a_link_to_the_state_stays_a_link(store, tmp_path):
    """The file behind a link is replaced, not the link."""
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "s.json")
    linked = FileStore(link, location="file:link.json")
    linked.replace(b"two", b"", at=append(linked, b"lock\n"))
    assert link.is_symlink()
    assert content(store) == (b"two", b"")


def test_failures_of_the_system_name_the_state(tmp_path):
    """A directory where the file should be, and a file where the directory should be, are reported."""
    directory = FileStore(tmp_path, location="file:.")
    with pytest.raises(StateUnavailable, match=r"cannot read file:\."):
        directory.load()
    (tmp_path / "plain").write_text("x")
    below = FileStore(tmp_path / "plain" / "s.json", location="file:plain/s.json")
    with pytest.raises(StateUnavailable, match=r"cannot write file:plain/s\.json"):
        below.replace(b"x", b"", at=None)


def test_what_is_no_regular_file_is_refused(tmp_path):
    """A pipe would be waited for without end, and a device read without end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        with pytest.raises(StateUnavailable, match="not a regular file"):
            FileStore(tmp_path / name, location="x").load()


def test_a_state_that_is_one_of_several_hard_links_takes_no_lock(store, tmp_path):
    """The other link would go on naming the old state."""
    (tmp_path / "other.json").hardlink_to(tmp_path / "s.json")
    with pytest.raises(StateUnavailable, match="one of 2 hard links") as caught:
        append(store, b"lock\n")
    assert "Remove the others" in caught.value.hint
    assert names(tmp_path) == ["other.json", "s.json"]
    (tmp_path / "other.json").unlink()
    append(store, b"lock\n")


def mount_over(path):
    """Mount `path` over itself, for this process only; return whether the machine allows that."""
    libc = ctypes.CDLL(None, use_errno=True)
    private = libc.unshare(0x20000) == 0 and libc.mount(None, b"/", None, 0x44000, None) == 0
    return private and libc.mount(os.fsencode(path), os.fsencode(path), None, 0x1000, None) == 0


def test_a_file_that_is_mounted_by_itself_takes_no_lock(store, tmp_path):
    """A rename cannot replace it; that is found before anything is sent, and leaves nothing."""
    child = os.fork()
    if child == 0:  # the mount ends with this process
        code = 77
        try:
            if mount_over(tmp_path / "s.json"):
                code = 1
                append(store, b"lock\n")
        except StateUnavailable as error:
            code = 0 if "Device or resource busy" in error.message and "mount its folder" in error.hint else 1
        except BaseException:  # noqa: BLE001 - a child of a test ends here
            code = 1
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 77:
        pytest.skip("this machine allows no mounts")
    assert code == 0
    assert names(tmp_path) == ["s.json"]


def test_a_write_that_fails_leaves_the_old_content(tmp_path):
    """A disk that refuses more bytes changes nothing and leaves nothing half-written behind."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from reconciler.stores.file import FileStore
        from reconciler.model.errors import OutcomeUnknown, StateUnavailable
        store = FileStore(Path(sys.argv[1]), location="x")
        head = store.append(b"head\\n", at=store.replace(b"one", b"", at=None))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400, unlimited[1]))
        for attempt in (
            lambda: store.append(b"x" * 1000 + b"\\n", at=head),
            lambda: store.replace(b"x" * 1000, b"", at=head),
        ):
            try:
                attempt()
            except StateUnavailable as error:
                assert not isinstance(error, OutcomeUnknown)
                print(error.message)
        head = store.append(b"small\\n", at=head)
        found = store.load()
        print(found.snapshot, found.log, found.head == head)
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)  # coverage writes a file at the end
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "s.json")], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "cannot write the log of x: File too large",
        "cannot write x: File too large",
        r"b'one' b'head\nsmall\n' True",
    ]
    assert names(tmp_path) == ["s.json", "s.json.journal"]


HOLDER = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from reconciler.stores.file import FileStore
    store = FileStore(Path(sys.argv[1]), location="x")
    head = store.append(b"lock\\n", at=store.load().head)
    store.append(b"intent\\n", at=head)
    print("held", flush=True)
    time.sleep(60)
    """
)


@pytest.fixture
def holder(store, tmp_path):
    """Another process that has appended, and lives."""
    assert content(store) == (b"one", b"")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "s.json")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_kernel_tells_whether_the_last_writer_lives(store, tmp_path, holder):
    """Until it is killed; what it wrote is there."""
    assert not store.has_ended("any")
    holder.kill()
    holder.wait()
    assert store.has_ended("any")
    assert content(store) == (b"one", b"lock\nintent\n")
    head = append(store, b"broken\n")
    assert not opened(tmp_path).has_ended("any")
    store.replace(b"two", b"", at=head)
    assert names(tmp_path) == ["s.json"]


def test_a_client_that_is_forgotten_has_ended(store, tmp_path):
    """Its flock does not outlive it within one process."""
    forgotten = opened(tmp_path)
    append(forgotten, b"lock\n")
    assert not store.has_ended("any")
    del forgotten
    assert store.has_ended("any")


def test_who_was_forced_out_sees_it_by_one_look_and_changes_nothing(store, tmp_path):
    """Not one byte of state, log or backup."""
    assert isinstance(store, Watches)
    head = append(store, b"lock\n", b"intent\n")
    store.keep_backup(b"old")
    assert store.is_undisturbed()
    other = opened(tmp_path)
    append(other, b"broken\n", b"lock\n")
    assert not store.is_undisturbed()
    assert other.is_undisturbed()
    for change in (
        lambda: store.append(b"late\n", at=head),
        lambda: store.replace(b"two", b"", at=head),
        lambda: store.replace(b"two", b"more\n", at=head),
        lambda: store.keep_backup(b"new"),
    ):
        with pytest.raises(StateConflict):
            change()
    assert content(other) == (b"one", b"lock\nintent\nbroken\nlock\n")
    assert other.backup() == b"old"


def test_a_new_log_file_of_ones_own_is_no_disturbance(store, monkeypatch):
    """Not even in the middle of the rename: an append of this run must not stop what it is about to send."""
    seen = []
    monkeypatch.setattr(file, "reach", lambda step, *_: step in WHILE_SWAPPED and seen.append(look()))
    look = store.is_undisturbed
    head = store.replace(b"two", b"lock\n", at=append(store, b"lock\n"))
    seen.clear()
    store.append(b"intent\n", at=head)
    assert seen == [True, True]


WHILE_SWAPPED = {Step.LOG_SWAP, Step.LOG_SWAPPED}

APPENDER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from reconciler.stores.file import FileStore
    from reconciler.model.errors import StateConflict
    store, done = FileStore(Path(sys.argv[1]), location="x"), 0
    while done < 40:
        found = store.load()
        try:
            if done % 4 == 3:
                total = int(found.snapshot) + found.log.count(b"+") + 1
                store.replace(b"%d" % total, b"", at=found.head)
            else:
                store.append(b"%s+%d\\n" % (sys.argv[2].encode(), done), at=found.head)
            done += 1
        except StateConflict:
            pass
    """
)


def test_four_writers_overwrite_nothing_of_each_other(tmp_path):
    """Each appends and folds at the head that it saw: nothing is lost, nothing counts twice."""
    store = opened(tmp_path)
    store.replace(b"0", b"", at=None)
    command = [sys.executable, "-c", APPENDER, str(tmp_path / "s.json")]
    writers = [subprocess.Popen([*command, name]) for name in "abcd"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
    snapshot, log = content(store)
    assert int(snapshot) + log.count(b"+") == 160


def test_where_no_folder_can_be_locked_a_hidden_file_is(store, monkeypatch):
    """NFS locks only files that can be written."""
    locked = []

    def flock(descriptor, how):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, "Bad file descriptor")
        locked.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        return real(descriptor, how)

    real = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", flock)
    append(store, b"lock\n")
    assert locked[0] == ".s.json.lock"


def test_a_folder_that_stays_locked_is_told(store, tmp_path, monkeypatch):
    """Another process that hangs in the middle of a change keeps others waiting for a while only."""
    monkeypatch.setattr(file, "_PATIENCE_S", 0.05)
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(StateUnavailable, match="for too long"):
        append(store, b"lock\n")
    os.close(folder)
    append(store, b"lock\n")


@pytest.mark.parametrize("tail", [b"00000000 {", b"\0" * 4096, b"\xff" * 10], ids=["torn", "zeros", "noise"])
def test_what_a_killed_writer_left_is_no_part_of_the_log(store, tmp_path, tail):
    """It is not read, and the next append removes it."""
    append(store, b"lock\n", b"intent\n")
    log = tmp_path / "s.json.journal"
    whole = log.read_bytes()
    log.write_bytes(whole + tail)
    (tmp_path / ".s.json.123.tmp").write_text("half")
    (tmp_path / ".s.json.journal.123.tmp").write_text("half")
    other = opened(tmp_path)
    assert content(other) == (b"one", b"lock\nintent\n")
    append(other, b"broken\n")
    assert log.read_bytes() == whole + b"broken\n"
    assert names(tmp_path) == ["s.json", "s.json.journal"]


def test_a_link_where_a_scratch_file_will_be_is_not_followed(store, tmp_path):
    """A pull request can bring one for each number that a process may have."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    links = [tmp_path / f".s.json{kind}.{os.getpid()}.tmp" for kind in ("", ".journal", ".backup")]
    for change in (
        lambda: append(opened(tmp_path), b"lock\n"),
        lambda: opened(tmp_path).keep_backup(b"one"),
        lambda: store.replace(b"two", b"", at=store.load().head),
    ):
        for link in links:
            link.unlink(missing_ok=True)
            link.symlink_to(victim)
        change()
        assert victim.read_text() == "precious"
    assert content(store) == (b"two", b"")
    assert not (tmp_path / "s.json").is_symlink()


class KilledError(BaseException):
    """The process ends here."""


CHANGES = {
    "append": lambda store, head: store.append(b"more\n", at=head),
    "commit": lambda store, head: store.replace(b"two", b"lock\n", at=head),
    "fold": lambda store, head: store.replace(b"two", b"", at=head),
    "release": lambda store, head: store.replace(b"one", b"", at=head),
    "new log": lambda store, head: store.replace(b"one", b"new\n", at=head),
}
LINES = (b"lock\n", b"record\n")


class Stepping:
    """Raises `failure` at the step `nth`, and keeps the steps that were reached."""

    def __init__(self, patch, failure, nth):
        self.steps = []
        self._failure, self._nth = failure, nth
        patch.setattr(file, "reach", self.reach)
        patch.setattr(file, "write_all", lambda to, data, step: (self.reach(step), os.write(to, data)))
        patch.setattr(file, "flush", lambda _, step: self.reach(step))

    def reach(self, step, *_):
        """Note the step; fail if its turn has come."""
        if step is not Step.SCRATCH_DROP:
            self.steps.append(step)
            if len(self.steps) == self._nth:
                raise self._failure(errno.EIO, "failed")


@pytest.fixture(params=["at rest", "own log", "another's log"])
def begin(request):
    """A function that makes a state in a folder; a client of it."""

    def made(folder):
        folder.mkdir()
        store = opened(folder)
        store.replace(b"one", b"", at=None)
        if request.param != "at rest":
            append(store, *LINES)
        return opened(folder) if request.param == "another's log" else store

    return made


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("failure", [KilledError, OSError])
def test_a_kill_or_failure_at_any_step_changes_both_or_neither(begin, change, failure, tmp_path):
    """Afterwards there is the old content or the new one, what is raised fits, and the next change works."""
    seen, made = set(), set()
    for nth in range(1, 100):
        store = begin(tmp_path / str(nth))
        folder, before, raised = tmp_path / str(nth), content(store), None
        with pytest.MonkeyPatch.context() as patch:
            stepping = Stepping(patch, failure, nth)
            try:
                change(store, store.load().head)
            except (KilledError, StateUnavailable) as error:
                raised = error
        after = content(opened(folder))
        seen.add(after)
        if type(raised) is StateUnavailable:
            assert after == before, stepping.steps
        go_on = store if isinstance(raised, StateUnavailable) else opened(folder)
        head = append(go_on, b"next\n", b"last\n")
        assert content(opened(folder)) == (after[0], after[1] + b"next\nlast\n"), stepping.steps
        go_on.replace(b"three", b"", at=head)
        assert content(opened(folder)) == (b"three", b"")
        assert names(folder) == ["s.json"]
        if raised is None:
            made.add(after)
        if len(stepping.steps) < nth:
            break
    assert made == {after}
    assert seen == {before, after}
    assert nth > 5


def test_a_smaller_append_may_fit_where_one_failed(store, tmp_path, monkeypatch):
    """It goes to the same file: a full disk has no room for a new one."""
    head = append(store, b"lock\n")
    before = inode(tmp_path / "s.json.journal")
    with monkeypatch.context() as patch:
        patch.setattr(file, "write_all", lambda *_: os.open("/dev/null/no", os.O_RDONLY))
        with pytest.raises(StateUnavailable):
            store.append(b"large\n", at=head)
    store.append(b"small\n", at=head)
    assert inode(tmp_path / "s.json.journal") == before


def test_an_append_that_failed_half_way_can_be_repeated(store, monkeypatch):
    """Also if its first half cannot be cut off at once."""
    head = append(store, b"lock\n")
    failing = {Step.LOG_FLUSH, Step.LOG_DROP}

    def reach(step, *_):
        if step in failing:
            raise OSError(errno.EIO, "failed")

    with monkeypatch.context() as patch:
        patch.setattr(file, "reach", reach)
        patch.setattr(file, "flush", lambda _, step: reach(step))
        with pytest.raises(OutcomeUnknown):
            store.append(b"one\ntwo\n", at=head)
        assert store.load().head == head
        failing = {Step.LOG_FLUSH}
        with pytest.raises(StateUnavailable) as caught:
            store.append(b"one\ntwo\n", at=head)
        assert type(caught.value) is StateUnavailable
    store.append(b"one\ntwo\n", at=head)
    assert content(store) == (b"one", b"lock\none\ntwo\n")


def test_a_failure_behind_the_commit_point_leaves_it_open(store, monkeypatch):
    """The caller has to look: the change is made, but perhaps not durable."""
    head = append(store, b"lock\n")

    def reach(step, *_):
        if step is Step.SNAPSHOT_SWAPPED:
            raise OSError(errno.EIO, "failed")

    monkeypatch.setattr(file, "reach", reach)
    with pytest.raises(OutcomeUnknown, match="cannot write file:s"):
        store.replace(b"two", b"", at=head)
    assert content(store) == (b"two", b"")


def test_a_snapshot_that_is_gone_is_not_made_up(store, tmp_path):
    """SIDs that come in are still recorded; all else is refused until it is put back or restored."""
    head = append(store, b"lock\n", b"intent\n")
    (tmp_path / "s.json").rename(tmp_path / "away")
    head = store.append(b"created\n", at=head)
    for refused in (
        opened(tmp_path).load,
        lambda: store.replace(b"two", b"", at=head),
        lambda: opened(tmp_path).replace(b"new", b"", at=None),
    ):
        with pytest.raises(StateDamaged, match="does not exist, but its log does") as caught:
            refused()
        assert "reconciler state restore" in caught.value.hint
    (tmp_path / "away").rename(tmp_path / "s.json")
    assert content(store) == (b"one", b"lock\nintent\ncreated\n")


@pytest.mark.parametrize("log", [b"", b"lock\n"])
@pytest.mark.parametrize("there", [None, b"edited", b"restored"])
@pytest.mark.parametrize("snapshot", [b"restored", b"one"])
def test_a_state_that_its_log_does_not_follow_can_be_restored(store, tmp_path, there, snapshot, log):
    """The error gives the log that is there, and the head that a change which restores the state names."""
    append(store, b"lock\n", b"intent\n")
    path = tmp_path / "s.json"
    path.unlink() if there is None else path.write_bytes(there)
    client = opened(tmp_path)
    with pytest.raises(StateDamaged) as caught:
        client.load()
    assert caught.value.log == b"lock\nintent\n"
    head = client.replace(snapshot, log, at=caught.value.head)
    assert opened(tmp_path).load() == Stored(snapshot=snapshot, log=log, head=head)


def test_a_log_that_was_removed_or_cut_is_another_head(store, tmp_path):
    """The run that wrote it is refused."""
    head = append(store, b"lock\n", b"intent\n")
    log = tmp_path / "s.json.journal"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(StateConflict):
        store.append(b"created\n", at=head)
    log.unlink()
    with pytest.raises(StateConflict):
        store.append(b"created\n", at=head)
    assert not store.is_undisturbed()


def test_a_marker_is_a_journal_that_is_too_new_to_earlier_versions(store, tmp_path):
    """Its line has their form: checksum, number and type; its version is higher than theirs."""
    append(store, b"lock\n")
    line = (tmp_path / "s.json.journal").read_bytes().splitlines()[0]
    assert line[:9] == b"%08x " % zlib.crc32(line[9:])
    header = json.loads(line[9:])
    assert (header["type"], header["number"], header["formatVersion"]) == ("journal", 0, 3)


@pytest.fixture
def early(tmp_path):
    """What a killed run of an earlier version left: snapshot, journal and lock file."""
    (tmp_path / "s.json").write_bytes(b"one")
    (tmp_path / "s.json.journal").write_bytes(b"header\nintent\ntor")
    (tmp_path / "s.json.lock").write_text("{}")
    return opened(tmp_path)


@pytest.mark.parametrize("log", [b"", b"lock\n"])
def test_a_journal_of_an_earlier_version_is_the_log_until_it_is_replaced(early, tmp_path, log):
    """Then its files are removed, at the latest with the log."""
    found = early.load()
    assert (found.snapshot, found.log) == (b"one", b"header\nintent\n")
    head = early.replace(b"two", log, at=found.head)
    assert content(opened(tmp_path)) == (b"two", log)
    early.replace(b"three", b"", at=head)
    assert names(tmp_path) == ["s.json"]
    assert content(early) == (b"three", b"")


def test_a_run_of_an_earlier_version_keeps_its_lock(early, tmp_path):
    """While its process lives, nothing is changed."""
    before = names(tmp_path)
    lock = os.open(tmp_path / "s.json.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    found = early.load()
    with pytest.raises(StateLocked, match="an earlier version") as caught:
        early.replace(b"two", b"", at=found.head)
    assert "s.json.lock" in caught.value.message
    assert names(tmp_path) == before
    os.close(lock)
    early.replace(b"two", b"", at=found.head)


@pytest.mark.parametrize("url", ["file:", "file://host/x", "file:a?b", "file:a#b"])
def test_urls_that_name_no_file_are_refused(url, tmp_path):
    """Each says how to write one."""
    with pytest.raises(UsageError) as caught:
        open_file(url, root=tmp_path)
    assert "file:exams.state.json" in caught.value.hint


def test_a_relative_url_is_below_the_root(tmp_path):
    """The state is where the workspace is, not where the process happens to be."""
    open_file("file:sub%20folder/s.json", root=tmp_path).replace(b"x", b"", at=None)
    assert (tmp_path / "sub folder" / "s.json").read_bytes() == b"x"
    open_file(f"file://{tmp_path}/t.json", root=tmp_path / "elsewhere").replace(b"x", b"", at=None)
    assert (tmp_path / "t.json").exists()
