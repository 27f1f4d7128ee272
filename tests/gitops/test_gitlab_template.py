"""The GitLab component: valid by GitLab's own schema, and its scripts run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
import zygote
from exam_workspace import MANIFEST, Workspace, exam

from reconciler.sandbox.running import running

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "templates" / "reconciler.yml"
INPUTS = {
    "environment": "staging",
    "state": "file:exams.state.json",
    "published-state": "file:exams.state.json",
    "runner-tag": "exams",
    "image": "registry.example.edu/reconciler",
}
RECONCILER_YAML = "version: 1\nenvironments: {staging: {}}\n"


def included(**more):
    """The jobs as GitLab makes them of the component and these inputs."""
    header, body = TEMPLATE.read_text(encoding="utf-8").split("\n---\n")
    inputs = yaml.safe_load(header)["spec"]["inputs"]
    given = {name: str((INPUTS | more).get(name, one.get("default"))) for name, one in inputs.items()}
    return yaml.safe_load(re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: given[found[1]], body))


JOBS = included()


def test_gitlab_would_take_it(tmp_path):
    """GitLab's JSON Schema finds nothing in what the component becomes, and something once it is broken."""
    for jobs, code in ((JOBS, 0), ({"job": {"script": "true", "interruptible": "perhaps"}}, 1)):
        path = tmp_path / ".gitlab-ci.yml"
        path.write_text(yaml.safe_dump(jobs))
        checked = subprocess.run(
            [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", path],
            check=False,
            capture_output=True,
            text=True,
        )
        assert checked.returncode == code, checked.stdout


def test_every_input_is_used_and_described():
    """What a user may say changes something, and what a user must say is explained."""
    header, body = TEMPLATE.read_text(encoding="utf-8").split("\n---\n")
    inputs = yaml.safe_load(header)["spec"]["inputs"]
    assert set(inputs) == set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", body))
    assert all("description" in one for one in inputs.values() if "default" not in one)


def test_applies_never_overlap_and_are_never_cancelled():
    """One resource group an environment; neither a newer pipeline nor GitLab's own clean-up ends an apply."""
    (apply,) = [job for name, job in JOBS.items() if " apply " in name]
    assert apply["resource_group"] == "reconciler-staging"
    assert apply["interruptible"] is False
    assert apply["needs"] == [{"job": "reconciler plan staging", "artifacts": True}]
    assert all(job["interruptible"] for name, job in JOBS.items() if " apply " not in name)


def test_what_the_state_did_not_take_is_kept():
    """A failed apply leaves its recovery file, from where its script has it made; any apply its report."""
    (apply,) = [job for name, job in JOBS.items() if " apply " in name]
    assert apply["artifacts"]["when"] == "always"
    text, document, path = apply["artifacts"]["paths"]
    assert f'--recovery-dir "$CI_PROJECT_DIR/{Path(path).parent}"' in apply["script"][0]
    assert f'--out "$CI_PROJECT_DIR/{document}" --summary "$CI_PROJECT_DIR/{text}"' in apply["script"][0]


def test_no_input_stands_in_a_script():
    """Inputs reach scripts as variables, so that no value is run."""
    body = TEMPLATE.read_text(encoding="utf-8").split("\n---\n")[1]
    scripts = [
        line for job in yaml.safe_load(body.replace("$[[", "INPUT")).values() for line in job["script"]
    ]
    assert scripts
    assert not [line for line in scripts if "INPUT" in line]


REVIEWED = MANIFEST + exam("a") + exam("b", examOpenDate="2031-11-12T09:00", examCloseDate="2031-11-14T17:00")


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams and an environment."""
    made = Workspace(tmp_path)
    made.write(RECONCILER_YAML, "reconciler.yaml")
    made.write(REVIEWED)
    made.run("init", "--env", "staging")
    return made


def play(workspace, name, jobs=JOBS):
    """Run a job's script as a runner does: with its variables, in one shell."""
    job = jobs[f"reconciler {name} staging"]
    command = workspace.root / "bin" / "reconciler"
    command.parent.mkdir(exist_ok=True)
    command.write_text(zygote.launcher())
    command.chmod(0o755)
    variables = {"CI_PROJECT_DIR": str(workspace.root), "PATH": f"{command.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(job["script"])],  # noqa: S607 - as a runner does
        cwd=workspace.root,
        env=workspace.environment() | job["variables"] | variables,
        check=False,
        capture_output=True,
        text=True,
    )


def test_its_scripts_validate_plan_and_apply(workspace):
    """A merge request's jobs leave their reports; the default branch's apply goes by the plan before it."""
    for name, report in (("validate", "gl-code-quality-report.json"), ("preview", "tfplan.json")):
        done = play(workspace, name)
        assert done.returncode == 0, done.stderr
        json.loads((workspace.root / report).read_text())
    with running() as sandbox:
        workspace.variables["SMARTERPROCTORING_URL"] = sandbox.url
        assert play(workspace, "plan").returncode == 0
        workspace.write(REVIEWED + exam("c"))
        refused = play(workspace, "apply")
        assert refused.returncode == 1
        assert "cs/c" in refused.stderr
        assert sandbox.requests == 0
        workspace.write(REVIEWED)
        done = play(workspace, "apply")
        assert done.returncode == 0, done.stderr
        assert len(sandbox.created) == 2
    (kept,) = [job for name, job in JOBS.items() if " apply " in name]
    for name in kept["artifacts"]["paths"][:2]:
        assert all(exam["sid"] in (workspace.root / name).read_text() for exam in sandbox.created)


def test_a_mistake_fails_the_plans_and_leaves_none(workspace):
    """Where there is no plan, its jobs fail for that, and for nothing that comes after it."""
    workspace.write("version: 2\n")
    for name in ("preview", "plan"):
        done = play(workspace, name)
        assert done.returncode == 1
        assert "is not a file" not in done.stderr
        assert not (workspace.root / "plan.json").exists()


def test_a_refused_plan_fails_its_job_and_is_kept(workspace):
    """The hint's line, or the input, lets it pass; what is in doubt or differs fails no plan."""
    workspace.write(f"{RECONCILER_YAML}maxCreates: 1\n", "reconciler.yaml")
    for name in ("preview", "plan"):
        done = play(workspace, name)
        assert done.returncode == 1
        assert "maxCreates: 2" in done.stdout
        assert JOBS[f"reconciler {name} staging"]["artifacts"]["when"] == "always"
        plan = json.loads((workspace.root / "plan.json").read_text())
        assert [guard["code"] for guard in plan["refused"]] == ["too-many-creates"]
    assert json.loads((workspace.root / "tfplan.json").read_text())["create"] == 2
    assert "too-many-creates" in (workspace.root / "plan.html").read_text()
    for name in ("preview", "plan"):
        done = play(workspace, name, included(**{"max-creates": "2"}))
        assert done.returncode == 0, done.stderr


def test_the_service_can_be_said(workspace):
    """The input decides for the plans and for what is applied, also against a variable that stands around."""
    workspace.write(
        "version: 1\nenvironments: {staging: {apiUrl: 'https://api.example.edu'}}\n", "reconciler.yaml"
    )
    with running() as sandbox:
        workspace.variables["SMARTERPROCTORING_URL"] = "http://127.0.0.1:9"
        jobs = included(**{"api-url": sandbox.url})
        for name in ("preview", "plan", "apply"):
            done = play(workspace, name, jobs)
            assert done.returncode == 0, done.stderr
        assert f"service {sandbox.url}" in done.stdout
        assert len(sandbox.created) == 2
