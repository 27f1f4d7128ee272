"""State in git over https and ssh: passwords, certificates, failing servers, one that compares nothing."""

import os

import pytest
import tls_material
from git_repositories import bare, git
from git_server import knowing_the_password, serving

from reconciler.model.errors import StateUnavailable
from reconciler.stores.conformance import a_lock, refusal
from reconciler.stores.opening import open_store


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
def backend(server, tmp_path):
    """A client."""
    return open_store(f"{server.address}/exams.git", root=tmp_path)


def test_a_wrong_password_is_told_without_it(served, tmp_path, monkeypatch):
    """Nobody is asked for another; none at all is told as well."""
    variables = knowing_the_password()
    with serving(served) as server:
        backend = open_store(f"{server.address}/exams.git", root=tmp_path)
        error = refusal(StateUnavailable, backend.read)
        assert "could not read Username" in error.message
        for name, value in (variables | {"STATE_TOKEN": "hunter2"}).items():
            monkeypatch.setenv(name, value)
        backend = open_store(f"{server.address}/exams.git", root=tmp_path)
        for call in (backend.read, lambda: backend.lock(a_lock(), timeout_s=0).__enter__()):
            error = refusal(StateUnavailable, call)
            assert "Authentication failed" in error.message
            assert "credential helpers" in error.hint
            assert "hunter2" not in error.message + error.hint


def test_a_missing_repository_is_not_an_absent_state(server, tmp_path):
    """The server says that there is none; that says nothing about a state."""
    backend = open_store(f"{server.address}/other.git", root=tmp_path)
    error = refusal(StateUnavailable, backend.read)
    assert "other.git" in error.message
    assert "not found" in error.message


def test_nobody_listens(tmp_path, served):
    """An address without a server."""
    with serving(served) as server:
        url = f"{server.address}/exams.git"
    error = refusal(StateUnavailable, open_store(url, root=tmp_path).read)
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
        error = refusal(StateUnavailable, open_store(f"{server.address}/exams.git", root=tmp_path).read)
        assert "certificate" in error.message
        assert "GIT_SSL_CAINFO" in error.hint
        assert server.requests == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(server, backend, monkeypatch, status):
    """A few times, with pauses; then it is told."""
    monkeypatch.setattr("reconciler.stores.git_remote.PAUSES_S", (0.0, 0.01))
    busy = []

    def refuse(handler, _service):
        if not busy:
            return False
        handler.answer(busy.pop(), {"Retry-After": "1"}, b"later")
        return True

    server.misbehave = refuse
    with backend.lock(a_lock(), timeout_s=0):
        busy[:] = [status]
        version = backend.write(b"one", replacing=None)
        busy[:] = [status] * 2
        assert backend.read().data == b"one"
        busy[:] = [status] * 100
        error = refusal(StateUnavailable, lambda: backend.write(b"two", replacing=version))
        assert str(status) in error.message
        assert "busy" in error.hint
        busy.clear()
        assert backend.read().data == b"one"


def test_an_answer_that_never_comes_is_looked_for(server, backend):
    """The push is done, and the connection cut before its answer: it counts, and is done once."""
    cut = []

    def drop(handler, service):
        if service != "git-receive-pack" or not cut:
            return False
        cut.pop()
        path, _, query = handler.path.partition("?")
        handler.ask_git(path, query, handler.body)
        handler.close_connection = True
        return True

    server.misbehave = drop
    with backend.lock(a_lock(), timeout_s=0):
        version = backend.write(b"one", replacing=None)
        cut.append("once")
        backend.append_journal(b"x", after=0)
        assert cut == []
        cut.append("once")
        assert backend.write(b"two", replacing=version) != version
    assert (backend.read().data, backend.read_journal()) == (b"two", b"x")
    assert git(server.root / "exams.git", "rev-list", "--count", "exam-state") == "3\n"


@pytest.mark.parametrize(
    "page", [b"<h1>Sign in</h1>", b"<html>\n</html>\n", b""], ids=["line", "page", "empty"]
)
def test_a_page_of_a_proxy_is_not_a_repository(server, backend, page):
    """A portal that answers everything with a page of its own: there may well be a state behind it."""

    def portal(handler, _service):
        handler.answer(200, {"Content-Type": "text/html"}, page)
        return True

    server.misbehave = portal
    for call in (backend.read, backend.lock_holder):
        error = refusal(StateUnavailable, call)
        assert "Check the address" in error.hint


def test_a_server_that_compares_nothing_is_refused(server, backend):
    """Of two pushes that create one ref it takes both: no state can be kept there."""
    server.is_careless = True
    with backend.lock(a_lock(), timeout_s=0):
        error = refusal(StateUnavailable, backend.prove_conditional_writes)
        assert "does not honour conditional pushes" in error.message
        server.is_careless = False
        backend.prove_conditional_writes()
    assert git(server.root / "exams.git", "for-each-ref") == ""


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
    backend = open_store(f"git+ssh://git@host{served}/exams.git", root=tmp_path)
    with backend.lock(a_lock(), timeout_s=0):
        backend.write(b"one", replacing=None)
    assert backend.read().data == b"one"
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
    assert open_store(f"git+ssh://git@host{served}/exams.git", root=tmp_path).read() is None
    assert "BatchMode" not in (tmp_path / "other-ssh.log").read_text()


def test_a_host_key_that_is_unknown(tmp_path, ssh, monkeypatch):
    """What ssh says is shown, with what to do."""
    (ssh / "ssh").write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    monkeypatch.setenv("PATH", f"{ssh}:{os.environ['PATH']}")
    error = refusal(StateUnavailable, open_store("git+ssh://host/exams.git", root=tmp_path).read)
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
    backend = open_store(f"git+file://{served}/exams.git", root=root)
    with backend.lock(a_lock(), timeout_s=0):
        backend.prove_conditional_writes()
        backend.write(b"one", replacing=None)
    monkeypatch.delenv("GIT_DIR")
    assert backend.read().data == b"one"
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
    open_store(f"git+file://{served}/exams.git", root=tmp_path).write(b"one", replacing=None)
    assert "PATH=" in (tmp_path / "seen").read_text()
    assert "correct-horse" not in (tmp_path / "seen").read_text()


def test_a_setting_that_leads_elsewhere_is_told(tmp_path, served, monkeypatch):
    """Git may not be led to a protocol that the URL does not name."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{served}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://host/")
    error = refusal(StateUnavailable, open_store("git+https://host/exams.git", root=tmp_path).read)
    assert "not allowed" in error.message
    assert "insteadOf" in error.hint
