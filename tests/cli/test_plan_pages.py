"""Plans as Markdown and HTML from the command line, fresh and saved."""

import json
import re

import pytest
from exam_workspace import SECRET, Workspace

WORKSPACE_FILE = """
version: 1
environments:
  staging: {state: "file:staging.json"}
  production: {state: "file:production.json"}
"""


@pytest.fixture
def workspace(tmp_path):
    """A workspace with a state and two exams to be created."""
    made = Workspace(tmp_path)
    made.run("init")
    made.declare("a", "b")
    return made


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_plan_is_the_same_fresh_and_saved(workspace, form):
    """`show` of a saved plan prints what `plan` did."""
    fresh = workspace.run("plan", "--format", form, "--out", "plan.json")
    shown = workspace.run("show", "plan.json", "--format", form)
    assert "Apply will create 2 exams in 1 course" in fresh
    assert json.loads((workspace.root / "plan.json").read_text())["fingerprint"] in shown
    assert shown == fresh
    assert SECRET not in fresh + shown


def test_markdown_has_the_layer_of_each_value_and_the_warnings(workspace):
    """Fresh and saved: what an environment or `defaults` says is marked, and `validate` warns in the plan."""
    install, state = "AI" + "9" * 32, "file:exams.state.json"
    environment = f"{{state: '{state}', installSid: {install}}}"
    workspace.write(f"version: 1\nenvironments: {{staging: {environment}}}\n", "reconciler.yaml")
    fresh = workspace.run("plan", "--format", "markdown", "--out", "plan.json")
    for text in (fresh, workspace.run("show", "plan.json", "--format", "markdown")):
        assert f"| `installSid` | {install} | environment staging |" in text
        assert "| `courseSid` | cs (CU1234567890abcdef1234567890abcdef) |  |" in text
        assert "| `type` | Online | defaults |" in text
        assert "| `duration` | 90 |  |" in text
        assert "- `overlapping-windows` at `exams.yaml:" in text


def test_a_page_has_them_too_and_paints_what_the_rule_reports(workspace):
    """Fresh and saved, a value has its layer and line, and an overlap is painted until the rule is off."""
    fresh = workspace.run("plan", "--format", "html", "--out", "plan.json")
    for text in (fresh, workspace.run("show", "plan.json", "--format", "html")):
        assert re.search("<dt>type</dt><dd>Online</dd><dd><b>defaults</b> line [0-9]+</dd>", text)
        assert re.search("<dt>duration</dt><dd>90</dd><dd>line [0-9]+</dd>", text)
        assert "<code>overlapping-windows</code> <b>cs/b</b>: this window overlaps" in text
        assert '<span class="clash">overlaps cs/a</span>' in text
        assert '<rect class="overlap"' in text
    workspace.write('version: 1\nrules: {overlapping-windows: "off"}\n', "reconciler.yaml")
    page = workspace.run("plan", "--format", "html")
    assert "overlaps" not in page.partition("<body>")[2].partition("<script>")[0]


def test_exams_that_share_a_window_overlap_in_a_saved_plan_too(workspace):
    """One warning about `defaults` is about several exams; all of them are marked, fresh and saved."""
    dates = "examOpenDate: 2031-10-12T09:00, examCloseDate: 2031-10-14T17:00, "
    workspace.declare("a", "b", "c", "d")
    text = (workspace.root / "exams.yaml").read_text().replace(dates, "")
    workspace.write(text.replace("{attempts: 1,", f"{{attempts: 1, {dates}"))
    fresh = workspace.run("plan", "--format", "html", "--out", "plan.json")
    assert fresh.count('<span class="clash">overlaps') == 4
    assert workspace.run("show", "plan.json", "--format", "html") == fresh


def test_the_marker_names_the_environment(workspace):
    """The environment is that of --env, or the only one that there is."""
    workspace.write(WORKSPACE_FILE, "reconciler.yaml")
    workspace.run("init", "--env", "staging")
    first = workspace.run("plan", "--env", "staging", "--format", "markdown").splitlines()[0]
    assert first.startswith("<!-- reconciler:plan environment=staging fingerprint=sha256:")
    workspace.write(
        WORKSPACE_FILE.replace('  production: {state: "file:production.json"}\n', ""), "reconciler.yaml"
    )
    assert workspace.run("plan", "--format", "markdown").splitlines()[0] == first
    workspace.run("plan", "--out", "plan.json")
    shown = workspace.run("show", "plan.json", "--env", "staging", "--format", "markdown")
    assert shown.splitlines()[0] == first


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_the_state_has_no_page(workspace, form):
    """Without a plan, `show` refuses the forms of plans and says which there are."""
    assert workspace.run("show", "--format", form, expect=1) == ""
    assert f"the state cannot be shown as {form}" in workspace.printed
    assert "text, json, csv or ics" in workspace.printed


def test_other_commands_have_no_page(workspace):
    """`apply` and `state list` keep their forms."""
    for command in (["apply"], ["state", "list"]):
        workspace.run(*command, "--format", "html", expect=1)
        assert "invalid choice" in workspace.printed
