"""The high-water mark: a state that went back is noticed on a machine that has seen a later one."""

import json

import pytest
from state_builders import LINEAGE

from reconciler.model.errors import RecoveryRefused, StateOutdated
from reconciler.state.high_water import HighWaterMark, OlderState

PLACE = "s3://bucket/state"


def check(root, serial, older=OlderState.REFUSED):
    """Check a state of `serial` in the workspace at `root`."""
    HighWaterMark(root).check(LINEAGE, serial, PLACE, older)


def test_a_state_that_went_back_is_refused(tmp_path):
    """The error has both serials, the way to insist, and what git does."""
    HighWaterMark(tmp_path).raise_to(LINEAGE, 7, PLACE)
    check(tmp_path, 7)
    check(tmp_path, 8)
    with pytest.raises(StateOutdated, match=r"serial 6, .* seen serial 7") as caught:
        check(tmp_path, 6)
    assert "--allow-older-state" in caught.value.hint
    assert "git" in caught.value.hint


def test_whoever_insists_is_asked_once(tmp_path):
    """From then on the older state counts as the latest."""
    HighWaterMark(tmp_path).raise_to(LINEAGE, 7, PLACE)
    check(tmp_path, 5, OlderState.ACCEPTED)
    check(tmp_path, 5)
    with pytest.raises(StateOutdated):
        check(tmp_path, 4)


def test_a_state_that_is_replaced_is_not_refused_and_does_not_lower_the_mark(tmp_path):
    """What replaces it gets a serial above what was seen."""
    HighWaterMark(tmp_path).raise_to(LINEAGE, 7, PLACE)
    check(tmp_path, 5, OlderState.REPLACED)
    assert HighWaterMark(tmp_path).serial(LINEAGE) == 7


def test_the_mark_only_rises_and_is_kept_for_each_lineage(tmp_path):
    """Other states are not touched; a place keeps the highest of its states; git sees nothing."""
    other = "1" + LINEAGE[1:]
    mark = HighWaterMark(tmp_path)
    mark.raise_to(LINEAGE, 7, PLACE)
    mark.raise_to(LINEAGE, 3, PLACE)
    mark.raise_to(other, 2, PLACE)
    assert json.loads((tmp_path / ".reconciler" / "seen.json").read_bytes()) == {
        LINEAGE: 7,
        other: 2,
        PLACE: 7,
    }
    assert (tmp_path / ".reconciler" / ".gitignore").read_text() == "*\n"
    assert [path.name for path in (tmp_path / ".reconciler").glob("*.tmp")] == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": "y"}', b'{"x": 1.5}', b"\xff"])
def test_damage_counts_as_nothing_seen(tmp_path, content):
    """And the next commit mends it."""
    (tmp_path / ".reconciler").mkdir()
    (tmp_path / ".reconciler" / "seen.json").write_bytes(content)
    check(tmp_path, 0)
    HighWaterMark(tmp_path).raise_to(LINEAGE, 4, PLACE)
    assert HighWaterMark(tmp_path).serial(LINEAGE) == 4


@pytest.mark.parametrize("name", [".reconciler", ".reconciler/seen.json"])
def test_a_link_is_refused(tmp_path, name):
    """A pull request could point it at any file of the runner."""
    target = tmp_path / "target"
    if "/" in name:
        (tmp_path / ".reconciler").mkdir()
        target.write_text("precious")
    else:
        target.mkdir()
    (tmp_path / name).symlink_to(target)
    mark = HighWaterMark(tmp_path)
    with pytest.raises(RecoveryRefused, match=rf"{name} is a link"):
        mark.serial(LINEAGE)
    with pytest.raises(RecoveryRefused):
        mark.raise_to(LINEAGE, 4, PLACE)
    assert target.is_dir() or target.read_text() == "precious"


def test_a_workspace_that_cannot_be_written_has_no_mark(tmp_path):
    """The commit was made, and does not fail for it."""
    (tmp_path / ".reconciler").write_text("a file")
    HighWaterMark(tmp_path).raise_to(LINEAGE, 4, PLACE)
    check(tmp_path, 1)


def test_a_link_in_place_of_gitignore_is_not_followed(tmp_path):
    """What is kept is kept all the same."""
    (tmp_path / ".reconciler").mkdir()
    (tmp_path / ".reconciler" / ".gitignore").symlink_to(tmp_path / "made")
    HighWaterMark(tmp_path).raise_to(LINEAGE, 4, PLACE)
    assert HighWaterMark(tmp_path).serial(LINEAGE) == 4
    assert not (tmp_path / "made").exists()
