"""What a release checks, builds and publishes agrees with the package."""

import importlib.util
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from project_files import ROOT, project

import reconciler

SCRIPT = ROOT / ".ci" / "release_notes.py"
SOURCE = project()["urls"]["Source"]
TAG = f"v{reconciler.__version__}"
CHANGELOG = """# Changelog

## [Unreleased]

- Not yet.

## [1.0.0] - 2031-01-02

### Added

- All of it.

## [0.9.0]

- Earlier.
"""


def script() -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("release_notes", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def workflow(name: str) -> dict[str, Any]:
    """A workflow of the project."""
    loaded: dict[str, Any] = yaml.safe_load(
        (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    )
    return loaded


def artifacts(name: str, action: str) -> set[str]:
    """The artifacts that a workflow names where it uses `action`."""
    steps = [step for job in workflow(name)["jobs"].values() for step in job.get("steps", [])]
    return {step["with"]["name"] for step in steps if action in step.get("uses", "")}


def test_the_notes_are_the_section_of_the_version() -> None:
    """Neither the heading nor another version's text is published."""
    assert script().section(CHANGELOG, "1.0.0") == "### Added\n\n- All of it."
    assert script().section(CHANGELOG, "0.9.0") == "- Earlier."
    assert script().section(CHANGELOG, "1.0") == ""


@pytest.mark.parametrize(
    ("tag", "address", "notes", "why"),
    [
        ("v0.0.1", SOURCE, "text", "reconciler/__init__.py says"),
        (TAG, "https://git.example.org/fork", "text", "change [project.urls] in pyproject.toml"),
        (TAG, SOURCE, "", "CHANGELOG.md has no text"),
    ],
)
def test_a_release_that_contradicts_the_package_is_refused(
    tag: str, address: str, notes: str, why: str
) -> None:
    """Tag, address and changelog are checked before anything is built."""
    assert why in script().refusal(tag, address, notes)
    assert script().refusal(TAG, SOURCE, "text") is None


def test_a_refused_release_prints_no_notes() -> None:
    """The step of the workflow fails, and says what to do."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "v0.0.1", SOURCE], capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "the tag is v0.0.1" in done.stderr


def test_the_release_publishes_what_was_built_and_tried() -> None:
    """Files come from the one workflow that builds; no secret is used, and one job may publish."""
    assert artifacts("release.yml", "download-artifact") == artifacts("packages.yml", "upload-artifact")
    jobs = workflow("release.yml")["jobs"]
    assert jobs["packages"]["uses"] == workflow("ci.yml")["jobs"]["packages"]["uses"]
    assert [name for name, job in jobs.items() if "id-token" in job["permissions"]] == ["publish"]
    assert jobs["publish"]["environment"] == "release"
    assert "secrets" not in (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")


def test_every_python_that_the_package_names_is_tried() -> None:
    """The packages are tried on the lowest where they are built, and on the others afterwards."""
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project()["classifiers"]))
    jobs = workflow("packages.yml")["jobs"]
    build = [
        step["with"]["python-version"]
        for step in jobs["build"]["steps"]
        if "setup-python" in step.get("uses", "")
    ]
    assert set(named) <= {*build, *jobs["install"]["strategy"]["matrix"]["python"]}
    assert project()["requires-python"] == f">={build[0]}"
