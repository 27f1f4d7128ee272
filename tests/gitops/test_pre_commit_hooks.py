"""The hooks for pre-commit, tried with the real one; it installs the first with pip, as for any user."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from exam_workspace import MANIFEST, Workspace, exam
from workflow_runner import git

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hooks(tmp_path_factory):
    """A repository with this version of the product; the folder beside it is where pre-commit installs it."""
    folder = tmp_path_factory.mktemp("pre-commit") / "hooks"
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


def run_hook(hooks, repository, hook, *options):
    """What pre-commit made of `hook`."""
    revision = git("rev-parse", "HEAD", cwd=hooks)
    config = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": [{"id": hook}]}]}
    (repository.parent / "pre-commit.yaml").write_text(json.dumps(config))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--config", "../pre-commit.yaml", *options],
        cwd=repository,
        env=environment
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PRE_COMMIT_COLOR": "never",
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
    passed = run_hook(hooks, repository, hook, "--all-files")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Passed" in passed.stdout
    text = (repository / "exams.yaml").read_text()
    (repository / "exams.yaml").write_text(text.replace("title:", "titlee:"))
    failed = run_hook(hooks, repository, hook, "--all-files")
    assert failed.returncode == 1
    assert "exams.yaml:" in failed.stdout
    assert "titlee" in failed.stdout


@pytest.fixture
def terms(repository):
    """A repository with two environments, whose manifests are below `terms`, with a base and a note."""
    (repository / "reconciler.yaml").write_text(
        'version: 1\nmanifests: ["terms/**"]\nenvironments: {a: {state: "file:a"}, b: {state: "file:b"}}\n'
    )
    header, exams = MANIFEST.split("exams:")
    for name, text in {
        "shared/base.yaml": header,
        "terms/2031/fall.yaml": f"version: 1\nextends: [../../shared/base.yaml]\nexams:{exams}{exam('a')}",
        "terms/2031/README.md": "- Not: a manifest: at all\n",
    }.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    commit(repository)
    return repository


def test_a_commit_that_changes_no_manifest_is_checked_and_passes(hooks, terms):
    """What has other names than `exams.yaml` is checked, in all environments; a note is no manifest."""
    (terms / "notes.txt").write_text("a note\n")
    git("add", "--all", cwd=terms)
    done = run_hook(hooks, terms, "reconciler-validate-system")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout


@pytest.mark.parametrize("hook", ["reconciler-validate", "reconciler-validate-system"])
def test_a_base_that_is_deleted_stops_the_commit(hooks, terms, hook):
    """Nothing but the deletion is in the commit, and it is told once, where the base is named."""
    git("rm", "--quiet", "shared/base.yaml", cwd=terms)
    failed = run_hook(hooks, terms, hook)
    assert failed.returncode == 1
    assert failed.stdout.count("error[") == 1
    assert "terms/2031/fall.yaml:2:11: error[unreadable-file]" in failed.stdout


def test_a_mistake_in_a_base_stops_the_commit(hooks, terms):
    """Wherever the base is, and whatever its name."""
    base = terms / "shared/base.yaml"
    base.write_text(base.read_text().replace("timezone", "timezon"))
    git("add", "--all", cwd=terms)
    failed = run_hook(hooks, terms, "reconciler-validate-system")
    assert failed.returncode == 1
    assert re.search(r"shared/base.yaml:\d+:\d+: error\[unknown-field\]", failed.stdout)
