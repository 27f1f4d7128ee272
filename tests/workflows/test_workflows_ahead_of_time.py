"""State is read while other processes read manifests, and nobody can tell but by the clock."""

from pathlib import Path

import pytest

from reconciler import statefile, workflows
from reconciler.ahead_of_time import AheadOfTime
from reconciler.manifest import reading
from reconciler.model.errors import ManifestInvalid, StateAbsent, StateDamaged

EXAMPLE = Path(__file__).parents[2] / "examples" / "exams.yaml"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace whose manifests are read ahead, small as they are."""
    monkeypatch.setattr(reading, "WORTH_A_PROCESS", 1)
    (tmp_path / "exams.yaml").write_text(EXAMPLE.read_text())
    return tmp_path


def plan(root: Path) -> workflows.Planned:
    """The plan of the workspace at `root`."""
    return workflows.plan(workflows.Scope(root=root))


def test_state_is_read_before_the_manifests_are(workspace, monkeypatch):
    """The work that waits for nobody comes first, or there would be no point."""
    order = []
    monkeypatch.setattr(
        statefile,
        "load_state",
        lambda store, load=statefile.load_state: (order.append("state"), load(store))[1],
    )
    read = workflows.manifest.Ruling.read
    monkeypatch.setattr(
        workflows.manifest.Ruling, "read", lambda *given: (order.append("manifest"), read(*given))[1]
    )
    workflows.initialise(workflows.Scope(root=workspace), lock_timeout_s=1.0)
    order.clear()
    assert len(plan(workspace).plan.to_make) == 12
    assert order == ["state", "manifest"]


def test_mistakes_in_manifests_come_before_a_missing_state(workspace):
    """What an author can mend is said first, whatever is wrong with the state."""
    (workspace / "exams.yaml").write_text(EXAMPLE.read_text() + "nonsense: 1\n")
    with pytest.raises(ManifestInvalid):
        plan(workspace)


def test_a_state_that_cannot_be_read_is_said_at_its_turn(workspace):
    """What went wrong ahead of time is raised as it would have been."""
    with pytest.raises(StateAbsent):
        plan(workspace)
    (workspace / "exams.state.json").write_text("{")
    with pytest.raises(StateDamaged):
        plan(workspace)


def test_work_is_done_once():
    """Begun or not, it is done once, and gives the same."""
    done = []
    work = AheadOfTime(lambda given: (done.append(given), len(done))[1])
    work.begin("a")
    assert (work.result("a"), work.result("a"), done) == (1, 1, ["a"])
    assert AheadOfTime(str.upper).result("b") == "B"


def test_a_failure_is_raised_where_the_result_is_wanted():
    """Nothing is raised ahead of its turn."""
    work = AheadOfTime(int)
    work.begin("no number")
    with pytest.raises(ValueError, match="no number"):
        work.result("no number")
