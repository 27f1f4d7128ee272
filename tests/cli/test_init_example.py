"""`init --example`: a manifest and a workspace file to begin with, which are right today and for years."""

import json
from datetime import UTC, datetime

import pytest
from exam_workspace import Workspace

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

FILES = ("reconciler.yaml", "exams.yaml")


@pytest.fixture
def workspace(tmp_path):
    """An empty directory."""
    root = tmp_path / "workspace"
    root.mkdir()
    return Workspace(root)


def test_what_it_writes_has_no_mistakes_today_and_in_three_years(workspace):
    """Not even a warning, of any rule; both files are full of comments."""
    said = workspace.run("init", "--example")
    assert "Wrote reconciler.yaml and exams.yaml." in said
    assert "Next: `reconciler plan`" in workspace.printed
    now = datetime.now(UTC)
    for year in range(now.year, now.year + 4):
        moment = f"{year}-{now.month:02}-{min(now.day, 28):02}T00:00:00Z"
        assert (
            workspace.run("validate", "--strict", "--now", moment) == "Valid: 3 exams, no problems found.\n"
        )
    for name in FILES:
        assert (workspace.root / name).read_text().count("#") > 6


def test_it_is_quiet_about_the_next_step_where_that_is_asked_for(workspace):
    """What was made is still said: it is the result."""
    said = workspace.run("init", "--example", "--quiet")
    assert said == workspace.printed
    assert said.count("\n") == 1


def test_its_plan_and_apply_work_with_the_sandbox(workspace):
    """The three exams are created there, as they are written."""
    workspace.run("init", "--example")
    plan = json.loads(workspace.run("plan", "--format", "json"))
    assert plan["summary"]["create"] == 3
    assert plan["refused"] == []
    assert (plan["destination"]["environment"], plan["destination"]["apiUrl"]) == (
        "sandbox",
        "http://127.0.0.1:8400",
    )
    for change in plan["changes"]:
        reference = change["after"]["configuration"].get("password")
        if reference is not None:
            workspace.variables[reference["fromEnv"]] = "tulip-7731"
    with running(Settings(port=0)) as sandbox:
        assert workspace.apply(sandbox.url)["summary"]["created"] == 3
    assert "Nothing to do" in workspace.run("plan") or "up to date" in workspace.printed


@pytest.mark.parametrize("name", ["reconciler.yaml", "reconciler.yml", "exams.yaml", "exams.yml", "exams"])
def test_nothing_is_replaced(workspace, name):
    """A file in the way, or a link to nothing, is named, and neither a file nor a state is written."""
    (workspace.root / name).symlink_to("nowhere")
    said = workspace.refused("init", "--example")
    assert f"an example would get in the way of '{name}'" in said
    assert [each.name for each in workspace.root.iterdir()] == [name]


def test_a_state_that_exists_is_refused_and_no_file_is_written(workspace):
    """As `init` alone does."""
    workspace.run("init")
    workspace.refused("init", "--example")
    assert not any((workspace.root / name).exists() for name in FILES)


@pytest.mark.parametrize("more", [("--state", "file:x.json"), ("--migrate-from", "file:x.json")])
def test_it_has_a_state_of_its_own(workspace, more):
    """Another one would not be that of the workspace file; nothing is written."""
    workspace.refused("init", "--example", *more)
    assert list(workspace.root.iterdir()) == []
