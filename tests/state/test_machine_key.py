"""The key of this machine: made once, private, and never one that a pull request could bring."""

import stat

import pytest

from reconciler.state.machine_key import machine_key


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder of its own."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def root(tmp_path):
    """A workspace."""
    (tmp_path / "workspace").mkdir()
    return tmp_path / "workspace"


def test_it_is_made_when_it_is_needed_and_stays(home, root):
    """Only its owner can read it."""
    assert machine_key(root=root, is_needed=False) is None
    assert not home.exists()
    made = machine_key(root=root, is_needed=True)
    path = home / ".local" / "state" / "reconciler" / "machine-key"
    assert path.read_bytes() == made
    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert machine_key(root=root, is_needed=True) == machine_key(root=root, is_needed=False) == made
    assert list(path.parent.iterdir()) == [path]


def test_another_place_for_it_may_be_named(home, root, tmp_path, monkeypatch):
    """As the XDG Base Directory Specification says: a relative path does not count."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert machine_key(root=root, is_needed=True) is not None
    assert (tmp_path / "xdg" / "reconciler" / "machine-key").exists()
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert machine_key(root=root, is_needed=False) is None
    assert not home.exists()


def test_one_in_the_workspace_is_not_used(home, root, monkeypatch):
    """A pull request could bring it along."""
    made = machine_key(root=root, is_needed=True)
    assert made is not None
    assert machine_key(root=home, is_needed=True) is None
    assert machine_key(root=home.parent, is_needed=True) is None
    monkeypatch.setenv("XDG_STATE_HOME", str(root / "state"))
    assert machine_key(root=root, is_needed=True) is None
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("damage", ["readable", "short", "long", "link", "folder"])
def test_one_that_others_may_know_is_not_used(home, root, damage):
    """Nor one that is no key."""
    machine_key(root=root, is_needed=True)
    path = home / ".local" / "state" / "reconciler" / "machine-key"
    key = path.read_bytes()
    if damage == "readable":
        path.chmod(0o640)
    elif damage == "link":
        path.rename(home / "key")
        path.symlink_to(home / "key")
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(key[:31] if damage == "short" else key + b"x")
    assert machine_key(root=root, is_needed=True) is None


def test_a_machine_without_a_place_for_it_has_none(root, tmp_path, monkeypatch):
    """The run goes on; its recovery file is then vouched for by a person."""
    (tmp_path / "full").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "full"))
    assert machine_key(root=root, is_needed=True) is None
