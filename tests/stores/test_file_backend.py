"""The local file: durable, compared before it is swapped, locked by the operating system."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from reconciler.host import lock_info
from reconciler.model.errors import StateLocked, StateUnavailable, UnlockRefused, UsageError
from reconciler.ports import Breaking, Liveness
from reconciler.stores.file import FileStore
from reconciler.stores.opening import open_store


def names(folder):
    """What stands in `folder`, sorted."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def backend(tmp_path):
    """A store in a folder of its own, which does not exist yet."""
    return FileStore(tmp_path / "state" / "s.json", location="file:state/s.json")


def test_a_write_leaves_no_scratch_file(backend, tmp_path):
    """Only the state stands there afterwards."""
    backend.write(b"one", replacing=None)
    assert names(tmp_path / "state") == ["s.json"]


def test_a_backup_stands_beside_the_state(backend, tmp_path):
    """The last one is kept, and the state is as it was."""
    backend.write(b"one", replacing=None)
    backend.back_up(b"older")
    kept = backend.back_up(b"old")
    assert kept == str(tmp_path / "state" / "s.json.backup")
    assert (tmp_path / "state" / "s.json.backup").read_bytes() == b"old"
    assert backend.read().data == b"one"
    assert names(tmp_path / "state") == ["s.json", "s.json.backup"]


def test_a_link_to_the_state_stays_a_link(backend, tmp_path):
    """The file behind a link is replaced, not the link."""
    backend.write(b"one", replacing=None)
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "state" / "s.json")
    linked = FileStore(link, location="file:link.json")
    linked.write(b"two", replacing=linked.read().version)
    assert link.is_symlink()
    assert backend.read().data == b"two"


def test_failures_of_the_system_name_the_state(tmp_path):
    """A directory where the file should be, and a file where the directory should be, are reported."""
    directory = FileStore(tmp_path, location="file:.")
    with pytest.raises(StateUnavailable, match=r"cannot read file:\."):
        directory.read()
    (tmp_path / "plain").write_text("x")
    below = FileStore(tmp_path / "plain" / "s.json", location="file:plain/s.json")
    with (
        pytest.raises(StateUnavailable, match=r"cannot lock file:plain/s\.json"),
        below.lock(lock_info("test"), timeout_s=0),
    ):
        pass


def test_what_is_no_regular_file_is_refused(tmp_path):
    """A pipe would be waited for without end, and a device read without end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        with pytest.raises(StateUnavailable, match="not a regular file"):
            FileStore(tmp_path / name, location="x").read()


def test_a_write_that_fails_leaves_the_old_content(tmp_path):
    """A disk that refuses more bytes changes nothing and leaves nothing half-written behind."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from reconciler.stores.file import FileStore
        from reconciler.model.errors import StateUnavailable
        backend = FileStore(Path(sys.argv[1]), location="x")
        version = backend.write(b"one", replacing=None)
        backend.append_journal(b"head", after=0)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, unlimited[1]))
        for attempt in (
            lambda: backend.write(b"x" * 1000, replacing=version),
            lambda: backend.append_journal(b"x" * 1000, after=4),
        ):
            try:
                attempt()
            except StateUnavailable as error:
                print(error.message)
        print(backend.read().data, backend.read_journal())
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)  # coverage writes a file at the end
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "s.json")], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "cannot write x: File too large",
        "cannot write the journal of x: File too large",
        "b'one' b'head'",
    ]
    assert names(tmp_path) == ["s.json", "s.json.journal"]


HOLDER = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from reconciler.stores.file import FileStore
    from reconciler.host import lock_info
    with FileStore(Path(sys.argv[1]), location="x").lock(lock_info("apply"), timeout_s=0):
        print("held", flush=True)
        time.sleep(60)
    """
)


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "s.json")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_kept_out_and_told_by_whom(tmp_path, holder):
    """The lock names its holder: who, where, which process, since when, which command."""
    backend = FileStore(tmp_path / "s.json", location="file:s.json")
    with (
        pytest.raises(StateLocked, match=rf"process {holder.pid}, since .*`apply`") as caught,
        backend.lock(lock_info("apply"), timeout_s=0),
    ):
        pass
    assert "--lock-timeout" in caught.value.hint


def test_a_killed_holder_lets_go(tmp_path, holder):
    """The kernel releases the lock of a dead process; nobody has to break it by hand."""
    backend = FileStore(tmp_path / "s.json", location="file:s.json")
    holder.send_signal(signal.SIGKILL)
    with backend.lock(lock_info("apply"), timeout_s=10):
        pass


def test_the_lock_leaves_no_file_and_tidies_scratch_files(tmp_path):
    """Released, the lock file is gone, and so is what a killed writer left half-written."""
    backend = FileStore(tmp_path / "s.json", location="x")
    (tmp_path / ".s.json.123.tmp").write_text("half")
    with backend.lock(lock_info("test"), timeout_s=0):
        assert (tmp_path / "s.json.lock").exists()
    assert names(tmp_path) == []


def test_a_release_leaves_another_holders_file(tmp_path):
    """Who lost its lock file to somebody's rm does not remove the next holder's."""
    backend = FileStore(tmp_path / "s.json", location="x")
    with backend.lock(lock_info("first"), timeout_s=0):
        (tmp_path / "s.json.lock").unlink()
        (tmp_path / "s.json.lock").write_text("the next holder's")
    assert names(tmp_path) == ["s.json.lock"]


def test_who_holds_the_lock_can_be_asked(tmp_path, holder):
    """The holder is shown while it lives, and as dead once it was killed; without a lock there is none."""
    backend = FileStore(tmp_path / "s.json", location="x")
    found = backend.lock_holder()
    assert (found.info.pid, found.info.command, found.liveness) == (holder.pid, "apply", Liveness.ALIVE)
    holder.kill()
    holder.wait()
    assert backend.lock_holder().liveness is Liveness.ENDED
    backend.break_lock(found.info.lock_id, breaking=Breaking.DEAD)
    assert backend.lock_holder() is None
    assert names(tmp_path) == []


def test_a_live_holder_keeps_its_lock_unless_it_is_forced(tmp_path, holder):
    """A live one is refused, so is another id; forced, the next run gets the lock."""
    backend = FileStore(tmp_path / "s.json", location="x")
    lock_id = backend.lock_holder().info.lock_id
    with pytest.raises(UnlockRefused, match="alive"):
        backend.break_lock(lock_id, breaking=Breaking.DEAD)
    with pytest.raises(UnlockRefused, match="not by the lock other"):
        backend.break_lock("other", breaking=Breaking.EVEN_LIVE)
    with pytest.raises(StateLocked), backend.lock(lock_info("t"), timeout_s=0):
        pass
    assert backend.break_lock(lock_id, breaking=Breaking.EVEN_LIVE).liveness is Liveness.ALIVE
    with backend.lock(lock_info("next"), timeout_s=0):
        assert holder.poll() is None
        assert backend.lock_holder().info.command == "next"


def test_there_may_be_nothing_to_break(tmp_path):
    """No lock, and a lock file with nonsense in it, are refused and left as they are."""
    backend = FileStore(tmp_path / "s.json", location="x")
    with pytest.raises(UnlockRefused, match="not locked"):
        backend.break_lock("any", breaking=Breaking.EVEN_LIVE)
    (tmp_path / "s.json.lock").write_text("nonsense")
    with pytest.raises(UnlockRefused, match="does not say who"):
        backend.break_lock("any", breaking=Breaking.EVEN_LIVE)
    assert (tmp_path / "s.json.lock").read_text() == "nonsense"


BREAKS = {
    "unlock": lambda other, _: other.break_lock(
        other.lock_holder().info.lock_id, breaking=Breaking.EVEN_LIVE
    ),
    "rm": lambda _, path: path.unlink(),
    "another's": lambda _, path: path.with_name("new").rename(path),
}


@pytest.mark.parametrize("taken", BREAKS.values(), ids=BREAKS.keys())
def test_a_holder_whose_lock_was_broken_changes_nothing(tmp_path, taken):
    """However the lock was taken away, not one byte of state, journal or backup changes any more."""
    backend, other = (FileStore(tmp_path / "s.json", location="x") for _ in range(2))
    (tmp_path / "new").write_text("another's lock")
    with backend.lock(lock_info("first"), timeout_s=0):
        version = backend.write(b"one", replacing=None)
        backend.append_journal(b"head|", after=0)
        backend.back_up(b"old")
        taken(other, tmp_path / "s.json.lock")
        for change in (
            lambda: backend.write(b"two", replacing=version),
            lambda: backend.append_journal(b"more", after=5),
            backend.clear_journal,
            lambda: backend.back_up(b"new"),
        ):
            with pytest.raises(StateUnavailable, match="taken away"):
                change()
        assert (other.read().data, other.read_journal()) == (b"one", b"head|")
        assert (tmp_path / "s.json.backup").read_bytes() == b"old"


INCREMENTER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from reconciler.stores.file import FileStore
    from reconciler.model.errors import StateConflict
    backend, done = FileStore(Path(sys.argv[1]), location="x"), 0
    while done < 40:
        found = backend.read()
        try:
            backend.write(b"%d" % (int(found.data) + 1), replacing=found.version)
            done += 1
        except StateConflict:
            pass
    """
)


def test_writers_without_a_lock_overwrite_nothing_of_each_other(tmp_path):
    """Compare-and-swap holds between processes by itself: no update of four writers is lost."""
    backend = FileStore(tmp_path / "s.json", location="x")
    backend.write(b"0", replacing=None)
    command = [sys.executable, "-c", INCREMENTER, str(tmp_path / "s.json")]
    writers = [subprocess.Popen(command) for _ in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    assert backend.read().data == b"160"


def test_an_unreadable_holder_is_still_a_holder(tmp_path, holder):
    """A lock file with nonsense in it keeps others out all the same."""
    (tmp_path / "s.json.lock").write_text("nonsense")
    backend = FileStore(tmp_path / "s.json", location="x")
    with pytest.raises(StateLocked, match="another run"), backend.lock(lock_info("t"), timeout_s=0):
        pass
    assert holder.poll() is None


@pytest.mark.parametrize(
    "url", ["exams.json", "ftp://host/x", "file:", "file://host/x", "file:a?b", "file:a#b", ""]
)
def test_urls_that_name_no_store_are_refused(url, tmp_path):
    """Each says how to write one."""
    with pytest.raises(UsageError) as caught:
        open_store(url, root=tmp_path)
    assert "file:exams.state.json" in caught.value.hint


def test_a_relative_url_is_below_the_root(tmp_path):
    """The state is where the workspace is, not where the process happens to be."""
    open_store("file:sub%20folder/s.json", root=tmp_path).write(b"x", replacing=None)
    assert (tmp_path / "sub folder" / "s.json").read_bytes() == b"x"
    open_store(f"file://{tmp_path}/t.json", root=tmp_path / "elsewhere").write(b"x", replacing=None)
    assert (tmp_path / "t.json").exists()
