"""The formats of pipelines, end to end: what the installed command prints, and where files are said to be."""

import json

import pytest
from defusedxml.ElementTree import fromstring
from exam_workspace import MANIFEST, Workspace, exam

BROKEN = MANIFEST + exam("a").replace("title", "tilte")
REPOSITORY = "repository with spaces"


@pytest.fixture
def workspace(tmp_path):
    """A repository with a workspace in a folder of it; commands run at the repository's root."""
    root = tmp_path / REPOSITORY
    (root / "term").mkdir(parents=True)
    (root / ".git").mkdir()
    made = Workspace(root)
    made.write(BROKEN, "term/exams.yaml")
    return made


def validate(workspace, form, *more, variables=None, expect=1):
    """What `validate` printed in the format `form`."""
    return workspace.run(
        "--chdir", "term", "validate", "--format", form, *more, variables=variables, expect=expect
    )


def test_paths_begin_at_the_repository_in_every_format(workspace):
    """With --chdir as well: annotations are shown only beside files that the repository has."""
    path = "term/exams.yaml"
    (first, *_) = validate(workspace, "github").splitlines()
    assert first.startswith(f"::error file={path},line=")
    (issue, *_) = json.loads(validate(workspace, "gitlab"))
    assert issue["location"]["path"] == path
    (run,) = json.loads(validate(workspace, "sarif"))["runs"]
    location = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": path, "uriBaseId": "%SRCROOT%"}
    base = run["originalUriBaseIds"]["%SRCROOT%"]["uri"]
    assert base == f"{workspace.root.as_uri()}/"
    cases = fromstring(validate(workspace, "junit"))
    assert {case.attrib["classname"] for case in cases} == {path}


def test_the_repository_is_as_the_pipeline_says_where_git_is_not_there(workspace):
    """A checkout without `.git` is where a variable says; one about elsewhere is not used."""
    (workspace.root / ".git").rmdir()
    for variables in ({"CI_PROJECT_DIR": str(workspace.root.parent)}, {"CI_PROJECT_DIR": "/nowhere"}):
        (issue, *_) = json.loads(validate(workspace, "gitlab", variables=variables))
        within = "" if variables["CI_PROJECT_DIR"] == "/nowhere" else f"{REPOSITORY}/"
        assert issue["location"]["path"] == f"{within}term/exams.yaml"


def test_the_job_summary_has_the_whole_list(workspace):
    """Eleven errors: ten annotations, the rest counted, and all of them behind what the file held."""
    text = "".join(exam(name).replace("title", "tilte") for name in "abcdefghijk")
    workspace.write(MANIFEST + text, "term/exams.yaml")
    summary = workspace.root / "summary.md"
    summary.write_text("# from another command\n")
    printed = validate(workspace, "github", variables={"GITHUB_STEP_SUMMARY": str(summary)})
    assert printed.count("::error ") == 10
    assert "1 error left out here, as GitHub shows ten of a kind: the job summary lists them all." in printed
    written = summary.read_text()
    assert written.startswith("# from another command\n### reconciler validate: 11 errors, ")
    assert written.count("error[unknown-field]") == 11


def test_a_summary_that_cannot_be_written_is_a_failure(workspace):
    """Nobody is told that a list is somewhere where it is not."""
    validate(workspace, "github", variables={"GITHUB_STEP_SUMMARY": "/nowhere/summary.md"})
    assert "No such file or directory: /nowhere/summary.md" in workspace.printed


def test_valid_manifests_pass_in_every_format(workspace):
    """A pipeline finds a whole document, and on GitHub a line that says so."""
    workspace.write(MANIFEST + exam("a"), "term/exams.yaml")
    assert validate(workspace, "github", expect=0) == "Valid: 1 exam, no problems found.\n"
    assert json.loads(validate(workspace, "gitlab", expect=0)) == []
    assert json.loads(validate(workspace, "sarif", expect=0))["runs"][0]["results"] == []
    assert fromstring(validate(workspace, "junit", expect=0)).attrib["failures"] == "0"


def test_the_widget_reads_a_plan_and_a_saved_plan(workspace):
    """`plan` and `show` count alike; the state is no plan."""
    workspace.write(MANIFEST + exam("a") + exam("b"), "term/exams.yaml")
    workspace.run("--chdir", "term", "init")
    counts = {"create": 2, "update": 0, "delete": 0}
    planned = workspace.run("--chdir", "term", "plan", "--format", "gitlab-terraform", "--out", "plan.json")
    assert json.loads(planned) == counts
    shown = workspace.run("--chdir", "term", "show", "plan.json", "--format", "gitlab-terraform")
    assert json.loads(shown) == counts
    workspace.run("--chdir", "term", "show", "--format", "gitlab-terraform", expect=1)
    assert "only a plan can" in workspace.printed
