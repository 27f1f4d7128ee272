"""What `reconciler` alone says: what to do next in this folder."""

import pytest
from exam_workspace import MANIFEST, Workspace, exam

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

TWO = "version: 1\nenvironments: {live: {state: 'file:a.json'}, try: {state: 'file:b.json'}}\n"
ELSEWHERE = "version: 1\nenvironments: {live: {state: 's3://exams/state'}}\n"


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """An empty folder."""
    (tmp_path / "here").mkdir()
    return Workspace(tmp_path / "here")


def test_an_empty_folder_gets_an_example(workspace) -> None:
    """It needs nothing, and says what the program is."""
    said = workspace.run()
    assert said.startswith("reconciler creates the exams that a git repository declares")
    assert "\nNext: `reconciler init --example`\n" in said
    workspace.run("init", "--example")
    assert "3 exams to create.\nNext: `reconciler plan`, then `reconciler apply`\n" in workspace.run()


def test_manifests_without_a_state_get_one(workspace) -> None:
    """The next command is `init`, for the same folder."""
    workspace.declare("a")
    assert "Next: `reconciler init`\n" in workspace.run()
    assert f"Next: `reconciler init --chdir {workspace.root}`\n" in workspace.run(
        "--chdir", str(workspace.root)
    )


def test_created_exams_leave_nothing_to_do_and_a_lost_answer_a_doubt(workspace) -> None:
    """A doubt is more urgent than all that is still to create."""
    workspace.declare("a")
    workspace.run("init")
    with running(Settings(port=0)) as sandbox:
        workspace.apply(sandbox.url)
        assert "All declared exams exist.\n" in workspace.run()
        workspace.declare("a", "b")
        sandbox.misbehave("drop-after:nth=1")
        workspace.apply(sandbox.url, expect=3)
    workspace.declare("a", "b", "c")
    said = workspace.run()
    assert "1 exam in doubt: only a person can find out what became of the request.\n" in said
    assert "Next: `reconciler plan`, which says where to look" in said


def test_mistakes_come_first(workspace) -> None:
    """Nothing else can be done before they are mended."""
    workspace.write(MANIFEST + exam("a", duration="long"))
    assert "1 mistake in the manifests.\nNext: `reconciler validate`\n" in workspace.run()


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (TWO, "The environments are 'live', 'try'.\nNext: `reconciler plan --env live`\n"),
        (ELSEWHERE, "The state is at s3://exams/state.\nNext: `reconciler plan`\n"),
        ("environments: [", "Next: `reconciler validate`\n"),
    ],
)
def test_what_the_workspace_file_says_counts(workspace, file: str, told: str) -> None:
    """A state elsewhere is not asked; a broken file is a mistake as any."""
    workspace.declare("a")
    workspace.write(file, "reconciler.yaml")
    assert told in workspace.run()


@pytest.mark.parametrize("content", [b"\x00\xff", b"{}", b'{"formatVersion": 99}', b""])
def test_a_damaged_state_is_named(workspace, content: bytes) -> None:
    """The greeting succeeds; `plan` says more."""
    workspace.declare("a")
    (workspace.root / "exams.state.json").write_bytes(content)
    said = workspace.run()
    assert "file:exams.state.json" in said
    assert "Next: `reconciler plan`\n" in said


@pytest.mark.parametrize("name", ["exams.yaml", "reconciler.yaml", "exams.state.json"])
def test_a_folder_in_the_place_of_a_file_is_no_accident(workspace, name: str) -> None:
    """Whatever lies there, there is a next command."""
    workspace.declare("a")
    (workspace.root / name).unlink(missing_ok=True)
    (workspace.root / name).mkdir()
    assert "\nNext: `reconciler " in workspace.run()
