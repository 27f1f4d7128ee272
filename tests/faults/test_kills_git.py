"""State in git: a kill before and after every call of git, end to end; nothing twice, nothing lost."""

import shutil
from contextlib import suppress

import pytest
import zygote
from exam_workspace import Workspace
from git_repositories import bare, git
from promises import check_way_on

from reconciler.model.errors import StateAbsent
from reconciler.sandbox.running import running
from reconciler.state.locking import find
from reconciler.stores.git import open_git

NAMES = ("e0", "e1", "e2")
KILLED = -9
LEAST_CALLS, MOST_CALLS_OF_APPLY = 7, 10
"""Of an apply of three exams, one by one: a look, the lock, the fold, and one for each batch of records."""
MOST_CALLS = 60


class GitWorkspace(Workspace):
    """A workspace whose state is in a bare repository."""

    def __init__(self, root):
        super().__init__(root)
        self.repository = root / "exams.git"
        (root / "scratch").mkdir(exist_ok=True)
        self.variables |= {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "TMPDIR": str(root / "scratch"),
        }
        text = "version: 1\nenvironments: {only: {state: 'git+file:exams.git'}}\n"
        (root / "reconciler.yaml").write_text(text)

    def strike(self, fault, *arguments):
        """The exit code of a command that meets `fault`."""
        variables = self.variables | {"RECONCILER_FAULT": fault}
        done = zygote.run(*arguments, cwd=self.root, env=self.environment(variables))
        self.printed = done.stdout + done.stderr
        assert "Traceback" not in self.printed
        return done.returncode

    @property
    def lock_id(self):
        """The id of the lock that a killed run left; None where it left none."""
        with suppress(StateAbsent):
            lock = find(open_git(f"git+file://{self.repository}", root=self.root)).lock
            return None if lock is None else lock.lock_id
        return None

    def unlock(self):
        """Break the lock that a killed run left, if it left one."""
        if self.lock_id is not None:
            self.run("unlock", self.lock_id)
        assert self.lock_id is None


@pytest.fixture(scope="module")
def with_state(tmp_path_factory):
    """A workspace with three exams, and an empty state in its repository."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        made = GitWorkspace(tmp_path_factory.mktemp("made"))
        bare(made.repository)
        made.declare(*NAMES)
        made.run("init")
        yield made.root


@pytest.fixture
def workspace(with_state, tmp_path):
    """A copy of it."""
    shutil.copytree(with_state, tmp_path, dirs_exist_ok=True)
    return GitWorkspace(tmp_path)


@pytest.fixture
def sandbox():
    """A server that keeps what it created."""
    with running() as opened:
        yield opened


def apply(sandbox):
    """Create three exams, one by one."""
    return ("apply", "--auto-approve", "--parallelism", "1", "--api-url", sandbox.url)


def kill(workspace, sandbox, step, nth):
    """An apply that is killed the `nth` time that it reaches `step`, and unlocked if it was."""
    code = workspace.strike(f"{step}=kill@{nth}", *apply(sandbox))
    assert code == KILLED or (code == 0 and nth > LEAST_CALLS)
    workspace.unlock()
    return code


@pytest.mark.parametrize("nth", range(1, MOST_CALLS_OF_APPLY))
def test_an_apply_that_is_killed_before_any_call(workspace, sandbox, nth):
    """Unlocked, it tells what is in doubt; settled, the next apply creates what is missing, and no more."""
    kill(workspace, sandbox, "store-call", nth)
    check_way_on(workspace, sandbox, NAMES)


@pytest.mark.parametrize("nth", [2, 4, 7])
def test_an_apply_that_is_killed_after_a_call(workspace, sandbox, nth):
    """What git had done by then counts, though nobody heard of it."""
    kill(workspace, sandbox, "store-called", nth)
    check_way_on(workspace, sandbox, NAMES)


def test_no_call_of_an_apply_is_left_out(workspace, sandbox):
    """It makes no more calls of git than are tried here."""
    assert kill(workspace, sandbox, "store-call", MOST_CALLS_OF_APPLY) == 0


@pytest.mark.parametrize(
    "fault", [*(f"store-call=eio@{nth}" for nth in (1, 2, 3, 5, 7)), "store-called=eio@1"]
)
def test_an_apply_of_which_a_call_fails(workspace, sandbox, fault):
    """What is not known to be recorded is told, and the next apply goes on from it."""
    assert workspace.strike(fault, *apply(sandbox)) in {1, 3}
    assert "Input/output error" in workspace.printed
    assert "git+file:exams.git" in workspace.printed
    assert workspace.lock_id is None
    check_way_on(workspace, sandbox, NAMES)


def test_an_apply_of_which_answers_are_lost(workspace, sandbox):
    """Each push is looked for and found, and nobody needs to know."""
    lost = ",".join(f"store-called=eio@{nth}" for nth in (2, 5, 8))
    assert workspace.strike(lost, *apply(sandbox)) == 0
    check_way_on(workspace, sandbox, NAMES)


def has_state(workspace):
    """Whether the branch has a snapshot."""
    listed = git(workspace.repository, "ls-tree", "--name-only", "exam-state", check=False)
    return "exams.state.json" in listed.split()


@pytest.mark.parametrize("step", ["store-call", "store-called"])
def test_an_init_that_is_killed(workspace, step):
    """There is no state or an empty one, never anything else, and `init` or `plan` goes on from there."""
    shutil.rmtree(workspace.repository)
    bare(workspace.repository)
    for nth in range(1, MOST_CALLS):
        code = workspace.strike(f"{step}=kill@{nth}", "init")
        workspace.unlock()
        if has_state(workspace):
            break
        assert code == KILLED
    assert nth > 2
    workspace.run("plan")


@pytest.mark.parametrize("step", ["store-call", "store-called"])
def test_an_unlock_that_is_killed(workspace, sandbox, step):
    """The lock still reads as its old holder's, or is gone; the next `unlock` ends what was begun."""
    assert workspace.strike("intent-durable=kill@2", *apply(sandbox)) == KILLED
    lock_id = workspace.lock_id
    assert f"lock id {lock_id}" in workspace.run("unlock")
    for nth in range(1, MOST_CALLS):
        assert workspace.lock_id == lock_id
        code = workspace.strike(f"{step}=kill@{nth}", "unlock", lock_id)
        if workspace.lock_id is None:
            break
        assert code == KILLED
    assert nth > 1
    check_way_on(workspace, sandbox, NAMES)


def test_killed_runs_leave_nothing_on_this_machine(workspace, sandbox):
    """What a killed run fetched is removed by the next one, and the history tells of both."""
    workspace.strike("store-call=kill@6", *apply(sandbox))
    scratch = workspace.root / "scratch"
    assert len(list(scratch.iterdir())) == 1
    workspace.unlock()
    check_way_on(workspace, sandbox, NAMES)
    assert list(scratch.iterdir()) == []
    log = git(workspace.repository, "log", "--format=%s", "exam-state")
    assert "init: an empty state [skip ci]" in log
    assert "unlock: the lock " in log
    assert "apply: 1 about to be created [skip ci]" in log
