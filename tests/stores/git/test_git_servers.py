"""State in git over https and ssh: passwords, certificates, servers that fail or answer late."""

import os

import pytest
import tls_material
from git_repositories import bare, git, refusal
from git_server import knowing_the_password, serving

from reconciler.model.errors import OutcomeUnknown, StateConflict, StateUnavailable
from reconciler.stores.git import open_git


@pytest.fixture
def served(tmp_path):
    """The folder of a bare repository."""
    bare(tmp_path / "served" / "exams.git")
    return tmp_path / "served"


@pytest.fixture
def server(served, monkeypatch):
    """A server of it, whose password git knows."""
    for name, value in knowing_the_password().items():
        monkeypatch.setenv(name, value)
    with serving(served) as opened:
        yield opened


@pytest.fixture
def store(server, tmp_path):
    """A client."""
    return open_git(f"{server.address}/exams.git", root=tmp_path)


def test_a_wrong_password_is_told_without_it(served, tmp_path, monkeypatch):
    """Nobody is asked for another; none at all is told as well."""
    variables = knowing_the_password()
    with serving(served) as server:
        store = open_git(f"{server.address}/exams.git", root=tmp_path)
        error = refusal(StateUnavailable, store.load)
        assert "could not read Username" in error.message
        for name, value in (variables | {"STATE_TOKEN": "hunter2"}).items():
            monkeypatch.setenv(name, value)
        store = open_git(f"{server.address}/exams.git", root=tmp_path)
        for call in (store.load, lambda: store.replace(b"x", b"", at=None)):
            error = refusal(StateUnavailable, call)
            assert "Authentication failed" in error.message
            assert "credential helpers" in error.hint
            assert "hunter2" not in error.message + error.hint


def test_a_missing_repository_is_not_an_absent_state(server, tmp_path):
    """The server says that there is none; that says nothing about a state."""
    store = open_git(f"{server.address}/other.git", root=tmp_path)
    error = refusal(StateUnavailable, store.load)
    assert "other.git" in error.message
    assert "not found" in error.message


def test_nobody_listens(tmp_path, served):
    """An address without a server."""
    with serving(served) as server:
        url = f"{server.address}/exams.git"
    error = refusal(StateUnavailable, open_git(url, root=tmp_path).load)
    assert "Check the address and the network" in error.hint


@pytest.mark.parametrize(
    "tls", [tls_material.of_a_stranger, tls_material.for_another_host], ids=["stranger", "host"]
)
def test_a_server_that_cannot_prove_who_it_is(served, tmp_path, monkeypatch, tls):
    """Nothing is read from it, and no password is sent to it."""
    trust = tls_material.trust_in(tmp_path)["SSL_CERT_FILE"]
    for name, value in {"GIT_SSL_CAINFO": trust, **knowing_the_password()}.items():
        monkeypatch.setenv(name, value)
    with serving(served, tls=tls()) as server:
        error = refusal(StateUnavailable, open_git(f"{server.address}/exams.git", root=tmp_path).load)
        assert "certificate" in error.message
        assert "GIT_SSL_CAINFO" in error.hint
        assert server.requests == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_may_be_asked_again(server, store, status):
    """Nothing was sent to it; the error says so, and that another try may help."""
    head = store.replace(b"one", b"", at=None)
    server.misbehave = lambda handler, _service: handler.answer(status, {}, b"later") or True
    for call in (store.load, lambda: store.append(b"x", at=head), lambda: store.replace(b"x", b"", at=head)):
        error = refusal(StateUnavailable, call)
        assert not isinstance(error, OutcomeUnknown)
        assert error.retry_after_s == 0
        assert str(status) in error.message
        assert "busy" in error.hint
    server.misbehave = lambda _handler, _service: False
    store.append(b"y", at=head)
    assert store.load().log == b"y"


class LatePushes:
    """Cuts the connection of each push in `mode`: "done" before its answer, "late" before it is done."""

    def __init__(self, server):
        self.mode = None
        self.held = []
        server.misbehave = self.cut

    def cut(self, handler, service):
        """Cut the connection of a push."""
        if service != "git-receive-pack" or handler.command == "GET" or self.mode is None:
            return False
        path, _, query = handler.path.partition("?")
        self.held.append(lambda: handler.ask_git(path, query, handler.body))
        if self.mode == "done":
            self.held.pop()()
        handler.close_connection = True
        return True

    def deliver(self):
        """Have the pushes arrive; return what the server answers to the last."""
        while self.held:
            _, _, body = self.held.pop(0)()
        return body


@pytest.mark.parametrize("kind", ["append", "replace"])
def test_an_answer_that_never_comes_leaves_open_what_was_done(server, store, kind):
    """The push is done, and the connection cut before its answer: a load finds it, done once."""
    head = store.replace(b"one", b"", at=None)
    pushes = LatePushes(server)
    pushes.mode = "done"
    change = {
        "append": lambda: store.append(b"x", at=head),
        "replace": lambda: store.replace(b"one", b"x", at=head),
    }[kind]
    refusal(OutcomeUnknown, change)
    refusal(StateConflict, change)
    pushes.mode = None
    assert store.load().log == b"x"
    store.append(b"y", at=store.load().head)
    assert store.load().log == b"xy"
    assert git(server.root / "exams.git", "rev-list", "--count", "exam-state") == "3\n"


@pytest.mark.parametrize("kind", ["append", "replace"])
def test_a_push_that_arrives_late_is_refused_once_the_head_has_moved(server, store, tmp_path, kind):
    """Until then it is not done, and the same client or another can go on from the same head."""
    head = store.replace(b"one", b"", at=None)
    pushes = LatePushes(server)
    pushes.mode = "late"
    if kind == "append":
        refusal(OutcomeUnknown, lambda: store.append(b"late", at=head))
    else:
        refusal(OutcomeUnknown, lambda: store.replace(b"late", b"", at=head))
    pushes.mode = None
    assert store.load().head == head
    other = open_git(f"{server.address}/exams.git", root=tmp_path)
    head = other.append(b"next", at=head)
    assert b"ng refs/heads/exam-state" in pushes.deliver()
    found = store.load()
    assert (found.snapshot, found.log, found.head) == (b"one", b"next", head)


@pytest.mark.parametrize("mode", ["done", "late"])
def test_a_first_push_that_arrives_late_makes_no_second_state(server, store, mode):
    """A new branch is made by one of two pushes, whichever comes first."""
    pushes = LatePushes(server)
    pushes.mode = mode
    refusal(OutcomeUnknown, lambda: store.replace(b"first", b"", at=None))
    pushes.mode = None
    if mode == "late":
        assert store.load() is None
        store.replace(b"second", b"", at=None)
        assert b"ng refs/heads/exam-state" in pushes.deliver()
    else:
        refusal(StateConflict, lambda: store.replace(b"second", b"", at=None))
    assert store.load().snapshot == (b"second" if mode == "late" else b"first")


@pytest.mark.parametrize(
    "page", [b"<h1>Sign in</h1>", b"<html>\n</html>\n", b""], ids=["line", "page", "empty"]
)
def test_a_page_of_a_proxy_is_not_a_repository(server, store, page):
    """A portal that answers everything with a page of its own: there may well be a state behind it."""

    def portal(handler, _service):
        handler.answer(200, {"Content-Type": "text/html"}, page)
        return True

    server.misbehave = portal
    for call in (store.load, lambda: store.replace(b"x", b"", at=None)):
        error = refusal(StateUnavailable, call)
        assert "Check the address" in error.hint


SSH = """#!/bin/sh
printf '%s\\n' "$*" >>{log}
for word; do :; done
exec sh -c "$word"
"""


@pytest.fixture
def ssh(tmp_path):
    """The first of two programs in a folder of its own; it runs here what it is told to run there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("ssh", "other-ssh"):
        (folder / name).write_text(SSH.format(log=tmp_path / f"{name}.log"))
        (folder / name).chmod(0o755)
    return folder


def test_ssh_is_told_to_ask_nothing(tmp_path, served, ssh, monkeypatch):
    """The usual one runs without questions, with the user and path of the URL."""
    monkeypatch.setenv("PATH", f"{ssh}:{os.environ['PATH']}")
    store = open_git(f"git+ssh://git@host{served}/exams.git", root=tmp_path)
    store.replace(b"one", b"", at=None)
    assert store.load().snapshot == b"one"
    said = (tmp_path / "ssh.log").read_text()
    assert "-o BatchMode=yes" in said
    assert f"git@host git-receive-pack '{served}/exams.git'" in said


@pytest.mark.parametrize("how", ["variable", "setting"])
def test_another_ssh_is_left_as_it_is(tmp_path, served, ssh, monkeypatch, how):
    """Whoever chose one, by variable or in git's settings, knows how it is called."""
    program = str(ssh / "other-ssh")
    chosen = {
        "variable": {"GIT_SSH_COMMAND": program},
        "setting": {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.sshCommand",
            "GIT_CONFIG_VALUE_0": program,
        },
    }
    for name, value in chosen[how].items():
        monkeypatch.setenv(name, value)
    assert open_git(f"git+ssh://git@host{served}/exams.git", root=tmp_path).load() is None
    assert "BatchMode" not in (tmp_path / "other-ssh.log").read_text()


def test_a_host_key_that_is_unknown(tmp_path, ssh, monkeypatch):
    """What ssh says is shown, with what to do."""
    (ssh / "ssh").write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    monkeypatch.setenv("PATH", f"{ssh}:{os.environ['PATH']}")
    error = refusal(StateUnavailable, open_git("git+ssh://host/exams.git", root=tmp_path).load)
    assert "Host key verification failed" in error.message
    assert "known_hosts" in error.hint


HOSTILE_CONFIG = """
[core]
  fsmonitor = {trap}
  sshCommand = {trap}
  hooksPath = {hooks}
  pager = {trap}
  askPass = {trap}
[alias]
  push = !{trap}
  rev-parse = !{trap}
[extensions]
  partialClone = evil
[remote "evil"]
  url = ext::{trap}
  promisor = true
  uploadpack = {trap}
[protocol "ext"]
  allow = always
[credential]
  helper = !{trap}
[url "ext::{trap} "]
  insteadOf = /
"""


def test_nothing_of_the_workspace_is_run(tmp_path, served, monkeypatch):
    """Neither settings nor hooks of the repository that the manifests are in, nor what variables point at."""
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    monkeypatch.delenv("CI_COMMIT_SHA", raising=False)
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    root = tmp_path / "work"
    git(tmp_path, "init", "--quiet", str(root))
    hooks = root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-push", "reference-transaction", "post-checkout", "pre-commit", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {sprung}\n")
        (hooks / name).chmod(0o755)
    with (root / ".git" / "config").open("a") as config:
        config.write(HOSTILE_CONFIG.format(trap=trap, hooks=hooks))
    (root / ".git" / "refs" / "heads" / "main").write_text("1" * 40 + "\n")
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    monkeypatch.setenv("GIT_DIR", str(root / ".git"))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(root / "index"))
    monkeypatch.setenv("GIT_TRACE", str(sprung))
    monkeypatch.setenv("SSH_ASKPASS", str(trap))
    monkeypatch.chdir(root)
    store = open_git(f"git+file://{served}/exams.git", root=root)
    head = store.replace(b"one", b"", at=None)
    store.append(b"x", at=head)
    monkeypatch.delenv("GIT_DIR")
    assert store.load().snapshot == b"one"
    assert store.earlier(head) == b"one"
    assert not sprung.exists()
    commit = git(
        served / "exams.git", "log", "-1", "--format=%(trailers:key=Manifests-Commit,valueonly)", "exam-state"
    )
    assert commit.strip() == "1" * 40


@pytest.mark.usefixtures("far_away")
def test_no_secret_is_in_the_environment_of_what_runs(tmp_path, served, monkeypatch):
    """What a server runs sees neither token nor password nor key."""
    for name in ("SMARTERPROCTORING_TOKEN", "EXAM_SECRET_CS", "RECONCILER_STATE_KEY"):
        monkeypatch.setenv(name, "correct-horse")
    hooks = served / "exams.git" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "pre-receive").write_text(f"#!/bin/sh\nenv >{tmp_path}/seen\n")
    (hooks / "pre-receive").chmod(0o755)
    open_git(f"git+file://{served}/exams.git", root=tmp_path).replace(b"one", b"", at=None)
    assert "PATH=" in (tmp_path / "seen").read_text()
    assert "correct-horse" not in (tmp_path / "seen").read_text()


def test_a_setting_that_leads_elsewhere_is_told(tmp_path, served, monkeypatch):
    """Git may not be led to a protocol that the URL does not name."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{served}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://host/")
    error = refusal(StateUnavailable, open_git("git+https://host/exams.git", root=tmp_path).load)
    assert "not allowed" in error.message
    assert "insteadOf" in error.hint
