"""State in a branch of git: its history, its neighbours, late and lost answers, and who else pushes."""

import os
import shutil
import stat
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from git_repositories import bare, git

from reconciler.fault_points import Step
from reconciler.model.errors import StateUnavailable, UnlockRefused
from reconciler.ports import Breaking, Liveness, LockInfo
from reconciler.stores import git_remote
from reconciler.stores.conformance import a_lock, refusal
from reconciler.stores.git_command import Git
from reconciler.stores.opening import open_store

LOCK = "refs/reconciler/lock/exam-state"
SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(tmp_path):
    """A bare repository."""
    return bare(tmp_path / "exams.git")


@pytest.fixture
def place(tmp_path, repository):
    """Opens clients of the state in it."""
    return lambda options="": open_store(f"git+file://{repository}{options}", root=tmp_path)


def push_file(repository, branch, *, path="README.md", content="hello", mode="100644"):
    """Have `branch` hold one more file, as somebody would who knows nothing of state."""
    parent = git(repository, "rev-parse", "--verify", "--quiet", branch, check=False).strip()
    blob = git(repository, "hash-object", "-w", "--stdin", given=content).strip()
    present = git(repository, "ls-tree", "-z", branch, check=False) if parent else ""
    listed = "".join(f"{line}\0" for line in present.split("\0") if line and not line.endswith(f"\t{path}"))
    kind = {"160000": "commit"}.get(mode, "blob")
    tree = git(
        repository, "mktree", "-z", given=f"{listed}{mode} {kind} {blob}\t{path}\0", check=False
    ).strip()
    if not tree:
        tree = git(
            repository, "mktree", "--missing", "-z", given=f"{listed}{mode} {kind} {SHA}\t{path}\0"
        ).strip()
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.edu"]
    parents = ["-p", parent] if parent else []
    commit = git(repository, *who, "commit-tree", tree, *parents, "-m", "by hand").strip()
    git(repository, "update-ref", f"refs/heads/{branch}", commit)
    return commit


def a_hook(repository, name, script):
    """Have the repository run `script`."""
    hook = repository / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)


def failing(monkeypatch, step, nth):
    """Have the `nth` reach of `step` from now on fail as a call of the system does."""
    left = {step: nth}

    def reach(reached):
        left[reached] = left.get(reached, 0) - 1
        if left[reached] == 0:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(git_remote, "reach", reach)


def test_the_history_tells_who_when_what_and_from_which_commit(place, repository, monkeypatch):
    """One commit for each change, on a branch of its own that other branches share nothing with."""
    monkeypatch.delenv("CI_COMMIT_SHA", raising=False)
    monkeypatch.setenv("GITHUB_SHA", SHA)
    main = push_file(repository, "main")
    backend = place()
    lock = LockInfo(
        lock_id="f" * 32, who="jdoe", host="runner-1", pid=7, since=datetime.now(UTC), command="apply"
    )
    with backend.lock(lock, timeout_s=0):
        version = backend.write(b"one", replacing=None, note="an empty state")
        backend.append_journal(b"x", after=0, note="1 created\n\ncs/a: created as EX1")
        backend.write(b"two", replacing=version)
        backend.clear_journal()
    log = git(
        repository,
        "log",
        "--reverse",
        "--format=%an <%ae>|%s|%(trailers:unfold,separator=%x2C)",
        "exam-state",
    )
    trailers = f"Manifests-Commit: {SHA},Lock-Id: {'f' * 32}"
    assert log.splitlines() == [
        f"jdoe <reconciler@runner-1>|apply: an empty state [skip ci]|{trailers}",
        f"jdoe <reconciler@runner-1>|apply: 1 created [skip ci]|{trailers}",
        f"jdoe <reconciler@runner-1>|apply: write state [skip ci]|{trailers}",
        f"jdoe <reconciler@runner-1>|apply: the journal is in the state [skip ci]|{trailers}",
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
    commit = push_file(repository, "main")
    git(tmp_path, "clone", "--quiet", str(repository), "work")
    (tmp_path / "work" / "terms").mkdir()
    for name in ("work/terms", "."):
        backend = open_store(f"git+file://{repository}", root=tmp_path / name)
        backend.write(os.urandom(4), replacing=None if name != "." else backend.read().version)
    said = git(repository, "log", "--format=%(trailers:key=Manifests-Commit,valueonly)", "exam-state").split()
    assert said == [commit]


def test_an_append_may_cut_into_the_last_one(place):
    """What a holder knows of the journal is bytes, not appends."""
    backend = place()
    with backend.lock(a_lock(), timeout_s=0):
        backend.append_journal(b"head|", after=0)
        backend.append_journal(b"torn", after=5)
        backend.append_journal(b"more|", after=7)
        assert place().read_journal() == b"head|tomore|"
        refusal(StateUnavailable, lambda: backend.append_journal(b"x", after=100))
        backend.append_journal(b"new|", after=0)
        assert place().read_journal() == b"new|"


def test_appends_fill_folder_after_folder(place, monkeypatch):
    """What is behind a folder's end is read in its turn, and cut off with it."""
    monkeypatch.setattr("reconciler.stores.git_branch._FOLDER_FILES", 3)
    backend = place()
    with backend.lock(a_lock(), timeout_s=0):
        for number in range(8):
            backend.append_journal(b"%d" % number, after=number)
        assert place().read_journal() == b"01234567"
        backend.append_journal(b"x", after=2)
        assert place().read_journal() == b"01x"


@pytest.mark.parametrize(
    ("path", "mode", "problem"),
    [
        ("README.md", "100644", "it holds README.md"),
        ("exams.state.json", "120000", "not a regular file"),
        ("exams.state.json", "160000", "not a regular file"),
        ("exams.state.json.journal", "100644", "exams.state.json.journal"),
    ],
)
def test_a_branch_of_something_else_is_left_alone(place, repository, path, mode, problem):
    """Code, a link or a submodule where state should be: neither read nor overwritten nor locked."""
    commit = push_file(repository, "exam-state", path=path, content="/etc/passwd", mode=mode)
    backend = place()
    for call in (
        backend.read,
        backend.read_journal,
        lambda: backend.write(b"x", replacing=None),
        lambda: backend.lock(a_lock(), timeout_s=0).__enter__(),
    ):
        error = refusal(StateUnavailable, call)
        assert problem in error.message
        assert "branch of its own" in error.hint
    assert git(repository, "rev-parse", "exam-state").strip() == commit
    assert place().lock_holder() is None


def test_two_states_have_a_branch_each(place):
    """Side by side in one repository, with a lock each."""
    with place("#branch=a").lock(a_lock(), timeout_s=0), place("#branch=b").lock(a_lock(), timeout_s=0):
        place("#branch=a").write(b"one", replacing=None)
        place("#branch=b&path=deep/er.json").write(b"two", replacing=None)
    assert place("#branch=a").read().data == b"one"
    assert place("#branch=b&path=deep/er.json").read().data == b"two"
    assert "deep/er.json" in refusal(StateUnavailable, place("#branch=b").read).message


def test_who_pushes_without_the_lock_is_not_overwritten(place, repository):
    """The holder notices at its next change, and changes nothing any more, whatever it tries."""
    backend = place()
    with backend.lock(a_lock(), timeout_s=0):
        version = backend.write(b"one", replacing=None)
        other = push_file(repository, "exam-state", path="exams.state.json", content="by hand")
        for change in (
            lambda: backend.append_journal(b"x", after=0),
            lambda: backend.write(b"two", replacing=version),
            backend.clear_journal,
        ):
            error = refusal(StateUnavailable, change)
            assert "somebody else pushed" in error.message
            assert "git log" in error.hint
        assert git(repository, "rev-parse", "exam-state").strip() == other
    assert place().read().data == b"by hand"
    assert place().lock_holder() is None


def test_a_branch_that_is_put_back_or_removed_is_noticed(place, repository):
    """An older commit and none at all are not what the holder saw, either."""
    backend = place()
    with backend.lock(a_lock(), timeout_s=0):
        backend.write(b"one", replacing=None)
        first = git(repository, "rev-parse", "exam-state").strip()
        backend.append_journal(b"x", after=0)
        git(repository, "update-ref", "refs/heads/exam-state", first)
        refusal(StateUnavailable, lambda: backend.append_journal(b"y", after=1))
        assert git(repository, "rev-parse", "exam-state").strip() == first
    with backend.lock(a_lock(), timeout_s=0):
        git(repository, "update-ref", "-d", "refs/heads/exam-state")
        refusal(StateUnavailable, backend.clear_journal)
        refusal(StateUnavailable, lambda: backend.append_journal(b"y", after=0))
    assert place().read() is None


def test_a_lost_answer_is_looked_for(place, monkeypatch):
    """A push that was done counts as done, though its answer never came."""
    backend = place()
    with backend.lock(a_lock(), timeout_s=0):
        failing(monkeypatch, Step.STORE_CALLED, 1)
        backend.append_journal(b"x", after=0)
    assert place().read_journal() == b"x"


@pytest.mark.parametrize("kind", ["append", "write"])
def test_a_push_that_arrives_late_is_gone_on_from(place, repository, monkeypatch, kind):
    """It was reported as failed; when it lands all the same, the next change finds it and takes its place."""
    backend = place()
    with backend.lock(a_lock(), timeout_s=0):
        version = backend.write(b"one", replacing=None)
        failing(monkeypatch, Step.STORE_CALL, 1)
        if kind == "append":
            refusal(StateUnavailable, lambda: backend.append_journal(b"late", after=0))
        else:
            refusal(StateUnavailable, lambda: backend.write(b"late", replacing=version))
        (late,) = backend._held.unsettled
        git(
            repository,
            "fetch",
            "--quiet",
            str(backend._branch.scratch.git.directory),
            f"+{late}:refs/heads/exam-state",
        )
        assert place().read_journal() == (b"late" if kind == "append" else b"")
        backend.append_journal(b"next", after=0)
        backend.append_journal(b"|more", after=4)
        assert place().read_journal() == b"next|more"
        assert place().read().data == (b"one" if kind == "append" else b"late")


def test_a_push_that_may_arrive_late_is_kept_from_the_next_holder(place, repository, monkeypatch):
    """Before the lock goes, a commit is put where it would have to follow."""
    backend = place()
    with backend.lock(a_lock(), timeout_s=0):
        backend.write(b"one", replacing=None)
        before = git(repository, "rev-parse", "exam-state").strip()
        failing(monkeypatch, Step.STORE_CALL, 1)
        refusal(StateUnavailable, lambda: backend.append_journal(b"late", after=0))
    assert git(repository, "rev-parse", "exam-state^").strip() == before
    assert "nothing more of lock" in git(repository, "log", "-1", "--format=%s", "exam-state")
    assert place().lock_holder() is None


@pytest.mark.usefixtures("far_away")
def test_a_server_that_refuses_is_quoted(place, repository):
    """Its words, without escape sequences, and what to do; nothing is left behind, and the lock goes."""
    backend = place()
    with backend.lock(a_lock(), timeout_s=0):
        backend.write(b"one", replacing=None)
        a_hook(
            repository,
            "pre-receive",
            "printf 'GH006: \\033[31mno pushes\\033[0m to https://u:pw@h/x\\n' >&2; exit 1",
        )
        error = refusal(StateUnavailable, lambda: backend.append_journal(b"x", after=0))
        assert "GH006: \ufffd[31mno pushes\ufffd[0m to https://h/x" in error.message
        assert "pre-receive hook declined" in error.message
        assert "rules" in error.hint
        (repository / "hooks" / "pre-receive").unlink()
        backend.append_journal(b"x", after=0)
    error_of_lock = None
    a_hook(repository, "pre-receive", "exit 1")
    with suppress(AssertionError):
        error_of_lock = refusal(StateUnavailable, lambda: place().lock(a_lock(), timeout_s=0).__enter__())
    assert error_of_lock is not None
    assert "cannot lock" in error_of_lock.message


def test_a_server_without_atomic_pushes_is_refused(place, repository):
    """The lock is not even taken there."""
    git(repository, "config", "receive.advertiseAtomic", "false")
    error = refusal(StateUnavailable, lambda: place().lock(a_lock(), timeout_s=0).__enter__())
    assert "does not support --atomic" in error.message
    assert "Keep state elsewhere" in error.hint


def test_a_server_that_lets_no_ref_go_is_refused(place, repository):
    """A lock that is a branch could never be let go of there; `init` finds out."""
    backend = place("#lock-ref=refs/heads/state-lock")
    with backend.lock(a_lock(), timeout_s=0):
        git(repository, "config", "receive.denyDeletes", "true")
        error = refusal(StateUnavailable, backend.prove_conditional_writes)
        assert "deletion prohibited" in error.message
        git(repository, "config", "receive.denyDeletes", "false")


def test_a_proof_that_cannot_be_tried_is_left_out(place, repository, monkeypatch):
    """Where no temporary file may be executed, the try leaves nothing behind and says nothing."""
    monkeypatch.setattr("reconciler.stores.git_state._HOOK_MODE", 0o600)
    place().prove_conditional_writes()
    assert git(repository, "for-each-ref") == ""


def test_a_lock_can_be_a_branch(place, repository):
    """Where the server takes no other refs; breaking it needs no force there."""
    git(repository, "config", "receive.denyNonFastForwards", "true")
    options, info = "#lock-ref=refs/heads/state-lock", a_lock()
    with place(options).lock(info, timeout_s=0):
        assert "state-lock" in git(repository, "branch", "--list")
        place(options).break_lock(info.lock_id, breaking=Breaking.DEAD)
        assert "state-lock" not in git(repository, "branch", "--list")


@pytest.mark.usefixtures("far_away")
def test_a_call_that_takes_too_long_is_ended(place, repository, tmp_path, monkeypatch):
    """With all that it started here; the next call works."""
    backend = place()
    with backend.lock(a_lock(), timeout_s=0):
        a_hook(repository, "pre-receive", f"echo $$ >{tmp_path}/pid; exec sleep 300")
        monkeypatch.setattr(git_remote, "_TIMEOUT_S", 1.0)
        error = refusal(StateUnavailable, lambda: backend.write(b"one", replacing=None))
        assert "no answer within 1 s" in error.message
        monkeypatch.setattr(git_remote, "_TIMEOUT_S", 60.0)
        (repository / "hooks" / "pre-receive").unlink()
        backend.write(b"two", replacing=None)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 20
    while _is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert place().read().data == b"two"


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
    missing = open_store("git+file:///nowhere/exams.git", root=tmp_path)
    error = refusal(StateUnavailable, missing.read)
    assert "git+file:///nowhere/exams.git" in error.message
    assert "Check the address" in error.hint
    refusal(StateUnavailable, lambda: missing.lock(a_lock(), timeout_s=0).__enter__())
    refusal(StateUnavailable, missing.lock_holder)
    (tmp_path / "empty").mkdir()
    refusal(StateUnavailable, open_store(f"git+file://{tmp_path}/empty", root=tmp_path).read)
    shutil.rmtree(repository / "objects")
    refusal(StateUnavailable, open_store(f"git+file://{repository}", root=tmp_path).read)


def test_a_damaged_branch_is_not_an_absent_state(place, repository):
    """A branch whose commit is gone cannot be read, which is not the same as being empty."""
    place().write(b"one", replacing=None)
    commit = git(repository, "rev-parse", "exam-state").strip()
    (repository / "objects" / commit[:2] / commit[2:]).unlink()
    refusal(StateUnavailable, place().read)


def test_without_git_it_says_so(place, monkeypatch, tmp_path):
    """The one thing that has to be installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refusal(StateUnavailable, place().read)
    assert "git is not installed" in error.message
    assert "Install git" in error.hint


def test_a_lock_that_says_nothing_is_not_broken(place, repository):
    """A ref that somebody else put in its place is for a person to remove."""
    commit = push_file(repository, "main")
    git(repository, "update-ref", LOCK, commit)
    holder = place().lock_holder()
    assert (holder.info, holder.liveness) == (None, Liveness.UNKNOWN)
    error = refusal(UnlockRefused, lambda: place().break_lock("1", breaking=Breaking.EVEN_LIVE))
    assert LOCK in error.message
    assert git(repository, "rev-parse", LOCK).strip() == commit


def test_a_lock_is_broken_though_its_holder_goes_on_pushing(place, repository):
    """Once the ref has moved the holder is refused, so that the commit which ends its lock gets in."""
    backend, info = place(), a_lock("apply")
    with backend.lock(info, timeout_s=0):
        backend.write(b"one", replacing=None)
        place().break_lock(info.lock_id, breaking=Breaking.DEAD)
        subject = git(repository, "log", "-1", "--format=%s", "exam-state")
        assert subject == "unlock: the lock of apply by somebody is broken [skip ci]\n"
        assert git(repository, "for-each-ref", "refs/reconciler") == ""
        error = refusal(StateUnavailable, lambda: backend.append_journal(b"x", after=0))
        assert "taken away" in error.message
        assert refusal(StateUnavailable, backend.clear_journal).message == error.message


def test_nothing_is_left_in_the_temporary_folder(place, quiet_git):
    """A private folder while it is used, gone with the client; what a killed run left goes with the next."""
    left = quiet_git / "reconciler-git-killed"
    left.mkdir()
    (left / "HEAD").write_text("x")
    just_made = quiet_git / "reconciler-git-other"
    just_made.mkdir()
    backend = place()
    assert backend.read() is None
    (folder,) = set(quiet_git.iterdir()) - {just_made}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert place().read() is None
    assert folder.exists()
    del backend
    assert list(quiet_git.iterdir()) == [just_made]


def test_a_temporary_folder_that_cannot_be_written_is_told(place, monkeypatch):
    """With the system's own words."""
    monkeypatch.setattr("tempfile.tempdir", "/proc/nowhere")
    error = refusal(StateUnavailable, place().read)
    assert "No such file or directory" in error.message
