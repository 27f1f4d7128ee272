"""Many runs side by side, each in a workspace of its own: what waits, waits together."""

import json
import shutil
from dataclasses import dataclass

from exam_workspace import SECRET, Workspace


@dataclass
class Run:
    """How one apply ended."""

    code: int
    exams: dict
    printed: str

    @property
    def outcomes(self):
        """The outcome of each exam, by its name."""
        return {name: exam["outcome"] for name, exam in self.exams.items()}


def workspaces(root, names):
    """A workspace with the exams a and b for each name."""
    first = Workspace(root / "first")
    first.root.mkdir()
    first.run("init")
    first.declare("a", "b")
    made = {}
    for name in names:
        shutil.copytree(first.root, root / name)
        made[name] = Workspace(root / name)
    return made


def apply_all(spaces, urls, *more):
    """How an apply of each workspace to its URL ended, by name; all run at once."""
    arguments = ("apply", "--auto-approve", "--format", "json", *more, "--api-url")
    started = {name: space.start(*arguments, urls[name]) for name, space in spaces.items()}
    return {name: _ended(process) for name, process in started.items()}


def _ended(process):
    out, err = process.communicate(timeout=100)
    assert "Traceback" not in out + err
    assert SECRET not in out + err
    assert "a.token.x" not in out + err
    exams = json.loads(out)["exams"] if out else ()
    return Run(process.returncode, {exam["address"][3:]: exam for exam in exams}, out + err)
