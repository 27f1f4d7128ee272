"""Recovery files on the disk: locked while they are written, and cut back where a write failed."""

import resource

import pytest

from reconciler.model.errors import RecoveryRefused
from reconciler.stores.recovery_file import leftovers, make_recovery_file


def make(folder, name="run"):
    """A recovery file with a header."""
    return make_recovery_file(folder, name, header=b"head|", location="file:s.json")


def read(folder):
    """The names and bytes of what was left there."""
    with leftovers(folder) as found:
        return {one.path.stem: one.data for one in found}


def test_what_is_appended_is_left(tmp_path):
    """In order, behind the header."""
    file = make(tmp_path / "r")
    file.append(b"one|")
    file.append(b"two|")
    file.close()
    assert read(tmp_path / "r") == {"run": b"head|one|two|"}


def test_a_file_that_is_being_written_is_not_left(tmp_path):
    """Another run neither reads nor removes it."""
    file = make(tmp_path)
    make(tmp_path, "ended").close()
    assert read(tmp_path) == {"ended": b"head|"}
    file.close()
    assert read(tmp_path).keys() == {"ended", "run"}


def test_a_discarded_file_is_gone_and_its_folder_stays(tmp_path):
    """Nothing is left to look at."""
    make(tmp_path / "r").discard()
    assert read(tmp_path / "r") == {}
    assert read(tmp_path / "absent") == {}


def test_a_failed_write_leaves_no_half(tmp_path):
    """The next append goes in its place."""
    file = make(tmp_path)
    file.append(b"one|")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(b"head|one|tw"), usual[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            file.append(b"two|")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert file.path.read_bytes() == b"head|one|tw"
    file.append(b"3")
    file.close()
    assert read(tmp_path) == {"run": b"head|one|3"}


def test_a_name_that_is_taken_is_refused(tmp_path):
    """Two runs never share a file."""
    make(tmp_path).close()
    with pytest.raises(RecoveryRefused, match="File exists"):
        make(tmp_path)
    assert read(tmp_path) == {"run": b"head|"}
