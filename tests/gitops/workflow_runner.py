"""Plays workflow files: their own `run` steps with bash, in the environment that GitHub would give them.

Of the actions that they use, ours is played from its own action.yml; those of GitHub have a stand-in here
that does the same with real git repositories and folders.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import yaml
import zygote
from expressions import fill, holds

ROOT = Path(__file__).parents[2]
REPOSITORY = "example-edu/exams"
OURS = "example-edu/reconciler@"
TOKEN = "ghs_made-up"


def git(*arguments, cwd):
    """What git printed."""
    return subprocess.run(
        ["git", *arguments],  # noqa: S607 - any git will do
        cwd=cwd,
        env=_git_environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def _git_environment():
    names = {f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **names}


@dataclass
class Step:
    """A step that was run: its name, how it ended, and what it printed."""

    name: str
    code: int
    log: str


@dataclass
class Job:
    """A job that was run, with its steps in order."""

    name: str
    matrix: dict
    steps: list = field(default_factory=list)
    outputs: dict = field(default_factory=dict)
    summary: str = ""

    @property
    def failed(self):
        """Whether one of its steps failed."""
        return any(step.code for step in self.steps)


@dataclass
class Run:
    """A run of a workflow."""

    id: int
    jobs: list = field(default_factory=list)

    @property
    def failed(self):
        """Whether one of its jobs failed."""
        return any(job.failed for job in self.jobs)

    @property
    def log(self):
        """All that was printed."""
        return "\n".join(f"[{job.name} {step.name}] {step.log}" for job in self.jobs for step in job.steps)

    def job(self, name, **matrix):
        """The one job of this name and matrix."""
        (found,) = [job for job in self.jobs if job.name == name and job.matrix == matrix]
        return found


class GitHub:
    """The site: a bare repository, what runs kept, and a disk that only self-hosted runners have."""

    def __init__(self, root, api):
        self.root = root
        self.api = api
        self.origin = root / f"{REPOSITORY}.git"
        self.disk = root / "disk"
        self.artifacts = {}
        self.variables = {"EXAM_SECRETS_DIR": str(self.disk / "secrets")}
        self.secrets = {"SMARTERPROCTORING_TOKEN": "a.token.x"}
        self.on_runner = {}
        """Variables of the self-hosted runner's own, by environment."""
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def run(self, workflow, event_name, sha, event=None):
        """Play `workflow` as `sha` has it."""
        text = git("show", f"{sha}:.github/workflows/{workflow}", cwd=self.origin)
        with self._lock:
            run = Run(next(self._numbers))
        self.artifacts[run.id] = {}
        document = yaml.safe_load(text)
        github = {"sha": sha, "event_name": event_name, "event": event or {}, "token": TOKEN}
        _Player(self, document, run, github).play()
        return run


class _Player:
    def __init__(self, site, document, run, github):
        self.site, self.document, self.run, self.github = site, document, run, github
        self.needs = {}

    def play(self):
        for name, job in self.document["jobs"].items():
            needed = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            known = {one: self.needs[one] for one in needed}
            failed = any(one["result"] != "success" for one in known.values())
            if not holds(job.get("if"), {"needs": known}, failed=failed):
                self.needs[name] = {"result": "skipped", "outputs": {}}
                continue
            done = self._play_matrix(name, job, known)
            self.run.jobs.extend(done)
            result = "failure" if any(one.failed for one in done) else "success"
            self.needs[name] = {"result": result, "outputs": done[0].outputs}

    def _play_matrix(self, name, job, needs):
        strategy = job.get("strategy", {})
        ((key, values),) = strategy.get("matrix", {"": [""]}).items()
        cells = [{key: value} if key else {} for value in values]
        if strategy.get("max-parallel") == 1:
            done = []
            for cell in cells:
                if not any(one.failed for one in done):
                    done.append(self._play_job(name, job, cell, needs))
            return done
        with ThreadPoolExecutor(len(cells)) as pool:
            return list(pool.map(lambda cell: self._play_job(name, job, cell, needs), cells))

    def _play_job(self, name, job, matrix, needs):
        played = Job(name, matrix)
        machine = _Machine(self, played, job, needs)
        for step in job["steps"]:
            machine.take(step)
        played.outputs = {key: fill(text, machine.contexts) for key, text in job.get("outputs", {}).items()}
        played.summary = machine.summary.read_text(encoding="utf-8")
        return played


class _Machine:
    """A runner for one job: an empty workspace, and a folder for what is temporary."""

    def __init__(self, player, played, job, needs):
        site = player.site
        self.player, self.site, self.played = player, site, played
        self.folder = site.root / f"run-{player.run.id}" / "-".join([played.name, *played.matrix.values()])
        self.workspace, self.temp = self.folder / "workspace", self.folder / "temp"
        self.workspace.mkdir(parents=True)
        prepare_reconciler(self.temp)
        self.summary = self.folder / "summary.md"
        self.summary.touch()
        self.event = self.folder / "event.json"
        self.event.write_text(json.dumps(player.github["event"]), encoding="utf-8")
        self.is_ours = "self-hosted" in job["runs-on"]
        self.contexts = {
            "github": player.github,
            "matrix": played.matrix,
            "needs": needs,
            "runner": {"temp": str(self.temp)},
            "secrets": site.secrets if self.is_ours else {},
            "steps": {},
            "vars": site.variables,
        }

    def take(self, step):
        """Run a step if its time has come."""
        if not holds(step.get("if"), self.contexts, failed=self.played.failed):
            return
        name = step.get("name", step.get("uses", ""))
        if "run" in step:
            done = self._run(name, step, self.contexts, self._filled(step.get("env", {}), self.contexts))
        elif step["uses"].startswith(OURS):
            done = self._act(name, step)
        else:
            done = self._stand_in(
                name, step["uses"].split("@")[0], self._filled(step.get("with", {}), self.contexts)
            )
        self.played.steps.append(done)

    def _filled(self, mapping, contexts):
        return {key: fill(text, contexts) for key, text in mapping.items()}

    def _run(self, name, step, contexts, variables):
        output = self.folder / "output"
        output.write_text("", encoding="utf-8")
        script = self.folder / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],  # noqa: S607 - as GitHub does
            cwd=self.workspace,
            env=self._environment(output) | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=100,
        )
        told = dict(line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())
        contexts["steps"][step.get("id", name)] = {"outputs": told}
        return Step(name, done.returncode, done.stdout)

    def _environment(self, output):
        kept = {key: value for key, value in os.environ.items() if key.startswith(("COV", "PYTHONPATH"))}
        mine = self.site.on_runner.get(self.played.matrix.get("environment"), {}) if self.is_ours else {}
        path = [
            str(self.temp / "reconciler" / "command"),
            str(Path(sys.executable).parent),
            os.environ["PATH"],
        ]
        return {
            **kept,
            **_git_environment(),
            **mine,
            "PATH": os.pathsep.join(path),
            "HOME": str(self.folder),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": self.site.api.url,
            "GITHUB_EVENT_NAME": self.player.github["event_name"],
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_PATH": str(self.folder / "path"),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(self.player.run.id),
            "GITHUB_SERVER_URL": self.site.root.as_uri(),
            "GITHUB_SHA": self.player.github["sha"],
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_WORKFLOW": self.player.document["name"],
        }

    def _act(self, name, step):
        """Our own action, from its own file."""
        action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
        given = self._filled(step.get("with", {}), self.contexts)
        assert given.keys() <= action["inputs"].keys()
        inputs = {key: given.get(key, one.get("default", "")) for key, one in action["inputs"].items()}
        inner = {"inputs": inputs, "steps": {}, "github": self.player.github}
        logs, code = [], 0
        for part in action["runs"]["steps"]:
            if holds(part.get("if"), inner, failed=code != 0):
                outer = self._filled(step.get("env", {}), self.contexts)
                done = self._run(part["name"], part, inner, outer | self._filled(part["env"], inner))
                logs.append(done.log)
                code = code or done.code
        told = {key: fill(one["value"], inner) for key, one in action["outputs"].items()}
        self.contexts["steps"][step.get("id", name)] = {"outputs": told}
        return Step(name, code, "".join(logs))

    def _stand_in(self, name, action, given):
        try:
            getattr(self, "_" + action.removeprefix("actions/").replace("-", "_"))(given)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            return Step(name, 1, f"{error} {getattr(error, 'stderr', '')}")
        return Step(name, 0, "")

    def _setup_python(self, _given):
        """It is there."""

    def _checkout(self, given):
        folder = self.workspace / given.get("path", ".")
        git("init", "--quiet", str(folder), cwd=self.workspace)
        git(
            "fetch", "--quiet", str(self.site.origin), given.get("ref", self.player.github["sha"]), cwd=folder
        )
        git("checkout", "--quiet", "FETCH_HEAD", cwd=folder)

    def _upload_artifact(self, given):
        found = self._matching(given["path"], is_hidden_seen=given.get("include-hidden-files") == "true")
        if not found:
            if given.get("if-no-files-found") == "ignore":
                return
            raise FileNotFoundError(given["path"])
        kept = self.folder / f"artifact-{given['name']}"
        kept.mkdir()
        for path in found:
            shutil.copy(path, kept)
        self.site.artifacts[self.player.run.id][given["name"]] = kept

    def _matching(self, pattern, *, is_hidden_seen):
        """The files that a path means, as the action understands it: hidden ones only if asked for."""
        if Path(pattern).is_absolute():
            return [Path(pattern)] if Path(pattern).is_file() else []
        found = sorted(self.workspace.glob(pattern))
        hidden = [path for path in found if "/." in f"/{path.relative_to(self.workspace)}"]
        return found if is_hidden_seen else [path for path in found if path not in hidden]

    def _download_artifact(self, given):
        kept = self.site.artifacts[int(given.get("run-id", self.player.run.id))]
        target = self.workspace / given["path"]
        if "name" in given:
            if given["name"] not in kept:
                raise FileNotFoundError(given["name"])
            shutil.copytree(kept[given["name"]], target, dirs_exist_ok=True)
        for name in kept if "pattern" in given else ():
            if fnmatch(name, given["pattern"]):
                shutil.copytree(kept[name], target / name)


def prepare_reconciler(temp):
    """Have the action find, in `temp`, what its first step would install."""
    for folder, text in (
        ("bin/python", f'#!/usr/bin/env bash\nexec "{sys.executable}" "$@"\n'),
        ("command/reconciler", zygote.launcher()),
    ):
        script = temp / "reconciler" / folder
        script.parent.mkdir(parents=True)
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)
