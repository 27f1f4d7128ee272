"""Files of secrets: nothing below the directory is reached through a link, whenever it is put there."""

from pathlib import Path

import pytest

from reconciler import secret_sources
from reconciler.model.secrets import FileSecret
from reconciler.secret_sources import Secrets

OPEN_FILES = Path("/proc/self/fd")


def read(directory, path):
    """The value of the file at `path` below `directory`."""
    return Secrets(environment={}, directory=directory).value_of(FileSecret(path))


def test_a_file_in_folders_is_read(tmp_path):
    """Any number of folders, and a dot for the folder itself, lead to it."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("pw\n")
    assert read(tmp_path, "a/b/c") == read(tmp_path, "./a//b/./c") == "pw"


@pytest.mark.parametrize("path", ["link", "folder/file"])
def test_links_are_refused_even_where_they_stay_inside(tmp_path, path):
    """To a file and to a folder alike, and the message names the link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("treasure")
    (tmp_path / "link").symlink_to("real/file")
    (tmp_path / "folder").symlink_to("real")
    with pytest.raises(LookupError, match=r"goes through a link, (link|folder)") as caught:
        read(tmp_path, path)
    assert "treasure" not in str(caught.value)


def test_the_directory_itself_may_be_a_link(tmp_path):
    """As where an orchestrator mounts secrets as links into a folder that it exchanges."""
    (tmp_path / "version-1").mkdir()
    (tmp_path / "version-1" / "pw").write_text("x")
    (tmp_path / "..data").symlink_to("version-1")
    assert read(tmp_path / "..data", "pw") == "x"


@pytest.mark.parametrize("path", ["link", "folder/file"])
def test_a_link_put_there_behind_the_check_is_refused_too(tmp_path, monkeypatch, path):
    """The check only words the message: opening follows no link either."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("treasure")
    (tmp_path / "link").symlink_to("real/file")
    (tmp_path / "folder").symlink_to("real")
    monkeypatch.setattr(secret_sources, "_refuse_link", lambda *_: None)
    with pytest.raises(LookupError, match="cannot be read") as caught:
        read(tmp_path, path)
    assert "treasure" not in str(caught.value)


def test_no_descriptor_is_left_open(tmp_path):
    """Neither after a value nor after a refusal."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "pw").write_text("x")
    before = len(list(OPEN_FILES.iterdir()))
    read(tmp_path, "a/pw")
    with pytest.raises(LookupError):
        read(tmp_path, "a/absent")
    assert len(list(OPEN_FILES.iterdir())) == before


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"p\n\n", "p\n"), (b"p\r\n", "p"), (b"p\r", "p\r"), (b"p", "p"), (b"\xef\xbb\xbfp\r\n", "p")],
)
def test_a_byte_order_mark_and_one_newline_are_taken_off(tmp_path, content, value):
    """Editors put them there. What else stands at the end is part of the value."""
    (tmp_path / "pw").write_bytes(content)
    assert read(tmp_path, "pw") == value
