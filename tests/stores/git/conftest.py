"""Git as these tests use it."""

import pytest

from reconciler.stores import git_repository


@pytest.fixture(autouse=True)
def quiet_git(monkeypatch, tmp_path):
    """Git reads nobody's settings, and its scratch repositories are below the test's own folder."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    return scratch


@pytest.fixture
def far_away(monkeypatch):
    """Repositories on this machine are served as another machine would serve them: with their hooks."""
    monkeypatch.setattr(git_repository, "at_hand", lambda _place, _service: [])
