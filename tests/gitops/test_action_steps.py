"""The action's other steps: what is installed, what reaches the runner, and what a cancelled run leaves."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from exam_workspace import Workspace
from workflow_runner import prepare_reconciler

from reconciler.sandbox import Settings, parse_fault
from reconciler.sandbox.running import running

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
FILES = [ROOT / "action.yml", *(ROOT / "examples" / "gitops" / ".github" / "workflows").glob("*.yml")]


class Step:
    """The action's step that runs a command, in a workspace with a state."""

    def __init__(self, root):
        self.workspace = Workspace(root / "workspace")
        self.workspace.root.mkdir()
        self.workspace.run("init")
        self.temp = root / "temp"
        prepare_reconciler(self.temp)
        for name in ("output", "summary"):
            (root / name).touch()
        self.root = root
        self.inputs = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}

    def start(self, **inputs):
        """The step as a running process, as the runner starts it: bash with a file."""
        (step,) = [one for one in ACTION["runs"]["steps"] if one.get("id") == "run"]
        given = self.inputs | {name.replace("_", "-"): value for name, value in inputs.items()}
        told = {
            key: given[re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", text)[1]]
            for key, text in step["env"].items()
        }
        script = self.root / "step.sh"
        script.write_text(step["run"])
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],  # noqa: S607 - as GitHub does
            cwd=self.workspace.root,
            env=self.workspace.environment() | self._runner() | told,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, expect=0, **inputs):
        """What the step printed."""
        process = self.start(**inputs)
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == expect, printed
        return printed

    def _runner(self):
        return {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(self.root / "output"),
            "GITHUB_REPOSITORY": "example-edu/exams",
            "GITHUB_RUN_ID": "7",
            "GITHUB_SERVER_URL": "https://github.example.edu",
            "GITHUB_WORKSPACE": str(self.workspace.root),
            "GITHUB_STEP_SUMMARY": str(self.root / "summary"),
            "RUNNER_TEMP": str(self.temp),
        }

    def outputs(self):
        """The outputs that the step has set."""
        return dict(line.split("=", 1) for line in (self.root / "output").read_text().splitlines())


@pytest.fixture
def step(tmp_path):
    """The step, with two exams declared."""
    made = Step(tmp_path)
    made.workspace.declare("a", "b")
    return made


def test_a_plan_that_differs_does_not_fail_the_job(step):
    """Its exit code is an output, and the plan a file and the job's summary."""
    step.run(command="plan", plan_file="review.json")
    told = step.outputs()
    plan = json.loads(Path(told["plan-file"]).read_text())
    assert told["exit-code"] == "2"
    assert told["fingerprint"] == plan["fingerprint"]
    assert "cs/a" in (step.root / "summary").read_text()


def test_a_plan_that_apply_would_refuse_fails_the_job_and_is_shown(step):
    """It is the summary, the comment and the file as any other plan is; and the input says the service."""
    step.workspace.write("version: 1\nmaxCreates: 1\n", "reconciler.yaml")
    step.run(command="plan", api_url="https://api.example.edu", expect=1)
    told = step.outputs()
    plan = json.loads(Path(told["plan-file"]).read_text())
    assert told["exit-code"] == "1"
    assert told["fingerprint"] == plan["fingerprint"]
    assert plan["destination"]["apiUrl"] == "https://api.example.edu"
    for file in (step.root / "summary", step.temp / "reconciler.md", Path(told["page-file"])):
        assert "too-many-creates" in file.read_text()
        assert "maxCreates: 2" in file.read_text()


def test_more_creates_are_allowed_by_an_input(step):
    """The input wins over the workspace file, for plan and apply alike."""
    step.workspace.write("version: 1\nmaxCreates: 1\n", "reconciler.yaml")
    step.run(command="plan", max_creates="2")
    with running() as sandbox:
        step.workspace.variables["SMARTERPROCTORING_URL"] = sandbox.url
        step.run(command="apply", expect=1)
        step.run(command="apply", max_creates="2")
        assert len(sandbox.created) == 2


def test_a_plan_that_fails_replaces_the_comment_of_an_earlier_one(step):
    """What is to be commented then begins with the marker, and says that there is no plan."""
    step.workspace.write("version: 2\n")
    step.run(command="plan", expect=1)
    first, second = (step.temp / "reconciler.md").read_text().splitlines()
    assert first.startswith("<!-- reconciler:plan ")
    assert "There is no plan" in second
    assert "https://github.example.edu/example-edu/exams/actions/runs/7" in second


def test_what_a_caller_says_is_never_run(step):
    """Inputs with the shell's and the options' own signs are names, and nothing else."""
    evil = "$(touch pwned) `touch pwned`; touch pwned; --out=pwned"
    asked = {"validate": ("env", "paths"), "plan": ("state", "plan_file", "working_directory")}
    asked |= {"apply": ("expect", "lock_timeout", "secrets_dir"), evil: ("command",)}
    for command, names in asked.items():
        for name in names:
            step.start(**({"command": command} | {name: evil})).communicate(timeout=60)
            assert [found.name for found in step.root.rglob("*pwned*")] in ([], [evil])


def test_paths_are_one_a_line(step):
    """Each line is one path, with the spaces that it has; empty lines say nothing."""
    (step.workspace.root / "two words").mkdir()
    (step.workspace.root / "exams.yaml").rename(step.workspace.root / "two words" / "exams.yaml")
    step.run(command="plan", paths="\ntwo words/exams.yaml\n\n")
    assert step.outputs()["exit-code"] == "2"


def test_apply_expects_the_reviewed_plan(step):
    """With the plan of before an edit nothing is sent, and the summary says that apply ended with 1."""
    with running() as sandbox:
        step.workspace.variables["SMARTERPROCTORING_URL"] = sandbox.url
        step.run(command="plan")
        step.workspace.declare("a", "b", "c")
        process = step.start(command="apply", expect="plan.json")
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert sandbox.requests == 0
    assert "cs/c" in printed
    assert "ended with exit code 1 and without a report" in (step.root / "summary").read_text()
    assert "report-file" not in step.outputs()


def test_no_title_is_taken_for_a_command_to_the_runner(step):
    """What apply prints stands between stop-commands and a word that nobody could know."""
    with running() as sandbox:
        step.workspace.variables["SMARTERPROCTORING_URL"] = sandbox.url
        lines = step.run(command="apply").splitlines()
    word = lines[0].removeprefix("::stop-commands::")
    assert re.fullmatch(r"[0-9a-f]{32}", word)
    assert lines[-1] == f"::{word}::"


def test_apply_says_what_was_created(step):
    """The summary and the report have the SIDs, and both lead to each other by the run."""
    with running() as sandbox:
        step.workspace.variables["SMARTERPROCTORING_URL"] = sandbox.url
        step.run(command="apply")
        sids = [exam["sid"] for exam in sandbox.created]
    summary = (step.root / "summary").read_text()
    report = json.loads(Path(step.outputs()["report-file"]).read_text())
    assert summary.startswith("<!-- reconciler:apply environment= ")
    assert "**Created 2 exams at " in summary
    assert "https://github.example.edu/example-edu/exams/actions/runs/7" in summary
    assert sorted(exam["sid"] for exam in report["exams"]) == sorted(sids)
    assert all(sid in summary for sid in sids)
    assert (step.temp / "reconciler.md").read_text() == summary


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_apply_lets_the_creates_in_flight_end(step, number):
    """The runner signals the step's own process: reconciler is told, drains, and leaves nothing in doubt."""
    with running(Settings(port=0, faults=(parse_fault("latency:seconds=1"),))) as sandbox:
        step.workspace.variables["SMARTERPROCTORING_URL"] = sandbox.url
        process = step.start(command="apply")
        deadline = time.monotonic() + 30
        while sandbox.requests < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 143, printed
        assert len(sandbox.created) == 2
    assert set(step.workspace.state["exams"]) == {"cs/a", "cs/b"}
    assert step.workspace.state["intents"] == {}


def test_install_puts_this_checkout_on_the_path(tmp_path):
    """In an environment of its own, with what the pinned list has; a second time it does nothing."""
    python = Path(sys.executable)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | {
        "GITHUB_ACTION_PATH": str(_checkout(tmp_path / "checkout")),
        "GITHUB_PATH": str(tmp_path / "path"),
        "RECONCILER_PYTHON": str(python.resolve()),
        "RUNNER_TEMP": str(tmp_path),
    }
    for _ in range(2):
        subprocess.run([ROOT / ".github" / "action" / "install.sh"], env=environment, check=True)
    (folder,) = (tmp_path / "path").read_text().splitlines()
    (tmp_path / "reconciler.py").write_text("raise SystemExit('the module of a stranger')\n")
    done = subprocess.run(
        [f"{folder}/reconciler", "--version"],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("reconciler ")


def _checkout(folder):
    """The action's checkout, with an empty list of packages: `--version` needs none."""
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "runtime.txt").touch()
    for name in ("reconciler", "schemas"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_an_old_interpreter_is_refused(tmp_path):
    """The message says what is needed, in the way that the runner shows as an error."""
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        [ROOT / ".github" / "action" / "install.sh"],
        env={"PATH": os.environ["PATH"], "RECONCILER_PYTHON": str(old), "RUNNER_TEMP": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.match(r"::error title=reconciler::.* is not Python 3\.11 or newer", done.stdout)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_script_holds_an_expression(path):
    """`run:` is text of ours alone; what is known only at run time comes as a variable."""
    scripts = [
        step["run"] for step in _steps(yaml.safe_load(path.read_text(encoding="utf-8"))) if "run" in step
    ]
    assert scripts or path.name == "plan.yml"
    assert not [script for script in scripts if "${{" in script]


def _steps(document):
    if "runs" in document:
        return document["runs"]["steps"]
    return [step for job in document["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_used_is_pinned_by_commit(path):
    """A tag can be moved to other code; a commit cannot."""
    used = [
        step["uses"] for step in _steps(yaml.safe_load(path.read_text(encoding="utf-8"))) if "uses" in step
    ]
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in used), used


def test_only_plans_are_ever_cancelled():
    """A run that creates exams, or keeps others waiting for it, is left to end."""
    folder = ROOT / "examples" / "gitops" / ".github" / "workflows"
    cancelled = {
        path.name: yaml.safe_load(path.read_text(encoding="utf-8"))["concurrency"]["cancel-in-progress"]
        for path in folder.iterdir()
    }
    assert cancelled == {"plan.yml": True, "apply.yml": False, "report.yml": False}
