"""State in a branch of git: its history, its neighbours, late and lost answers, and who else pushes."""

import os
import re
import shutil
import stat
import time
from pathlib import Path

import pytest
from git_repositories import bare, git, push_files, refusal

from reconciler.fault_points import Step
from reconciler.model.errors import (
    OutcomeUnknown,
    StateConflict,
    StateDamaged,
    StateLocked,
    StateUnavailable,
)
from reconciler.ports import KeepsCopies
from reconciler.stores import git_repository
from reconciler.stores.git import open_git
from reconciler.stores.git_command import Git

LOCK = "refs/reconciler/lock/exam-state"
SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(tmp_path):
    """A bare repository."""
    return bare(tmp_path / "exams.git")


@pytest.fixture
def place(tmp_path, repository):
    """Opens clients of the state in it."""
    return lambda options="": open_git(f"git+file://{repository}{options}", root=tmp_path)


def a_hook(repository, name, script):
    """Have the repository run `script`."""
    hook = repository / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)


@pytest.fixture
def calls(monkeypatch):
    """The calls that reach the repository; those whose step and number are in `failing` fail."""

    class Calls(list):
        failing = frozenset()

    seen = Calls()

    def reach(step):
        seen.append(step)
        if (step, seen.count(step)) in seen.failing:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(git_repository, "reach", reach)
    return seen


def fail(calls, step, nth=1):
    """Have the `nth` reach of `step` from now on fail as a call of the system does."""
    calls.failing = {(step, calls.count(step) + nth)}


def files(repository, branch="exam-state"):
    """The files of the branch."""
    return git(repository, "ls-tree", "-r", "--name-only", branch).split()


def test_the_history_tells_who_when_what_and_from_which_commit(place, repository, monkeypatch):
    """One commit for each change, on a branch of its own that other branches share nothing with."""
    monkeypatch.delenv("CI_COMMIT_SHA", raising=False)
    monkeypatch.setenv("GITHUB_SHA", SHA)
    main = push_files(repository, "main", {"README.md": "hello"})
    store = place()
    head = store.replace(b"one", b"", at=None, note="init: an empty state")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "J. Doe")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "jdoe@example.edu")
    store = place()
    head = store.append(b"x\n", at=head, note="apply: 1 created\n\ncs/a: created as EX1")
    head = store.append(b"y\n", at=head)
    store.replace(b"two", b"", at=head)
    form = "--format=%an <%ae>|%s|%(trailers:unfold,separator=%x2C)"
    log = git(repository, "log", "--reverse", form, "exam-state")
    trailer = f"Manifests-Commit: {SHA}"
    assert log.splitlines() == [
        f"reconciler <reconciler@localhost>|init: an empty state [skip ci]|{trailer}",
        f"J. Doe <jdoe@example.edu>|apply: 1 created [skip ci]|{trailer}",
        f"J. Doe <jdoe@example.edu>|append to the log [skip ci]|{trailer}",
        f"J. Doe <jdoe@example.edu>|write state [skip ci]|{trailer}",
    ]
    assert "  cs/a: created as EX1" in git(repository, "log", "--format=%b", "exam-state")
    when = int(git(repository, "log", "-1", "--format=%at", "exam-state"))
    assert abs(when - time.time()) < 3600
    assert git(repository, "rev-parse", "main").strip() == main
    assert git(repository, "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/exam-state",
        "refs/heads/main",
    ]
    assert "error" not in git(repository, "fsck", "--strict", "--no-dangling")


def test_the_manifests_commit_is_what_is_checked_out(tmp_path, repository, monkeypatch):
    """Without a pipeline that says so; nothing is said where nothing is checked out."""
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    monkeypatch.delenv("CI_COMMIT_SHA", raising=False)
    commit = push_files(repository, "main", {"README.md": "hello"})
    git(tmp_path, "clone", "--quiet", str(repository), "work")
    (tmp_path / "work" / "terms").mkdir()
    head = None
    for name in ("work/terms", "."):
        store = open_git(f"git+file://{repository}", root=tmp_path / name)
        head = store.replace(os.urandom(4), b"", at=head)
    said = git(repository, "log", "--format=%(trailers:key=Manifests-Commit,valueonly)", "exam-state").split()
    assert said == [commit]


def test_appends_fill_folder_after_folder(place, repository, monkeypatch):
    """What is behind a folder's end is read in its turn; the next snapshot removes all of them."""
    monkeypatch.setattr("reconciler.stores.git._FOLDER_FILES", 3)
    store = place()
    head = store.replace(b"one", b"0", at=None)
    for number in range(1, 8):
        head = (store if number % 3 else place()).append(b"%d" % number, at=head)
    assert place().load().log == b"01234567"
    assert files(repository)[-1] == "exams.state.json.log/0002/001"
    store.replace(b"two", b"", at=head)
    assert files(repository) == ["exams.state.json"]


def test_a_change_is_one_call_and_a_load_another(place, calls):
    """Also for a client that knows the head from its own last change; a stranger's needs a look."""
    store = place()
    head = store.replace(b"one", b"", at=None)
    calls.clear()
    head = store.append(b"x\n", at=head)
    head = store.replace(b"two", b"y\n", at=head)
    assert calls.count(Step.STORE_CALL) == 2
    other = place()
    assert other.load().head == head
    other.append(b"z\n", at=head)
    assert calls.count(Step.STORE_CALL) == 4


def test_what_is_pushed_to_this_machine_is_on_its_disk(place, tmp_path, monkeypatch):
    """Commit, folders and file, before the change is acknowledged."""
    (tmp_path / "settings").write_text(f"[trace2]\n  eventTarget = {tmp_path}/trace\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    place().replace(b"one", b"", at=None)
    flushed = re.findall(r'"key":"fsync/hardware-flush","value":"(\d+)"', (tmp_path / "trace").read_text())
    assert "3" in flushed, flushed


@pytest.mark.parametrize(
    ("path", "mode", "problem"),
    [
        ("README.md", "100644", "it holds README.md"),
        ("exams.state.json", "120000", "not a regular file"),
        ("exams.state.json", "160000", "not a regular file"),
        ("exams.state.json.log", "100644", "exams.state.json.log"),
    ],
)
def test_a_branch_of_something_else_is_left_alone(place, repository, path, mode, problem):
    """Code, a link or a submodule where state should be: neither read nor overwritten."""
    commit = push_files(repository, "exam-state", {path: SHA}, mode=mode)
    store = place()
    for call in (
        store.load,
        lambda: store.replace(b"x", b"", at=None),
        lambda: store.append(b"x", at=commit),
        lambda: store.keep_backup(b"x"),
    ):
        error = refusal(StateUnavailable, call)
        assert problem in error.message
        assert "branch of its own" in error.hint
    assert git(repository, "rev-parse", "exam-state").strip() == commit


def test_two_states_have_a_branch_each(place):
    """Side by side in one repository."""
    place("#branch=a").replace(b"one", b"", at=None)
    place("#branch=b&path=deep/er.json").replace(b"two", b"x\n", at=None)
    assert place("#branch=a").load().snapshot == b"one"
    assert place("#branch=b&path=deep/er.json").load().snapshot == b"two"
    assert place("#branch=b&path=deep/er.json").load().log == b"x\n"
    assert "deep/er.json" in refusal(StateUnavailable, place("#branch=b").load).message


def test_a_branch_without_files_is_an_absent_state(place, repository):
    """What a person emptied by a commit can be begun again, on top of it."""
    commit = push_files(repository, "exam-state", {})
    assert place().load() is None
    refusal(StateConflict, lambda: place().append(b"x", at=commit))
    place().replace(b"one", b"", at=None)
    assert git(repository, "rev-parse", "exam-state^").strip() == commit


def test_who_pushes_besides_is_not_overwritten(place, repository):
    """The client is refused at its next change, and changes nothing."""
    store = place()
    head = store.replace(b"one", b"", at=None)
    other = push_files(repository, "exam-state", {"exams.state.json": "by hand"})
    for change in (
        lambda: store.append(b"x", at=head),
        lambda: store.replace(b"two", b"", at=head),
        lambda: store.replace(b"two", b"", at=None),
        lambda: place().append(b"x", at=head),
    ):
        refusal(StateConflict, change)
    assert git(repository, "rev-parse", "exam-state").strip() == other
    assert place().load().snapshot == b"by hand"


def test_a_branch_that_is_put_back_or_removed_is_noticed(place, repository):
    """An older commit and none at all are not what the client saw, either."""
    store = place()
    first = store.replace(b"one", b"", at=None)
    head = store.append(b"x", at=first)
    git(repository, "update-ref", "refs/heads/exam-state", first)
    refusal(StateConflict, lambda: store.append(b"y", at=head))
    assert git(repository, "rev-parse", "exam-state").strip() == first
    git(repository, "update-ref", "-d", "refs/heads/exam-state")
    refusal(StateConflict, lambda: store.append(b"y", at=head))
    refusal(StateConflict, lambda: store.replace(b"y", b"", at=head))
    assert place().load() is None


def test_of_two_who_make_one_commit_one_succeeds(place):
    """In one second, with the same words, it has the same id: who finds it in place did not put it there."""
    head = place().replace(b"one", b"", at=None)
    for _ in range(5):
        one, two = place(), place()
        assert one.load() == two.load()
        following = one.append(b"x\n", at=head)
        refusal(StateConflict, lambda: two.append(b"x\n", at=head))  # noqa: B023 - called at once
        head = following


@pytest.mark.parametrize("kind", ["append", "replace"])
def test_a_lost_answer_leaves_open_what_was_done(place, calls, kind):
    """A load tells; at the old head nothing more can be done."""
    store = place()
    head = store.replace(b"one", b"", at=None)

    def change():
        return store.append(b"x", at=head) if kind == "append" else store.replace(b"two", b"x", at=head)

    fail(calls, Step.STORE_CALLED)
    error = refusal(OutcomeUnknown, change)
    assert "Input/output error" in error.message
    found = store.load()
    assert (found.snapshot, found.log) == (b"one" if kind == "append" else b"two", b"x")
    refusal(StateConflict, change)
    store.append(b"y", at=found.head)
    assert place().load().log == b"xy"


def test_what_was_never_sent_is_certainly_not_done(place, calls):
    """And can be done at the same head."""
    store = place()
    head = store.replace(b"one", b"", at=None)
    fail(calls, Step.STORE_CALL)
    error = refusal(StateUnavailable, lambda: store.append(b"x", at=head))
    assert not isinstance(error, OutcomeUnknown)
    store.append(b"y", at=head)
    assert place().load().log == b"y"


@pytest.mark.usefixtures("far_away")
def test_a_server_that_refuses_is_quoted(place, repository):
    """Its words, without escape sequences, and what to do; nothing is left behind."""
    store = place()
    head = store.replace(b"one", b"", at=None)
    a_hook(
        repository,
        "pre-receive",
        "printf 'GH006: \\033[31mno pushes\\033[0m to https://u:pw@h/x\\n' >&2; exit 1",
    )
    error = refusal(StateUnavailable, lambda: store.append(b"x", at=head))
    assert not isinstance(error, OutcomeUnknown)
    assert error.retry_after_s is None
    assert "GH006: \ufffd[31mno pushes\ufffd[0m to https://h/x" in error.message
    assert "pre-receive hook declined" in error.message
    assert "rules" in error.hint
    (repository / "hooks" / "pre-receive").unlink()
    store.append(b"x", at=head)


def test_a_ref_that_is_busy_may_be_tried_again(place, repository):
    """The server's own lock of the ref, held by somebody else for a moment."""
    store = place()
    head = store.replace(b"one", b"", at=None)
    busy = repository / "refs" / "heads" / "exam-state.lock"
    busy.touch()
    error = refusal(StateUnavailable, lambda: store.append(b"x", at=head))
    assert not isinstance(error, OutcomeUnknown)
    assert error.retry_after_s == 0
    busy.unlink()
    store.append(b"x", at=head)


@pytest.mark.parametrize(
    "setting",
    ["receive.denyDeletes true", "receive.denyNonFastForwards true", "receive.advertiseAtomic false"],
)
def test_a_server_that_lets_nothing_go_keeps_a_state(place, repository, setting):
    """One that forbids to delete and to force: nothing but the branch is ever made there."""
    git(repository, "config", *setting.split())
    store = place()
    head = store.replace(b"one", b"", at=None)
    head = store.append(b"x", at=head)
    store.replace(b"two", b"", at=head)
    assert git(repository, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/exam-state"]


def an_older_state(repository):
    """A state with a journal and a backup, as earlier versions had it; return its last commit."""
    push_files(repository, "exam-state", {"exams.state.json": "old", "exams.state.json.backup": "older"})
    appends = {f"exams.state.json.journal/0000/{number}": f"{number}\n" for number in ("000", "001")}
    return push_files(repository, "exam-state", appends)


def test_the_files_of_earlier_versions_are_read_and_removed(place, repository):
    """The journal is the log, the backup the backup, until the next snapshot is in the branch."""
    commit = an_older_state(repository)
    store = place()
    found = store.load()
    assert (found.snapshot, found.log, found.head) == (b"old", b"000\n001\n", commit)
    assert store.backup() == b"older"
    head = store.replace(b"new", b"", at=found.head)
    assert files(repository) == ["exams.state.json"]
    assert store.load().head == head
    assert store.backup() == b"old"


@pytest.mark.parametrize("lock", [LOCK, "refs/heads/state-lock"])
def test_a_lock_of_an_earlier_version_is_respected(place, repository, lock):
    """The state can be read, and is changed once the ref is gone; a log of this version's stands above it."""
    options = "" if lock == LOCK else f"#lock-ref={lock}"
    commit = an_older_state(repository)
    git(repository, "update-ref", f"{lock}-of-another", commit)
    git(repository, "update-ref", lock, commit)
    store = place(options)
    assert store.load().snapshot == b"old"
    for change in (
        lambda: store.replace(b"new", b"", at=commit),
        lambda: store.append(b"x\n", at=commit),
        lambda: place(options).append(b"x\n", at=commit),
    ):
        error = refusal(StateLocked, change)
        assert lock in error.message
        assert f"git push {repository} --delete {lock}" in error.hint
    git(repository, "update-ref", "-d", lock)
    assert store.load().head == commit
    head = store.replace(b"new", b"x\n", at=commit)
    git(repository, "update-ref", lock, commit)
    assert store.load().log == b"x\n"
    store.append(b"y\n", at=head)


def test_a_log_without_its_state_is_damage(place, repository):
    """It is never taken for an absent state."""
    an_older_state(repository)
    push_files(repository, "exam-state", {}, drops=["exams.state.json"])
    error = refusal(StateDamaged, place().load)
    assert "state restore" in error.hint
    assert place().backup() == b"old"


def test_the_history_keeps_every_snapshot(place, repository):
    """The one before the last change is the backup; each commit's own is found by its id."""
    store = place()
    assert isinstance(store, KeepsCopies)
    assert store.backup() is None
    assert store.keep_backup(b"") is None
    assert store.earlier(SHA) is None
    one = store.replace(b"one", b"", at=None)
    assert store.backup() is None
    two = store.append(b"x\n", at=one)
    assert store.keep_backup(b"one") == f"commit {two[:12]} of the branch exam-state"
    three = store.replace(b"two", b"", at=two)
    four = store.replace(b"two", b"y\n", at=three)
    five = store.replace(b"two", b"", at=four)
    fresh = place()
    assert fresh.backup() == b"one"
    assert fresh.keep_backup(b"two") == store.keep_backup(b"two")
    assert [fresh.earlier(each) for each in (one, two[:8], three, four)] == [b"one", b"one", b"two", b"two"]
    other = push_files(repository, "main", {"exams.state.json": "other"})
    blob = git(repository, "rev-parse", "exam-state:exams.state.json").strip()
    names = (other, blob, "exam-state", "HEAD", "--all", f"{one}^", "", "abc", SHA, one.upper())
    assert [fresh.earlier(name) for name in names] == [None] * len(names)
    assert fresh.load().snapshot == b"two"
    fresh.append(b"z\n", at=five)
    refusal(StateConflict, lambda: store.append(b"refused\n", at=five))
    refused = git(store._repository.directory, "rev-parse", "refs/reconciler/built").strip()
    assert store.earlier(refused) is None


def test_no_run_is_known_to_have_ended(place):
    """It may be on another machine."""
    assert place().has_ended("1") is False


@pytest.mark.usefixtures("far_away")
def test_a_call_that_takes_too_long_is_ended(place, repository, tmp_path, monkeypatch):
    """With all that it started here; the next call works."""
    store = place()
    a_hook(repository, "pre-receive", f"echo $$ >{tmp_path}/pid; exec sleep 300")
    monkeypatch.setattr(git_repository, "_REMOTE_TIMEOUT_S", 1.0)
    error = refusal(OutcomeUnknown, lambda: store.replace(b"one", b"", at=None))
    assert "no answer within 1 s" in error.message
    monkeypatch.setattr(git_repository, "_REMOTE_TIMEOUT_S", 60.0)
    (repository / "hooks" / "pre-receive").unlink()
    store.replace(b"two", b"", at=None)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 20
    while _is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert place().load().snapshot == b"two"


def test_what_git_said_stands_though_others_still_write(tmp_path, monkeypatch):
    """The other side of a push outlives git for a moment, and complains in the same place."""
    script = (
        f"#!/bin/sh\necho first >&2\n(while [ ! -e {tmp_path}/end ]; do echo later >&2; done) &\nexit 3\n"
    )
    (tmp_path / "git").write_text(script)
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    try:
        outcomes = [Git(tmp_path, protocols="file").run("push", timeout_s=20) for _ in range(20)]
    finally:
        (tmp_path / "end").touch()
    assert {(each.code, each.err.partition("\n")[0]) for each in outcomes} == {(3, "first")}


def _is_running(pid):
    """Whether a process lives that is none of ours to wait for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_failures_name_the_state_and_what_to_do(tmp_path, repository):
    """No repository, none that may be read, no git: never taken for an absent state."""
    missing = open_git("git+file:///nowhere/exams.git", root=tmp_path)
    error = refusal(StateUnavailable, missing.load)
    assert "git+file:///nowhere/exams.git" in error.message
    assert "Check the address" in error.hint
    refusal(StateUnavailable, lambda: missing.replace(b"x", b"", at=None))
    refusal(StateUnavailable, missing.backup)
    (tmp_path / "empty").mkdir()
    refusal(StateUnavailable, open_git(f"git+file://{tmp_path}/empty", root=tmp_path).load)
    shutil.rmtree(repository / "objects")
    refusal(StateUnavailable, open_git(f"git+file://{repository}", root=tmp_path).load)


def test_a_damaged_branch_is_not_an_absent_state(place, repository):
    """A branch whose commit is gone cannot be read, which is not the same as being empty."""
    place().replace(b"one", b"", at=None)
    commit = git(repository, "rev-parse", "exam-state").strip()
    (repository / "objects" / commit[:2] / commit[2:]).unlink()
    refusal(StateUnavailable, place().load)


def test_without_git_it_says_so(place, monkeypatch, tmp_path):
    """The one thing that has to be installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refusal(StateUnavailable, place().load)
    assert "git is not installed" in error.message
    assert "Install git" in error.hint


def test_nothing_is_left_in_the_temporary_folder(place, quiet_git):
    """A private folder while it is used, gone with the client; what a killed run left goes with the next."""
    left = quiet_git / "reconciler-git-killed"
    left.mkdir()
    (left / "HEAD").write_text("x")
    just_made = quiet_git / "reconciler-git-other"
    just_made.mkdir()
    store = place()
    assert store.load() is None
    (folder,) = set(quiet_git.iterdir()) - {just_made}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert place().load() is None
    assert folder.exists()
    del store
    assert list(quiet_git.iterdir()) == [just_made]


def test_a_temporary_folder_that_cannot_be_written_is_told(place, monkeypatch):
    """With the system's own words."""
    monkeypatch.setattr("tempfile.tempdir", "/proc/nowhere")
    error = refusal(StateUnavailable, place().load)
    assert "No such file or directory" in error.message
