"""The hooks for pre-commit, tried with the real one; it installs the first with pip, as for any user."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from exam_workspace import Workspace
from workflow_runner import git

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hooks(tmp_path):
    """A repository with this version of the product, as `try-repo` takes it."""
    folder = tmp_path / "hooks"
    ours = (
        "reconciler",
        "schemas",
        "docs",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        ".pre-commit-hooks.yaml",
    )
    for name in ours:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        folder.mkdir(exist_ok=True)
        copy(ROOT / name, folder / name)
    commit(folder)
    return folder


@pytest.fixture
def repository(tmp_path):
    """A user's repository with a workspace in it."""
    folder = tmp_path / "user"
    folder.mkdir()
    return folder


def commit(folder):
    """Make `folder` a repository with all that is in it."""
    git("init", "--quiet", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "all", cwd=folder)


def try_repo(hooks, repository, hook):
    """What `pre-commit try-repo` made of `hook`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), hook, "--all-files", "--color", "never"],
        cwd=repository,
        env=environment
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PRE_COMMIT_HOME": str(hooks.parent / "pre-commit"),
            "VIRTUALENV_OVERRIDE_APP_DATA": str(hooks.parent / "virtualenv"),
        },
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("hook", ["reconciler-validate", "reconciler-validate-system"])
def test_a_mistake_stops_the_commit(hooks, repository, hook):
    """Valid manifests pass; a mistake in one fails the hook, which says where it is."""
    workspace = Workspace(repository)
    workspace.declare("a")
    commit(repository)
    passed = try_repo(hooks, repository, hook)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Passed" in passed.stdout
    text = (repository / "exams.yaml").read_text()
    (repository / "exams.yaml").write_text(text.replace("title:", "titlee:"))
    failed = try_repo(hooks, repository, hook)
    assert failed.returncode == 1
    assert "exams.yaml:" in failed.stdout
    assert "titlee" in failed.stdout


def test_a_commit_without_manifests_is_not_held_up(hooks, repository):
    """The hook looks at no other file."""
    (repository / "notes.yaml").write_text("a: 1\n")
    commit(repository)
    done = try_repo(hooks, repository, "reconciler-validate-system")
    assert done.returncode == 0
    assert "Skipped" in done.stdout
