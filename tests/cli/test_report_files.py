"""The files of an apply's report: as JSON and as Markdown, and never in place of another file."""

import json

import pytest
from exam_workspace import Workspace

from reconciler.sandbox.running import running


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams, and an empty state."""
    made = Workspace(tmp_path)
    made.declare("a", "b")
    made.run("init")
    return made


def test_the_report_is_in_both_files(workspace):
    """What is printed is the text all the same; a later run replaces both."""
    with running() as sandbox:
        apply = ("apply", "--auto-approve", "--api-url", sandbox.url)
        for created in (2, 0):
            workspace.run(*apply, "--out", "report.json", "--summary", "report.md")
            report = json.loads((workspace.root / "report.json").read_text())
            assert report["summary"]["created"] == created
            text = (workspace.root / "report.md").read_text()
            assert text.startswith("<!-- reconciler:apply environment= ")
            assert all(exam["sid"] in text for exam in report["exams"])
    assert "up to date" in workspace.printed


@pytest.mark.parametrize("option", ["--out", "--summary"])
@pytest.mark.parametrize("name", ["exams.yaml", "exams.state.json", "link", "nowhere/report"])
def test_no_other_file_is_replaced(workspace, option, name):
    """The exams are created and told; the file stays, and the run says that it failed and why."""
    (workspace.root / "link").symlink_to("report.json")
    before = (workspace.root / "exams.yaml").read_text()
    with running() as sandbox:
        workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, option, name, expect=1)
        assert len(sandbox.created) == 2
    assert f"{option} {name}" in workspace.printed
    assert "Exit code 1: the report is not in its file" in workspace.printed
    assert len(workspace.state["exams"]) == 2
    assert (workspace.root / "exams.yaml").read_text() == before
    assert not (workspace.root / "report.json").exists()
