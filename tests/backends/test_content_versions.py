"""A snapshot whose version is its content's."""

import pytest

from reconciler import statefile
from reconciler.backends import content_version
from reconciler.backends.content_version import Content, version_of
from reconciler.backends.file import FileBackend
from reconciler.backends.sealed import SealableBackend
from reconciler.model.state_keys import StateKeys
from reconciler.ports import Snapshot
from reconciler.statefile.state_format import empty_state, encode_state


def test_a_version_is_that_of_the_content():
    """Equal contents have one version, and others another; it is a snapshot like every other."""
    one, same, other = Content(b"a"), Content(b"a"), Content(b"b")
    assert isinstance(one, Snapshot)
    assert one.version == same.version == version_of(b"a") != other.version
    assert one == same != other
    assert Snapshot(data=b"a", version=one.version).version == one.version


def test_it_cannot_be_changed():
    """It is as frozen as every snapshot."""
    with pytest.raises(AttributeError):
        Content(b"a").data = b"b"  # type: ignore[misc]


def test_a_plan_asks_for_no_version(tmp_path, monkeypatch):
    """To read a state takes no digest of it, or there would be no point."""
    backend = FileBackend(tmp_path / "state.json", location="file:state.json")
    state = empty_state("0c2b1a3e-5d4f-4a6b-8c7d-9e0f1a2b3c4d")
    (tmp_path / "state.json").write_bytes(encode_state(state))
    sealable = SealableBackend(backend, StateKeys())
    with monkeypatch.context() as patch:
        patch.setattr(content_version, "version_of", lambda _: pytest.fail("asked for"))
        assert statefile.load_state(backend) == statefile.load_state(sealable) == state
    assert sealable._present.version == version_of(encode_state(state))


def test_a_run_that_sends_holds_no_second_copy(tmp_path):
    """What was read to see whether the state is sealed is let go with the first append."""
    (tmp_path / "state.json").write_bytes(b"{}")
    sealable = SealableBackend(FileBackend(tmp_path / "state.json", location="file:state.json"), StateKeys())
    sealable.read()
    assert isinstance(sealable._present._of, Snapshot)
    sealable.append_journal(b"header\n", after=0)
    assert sealable._present._of == version_of(b"{}")
