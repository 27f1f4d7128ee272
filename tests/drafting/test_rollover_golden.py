"""A rollover on the command line, compared with files of what a person has looked at; see `golden_files`."""

import shutil
from pathlib import Path

import pytest
from exam_workspace import Workspace
from golden_files import check

GOLDEN = Path(__file__).parent / "golden_rollover"
ROLLOVER = ("rollover", "--from", "2031fa", "--to", "2032sp")


@pytest.fixture
def workspace(tmp_path):
    """The workspace of the golden files, without what a rollover writes."""
    shutil.copytree(GOLDEN, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("2032sp", "*.txt"))
    return Workspace(tmp_path)


def test_the_new_files(workspace):
    """What is written, what is printed, and what `validate` says of it."""
    workspace.run(*ROLLOVER, "exams/2031fa")
    check(GOLDEN / "written.txt", workspace.printed)
    for path in sorted((workspace.root / "exams/2032sp").iterdir()):
        check(GOLDEN / f"exams/2032sp/{path.name}", path.read_text(encoding="utf-8"))
    workspace.run("validate", "exams/2032sp", expect=1)
    check(GOLDEN / "validate.txt", workspace.printed)


def test_a_dry_run(workspace):
    """The difference on standard output, and nothing on the disk."""
    before = sorted(workspace.root.rglob("*"))
    check(GOLDEN / "dry-run.txt", workspace.run(*ROLLOVER, "--dry-run", "exams/2031fa"))
    assert sorted(workspace.root.rglob("*")) == before
