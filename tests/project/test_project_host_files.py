"""What a host shows of the project: forms, and the pages about security and support."""

import re
import shlex

import pytest
import yaml
from project_files import ROOT, project

import reconciler
from reconciler.cli.commands import build_parser

FORMS = sorted(
    set((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")) - {ROOT / ".github/ISSUE_TEMPLATE/config.yml"}
)
TEXTS = [*FORMS, ROOT / "SECURITY.md", ROOT / "SUPPORT.md", ROOT / ".github" / "pull_request_template.md"]


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_a_form_says_first_what_to_leave_out(form) -> None:
    """Issues are public: whoever fills in a form has read that before the first field."""
    first, *fields = yaml.safe_load(form.read_text(encoding="utf-8"))["body"]
    assert first["type"] == "markdown"
    assert "**Leave out tokens, passwords and names of people" in first["attributes"]["value"]
    assert fields


def test_a_form_for_doubts_asks_for_the_report_and_the_log() -> None:
    """Without the two nobody can say anything."""
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/in-doubt.yml").read_text(encoding="utf-8"))
    required = {field["id"] for field in form["body"] if field.get("validations", {}).get("required")}
    assert {"report", "run"} <= required


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_commands_files_and_targets_named_exist(path) -> None:
    """Nobody is asked to run, or sent to, what is not there."""
    text = path.read_text(encoding="utf-8")
    for command in re.findall(r"`reconciler (\S[^`]*)`", text):
        if command != "--version":
            build_parser().parse_args(shlex.split(command))
    for name in re.findall(r"\bdocs/[\w/.-]+\.md\b|\b[A-Z]{2,}\.md\b", text):
        assert (ROOT / name).is_file(), name


def test_the_major_version_of_today_gets_security_fixes() -> None:
    """The table of SECURITY.md does not speak of an earlier one."""
    major = reconciler.__version__.split(".")[0]
    assert f"| {major}.x, its latest release | yes |" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_what_is_in_scope_are_the_promises_of_the_readme() -> None:
    """All of them, by their names and in their order."""
    promised = re.findall(
        r"^\| \*\*([^*.]+)\.\*\*", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    scope = (ROOT / "SECURITY.md").read_text(encoding="utf-8").split("## In scope")[1]
    assert re.findall(r"^\| ([A-Z][^|]*?) \|", scope, re.MULTILINE) == promised


def test_every_python_of_the_package_is_in_the_table() -> None:
    """The page, the classifiers and the oldest version that pip takes agree."""
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    listed = re.findall(r"\b3\.\d+\b", page.split("## Python")[1].split("\n## ")[0])
    classified = [one.split(" :: ")[-1] for one in project()["classifiers"] if ":: 3." in one]
    assert listed == classified
    assert project()["requires-python"] == f">={listed[0]}"
