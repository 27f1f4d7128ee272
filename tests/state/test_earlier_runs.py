"""Recovery files of earlier runs: merged ones go, others are told, and what is not ours is not believed."""

from pathlib import Path

from state_builders import LINEAGE, began, created, entry, failed, intent, state

from reconciler.model.report import RecoveryVerdict
from reconciler.state.earlier_runs import EarlierRuns, files_of_location, look_at_leftovers, settle_leftovers
from reconciler.state.recovery_file import make_recovery_file
from reconciler.state.recovery_format import RecoveryHeader

KEY = b"k" * 32
PLACE = "s3://bucket/state"
ROOT = Path("/workspace")


def leave(folder, *records, run="run", lineage=LINEAGE, key=KEY):
    """Leave a recovery file with `records`; return its path."""
    header = RecoveryHeader(lineage=lineage, serial=3, location=PLACE, run=run)
    file = make_recovery_file(folder, header, key=key)
    for record in records:
        file.keep_intents([record])
        file.keep_outcomes([record])
    file.close()
    return file.path


def test_a_file_of_which_state_has_everything_is_removed(tmp_path):
    """Also one without a record."""
    leave(tmp_path, began("a", "t1"), created("a", "t1", 1))
    leave(tmp_path, began("b", "t2"), failed("b", "t2"), run="failed")
    leave(tmp_path, began("c", "t3"), run="open")
    leave(tmp_path, run="empty")
    before = state(exams={"a": entry(1)}, intents={"c": intent("t3")})
    assert settle_leftovers(tmp_path, before, root=ROOT, key=KEY) == EarlierRuns()
    assert list(tmp_path.glob("*.recovery")) == []


def test_a_file_of_which_state_lacks_something_is_told(tmp_path):
    """What a merge would give; nothing is merged, and the file stays."""
    path = leave(tmp_path, began("a", "t1"), created("a", "t1", 1), began("b", "t2"))
    (unmerged,) = settle_leftovers(tmp_path, state(), root=ROOT, key=KEY).unmerged
    assert unmerged.path == path
    assert [one.verdict for one in unmerged.fed] == [RecoveryVerdict.RECORDED] * 2
    assert path.exists()


def test_a_file_that_another_machine_may_have_written_is_not_read(tmp_path):
    """Neither believed nor removed, even if all it says is known; damaged ones are told likewise."""
    forged = leave(tmp_path, began("a", "t1"), created("a", "t1", 1), key=b"o" * 32)
    unsigned = leave(tmp_path, began("a", "t1"), created("a", "t1", 1), run="unsigned", key=None)
    damaged = tmp_path / "damaged.recovery"
    damaged.write_bytes(b"not a recovery file\n")
    found = settle_leftovers(tmp_path, state(), root=ROOT, key=KEY)
    assert found == EarlierRuns(foreign=tuple(sorted((forged, unsigned, damaged))))
    assert look_at_leftovers(tmp_path, state(), root=ROOT, key=KEY) == found
    assert all(path.exists() for path in found.foreign)
    assert settle_leftovers(tmp_path, state(), root=ROOT, key=None).unmerged == ()


def test_files_of_other_states_are_left_alone(tmp_path):
    """By their lineage."""
    path = leave(tmp_path, created("a", "t1", 1), lineage="1" + LINEAGE[1:], key=None)
    assert settle_leftovers(tmp_path, state(), root=ROOT, key=KEY) == EarlierRuns()
    assert look_at_leftovers(tmp_path, state(), root=ROOT, key=KEY) == EarlierRuns()
    assert path.exists()


def test_links_are_not_followed(tmp_path):
    """A committed link leads nowhere."""
    path = leave(tmp_path / "elsewhere", created("a", "t1", 1), key=None)
    (tmp_path / "run.recovery").symlink_to(path)
    assert settle_leftovers(tmp_path, state(), root=ROOT, key=KEY) == EarlierRuns()
    assert look_at_leftovers(tmp_path, state(), root=ROOT, key=KEY) == EarlierRuns()
    assert files_of_location(tmp_path, PLACE) == ()


def test_files_of_a_location_are_found_whoever_wrote_them(tmp_path):
    """`init` must not begin anew beside them."""
    path = leave(tmp_path, created("a", "t1", 1), key=None)
    (tmp_path / "damaged.recovery").write_bytes(b"?\n")
    assert files_of_location(tmp_path, PLACE) == (path,)
    assert files_of_location(tmp_path, "s3://bucket/other") == ()
    assert files_of_location(tmp_path / "absent", PLACE) == ()


def test_paths_are_told_as_commands_take_them(tmp_path):
    """Relative to the workspace, whatever its path is."""
    leave(tmp_path / "kept", began("a", "t1"))
    leave(tmp_path / "kept", began("b", "t2"), run="unsigned", key=None)
    found = settle_leftovers(tmp_path / "kept", state(), root=tmp_path, key=KEY)
    assert [str(one.path) for one in found.unmerged] == ["kept/run.recovery"]
    assert [str(path) for path in found.foreign] == ["kept/unsigned.recovery"]
