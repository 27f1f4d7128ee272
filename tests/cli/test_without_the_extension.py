"""A machine whose PyYAML has no C extension: everything works, and a note says why it takes longer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from exam_workspace import Workspace

NOTE = "without its C extension"


@pytest.fixture
def workspace(tmp_path):
    """A workspace with a state and one exam."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare("a")
    return made


def run(root: Path, *arguments: str, python_path: Path) -> subprocess.CompletedProcess[str]:
    """The command, by a Python that first looks into `python_path`."""
    return subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(python_path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", [["validate"], ["plan"], ["plan", "--format", "json"]])
def test_it_works_and_says_so_once(tmp_path, workspace, command):
    """Results are the same, and one note stands on standard error, unless it is to be quiet."""
    root = workspace.root
    (tmp_path / "with").mkdir()
    without = tmp_path / "without"
    without.mkdir()
    (without / "sitecustomize.py").write_text("import sys\nsys.modules['yaml._yaml'] = None\n")
    fast, slow = (run(root, *command, python_path=tmp_path / kind) for kind in ("with", "without"))
    assert (slow.returncode, slow.stdout) == (fast.returncode, fast.stdout)
    assert (fast.stderr.count(NOTE), slow.stderr.count(NOTE)) == (0, 1)
    assert NOTE not in run(root, "--quiet", *command, python_path=without).stderr
