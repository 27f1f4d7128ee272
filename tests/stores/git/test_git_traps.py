"""A state in a repository at hand, which a pull request may bring: nothing of it runs, at either end."""

import os

import pytest
from exam_workspace import Workspace
from git_repositories import bare, git, refusal

from reconciler.model.errors import StateConflict, StateUnavailable
from reconciler.stores.git import open_git

HOOKS = (
    *("pre-receive", "update", "post-receive", "post-update", "reference-transaction", "push-to-checkout"),
    *("proc-receive", "pre-auto-gc", "pre-push", "post-index-change", "post-checkout", "fsmonitor-watchman"),
)
SETTINGS = """
[core]
  alternateRefsCommand = {trap}
  askPass = {trap}
  editor = {trap}
  fsmonitor = {trap}
  gitProxy = {trap}
  pager = {trap}
  sshCommand = {trap}
[alias]
  receive-pack = !{trap}
  upload-pack = !{trap}
[commit]
  gpgSign = true
[credential]
  helper = !{trap}
[diff]
  external = {trap}
[extensions]
  partialClone = evil
[filter "trap"]
  clean = {trap}
  smudge = {trap}
  process = {trap}
[gc]
  auto = 1
  autoDetach = false
  recentObjectsHook = {trap}
[gpg]
  program = {trap}
[http]
  receivepack = true
[include]
  path = included
[pack]
  packSizeLimit = 1
[protocol "ext"]
  allow = always
[receive]
  autogc = true
  certNonceSeed = x
  denyCurrentBranch = updateInstead
  unpackLimit = 1
[remote "evil"]
  url = ext::{trap}
  promisor = true
  receivepack = {trap}
  uploadpack = {trap}
[transfer]
  fsckObjects = true
[uploadpack]
  packObjectsHook = {trap}
[url "ext::{trap} "]
  insteadOf = /
"""


class Trapped:
    """A repository full of traps; `sprung` is there once one of them was run."""

    def __init__(self, folder, kind):
        self.sprung = folder / "sprung"
        self.trap = folder / "trap"
        self.trap.write_text(f'#!/bin/sh\necho "$0 $*" >>{self.sprung}\n')
        self.trap.chmod(0o755)
        self.path = folder / "exams.git"
        if kind == "bare":
            self.inner = bare(self.path)
        else:
            git(folder, "init", "--quiet", "--initial-branch=exam-state", str(self.path))
            self.inner = self.path / ".git"
        if kind == "gitfile":
            self.inner = self.inner.rename(folder / "elsewhere")
            (self.path / ".git").write_text(f"gitdir: {self.inner}\n")

    def arm(self, where):
        """Set all traps: hooks `where` hooks are looked for, and every setting that names a program."""
        hooks = self.inner / "hooks" if where == "hooks" else self.inner / "own-hooks"
        hooks.mkdir(exist_ok=True)
        for name in HOOKS:
            (hooks / name).write_text(self.trap.read_text())
            (hooks / name).chmod(0o755)
        config = SETTINGS.format(trap=self.trap)
        if where != "hooks":
            (self.inner / "included").write_text(f"[core]\n  hooksPath = {hooks}\n")
        with (self.inner / "config").open("a") as file:
            file.write(config)
        (self.inner / "info").mkdir(exist_ok=True)
        (self.inner / "info" / "attributes").write_text("* filter=trap\n")
        other = bare(self.inner.parent / "alternate.git")
        (self.inner / "objects" / "info").mkdir(exist_ok=True)
        (self.inner / "objects" / "info" / "alternates").write_text(f"{other}/objects\n")


@pytest.fixture(params=["bare", "checkout", "gitfile"])
def trapped(request, tmp_path):
    """A repository of each kind that a path may lead to."""
    return Trapped(tmp_path, request.param)


@pytest.mark.parametrize("where", ["hooks", "hooksPath"])
def test_no_hook_and_no_setting_of_the_repository_runs(trapped, tmp_path, where, monkeypatch):
    """Whatever is done with the state, and whoever looks at it."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    trapped.arm(where)

    def client():
        return open_git(f"git+file://{trapped.path}#branch=state", root=tmp_path)

    store = client()
    assert store.load() is None
    head = store.replace(b"one", b"", at=None)
    head = store.append(b"x", at=head)
    refusal(StateConflict, lambda: client().replace(b"one", b"", at=None))
    assert client().load().log == b"x"
    store.replace(b"two", b"", at=head)
    assert client().load().snapshot == b"two"
    assert client().backup() == client().earlier(head) == b"one"
    assert not trapped.sprung.exists(), trapped.sprung.read_text()


def test_a_branch_that_is_checked_out_is_not_pushed_to(tmp_path):
    """Its files would be updated by the filters that the repository names."""
    trapped = Trapped(tmp_path, "checkout")
    git(trapped.path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-qm", "first")
    trapped.arm("hooks")
    with (trapped.inner / "config").open("a") as file:
        file.write("[core]\n  worktree = ..\n")
    store = open_git(f"git+file://{trapped.path}", root=tmp_path)
    error = refusal(StateUnavailable, lambda: store.replace(b"one", b"", at=None))
    assert "exam-state" in error.message
    assert not trapped.sprung.exists()


@pytest.mark.parametrize("where", ["config", "included", "config.worktree"])
@pytest.mark.parametrize("url", ["exams.git", "exams"])
def test_a_hook_in_the_settings_is_refused(trapped, tmp_path, where, url):
    """Newer versions of git run those, and have no switch for all of them."""
    with (trapped.inner / "config").open("a") as file:
        file.write("[include]\n  path = included\n[extensions]\n  worktreeConfig = true\n")
    with (trapped.inner / where).open("a") as file:
        file.write(f'[hook "a.b"]\n  event = pre-receive\n  command = {trapped.trap}\n')
    store = open_git(f"git+file://{tmp_path}/{url}#branch=state", root=tmp_path)
    for use in (store.load, lambda: store.replace(b"one", b"", at=None), store.backup):
        error = refusal(StateUnavailable, use)
        assert "hook.a.b.command" in error.message
        assert "git+ssh" in error.hint
    assert not trapped.sprung.exists()


def test_the_traps_are_traps(tmp_path):
    """By themselves they do spring: the test above would see it."""
    trapped = Trapped(tmp_path, "bare")
    trapped.arm("hooksPath")
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    git(other, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-qm", "first")
    git(other, "push", "--quiet", str(trapped.path), "HEAD:refs/heads/x", check=False)
    assert "pre-receive" in trapped.sprung.read_text()


def test_no_command_springs_a_trap(tmp_path):
    """End to end, as a pull request's reconciler.yaml asks for it."""
    trapped = Trapped(tmp_path, "bare")
    trapped.arm("hooksPath")
    root = tmp_path / "workspace"
    root.mkdir()
    workspace = Workspace(root)
    workspace.variables |= {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    workspace.declare("a")
    workspace.write("version: 1\nenvironments: {a: {state: 'git+file:../exams.git'}}\n", "reconciler.yaml")
    workspace.run("init")
    workspace.run("plan")
    workspace.run("state", "list")
    workspace.run("import", "cs/a", f"EX{'0' * 32}")
    workspace.run("apply", "--auto-approve")
    workspace.run("unlock", "nobody", expect=1)
    assert not trapped.sprung.exists(), trapped.sprung.read_text()
