"""The Python API: what docs/python-api.md shows runs as shown, and needs no private name."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from exam_workspace import MANIFEST, Workspace, exam

from reconciler import workflows
from reconciler.model.errors import NotConfirmed
from reconciler.sandbox.running import running
from reconciler.workflows import Scope, Secrets, Sending

PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"
BLOCK = re.compile(r"^```python( notebook)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
(SCRIPT,) = [code for kind, code in BLOCKS if not kind]
CELLS = [code for kind, code in BLOCKS if kind]


@pytest.fixture
def sandbox():
    """A sandbox that behaves."""
    with running() as served:
        yield served


@pytest.fixture
def workspace(tmp_path):
    """A workspace with two exams, and no state."""
    made = Workspace(tmp_path)
    made.declare("a", "b")
    return made


def run_script(workspace, url):
    """The script of the page as a process."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        cwd=workspace.root,
        env=workspace.environment(workspace.variables | {"SMARTERPROCTORING_URL": url}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_script_creates_what_is_missing(workspace, sandbox):
    """It prints each exam with its SID; a second run has nothing to do; a mistake is told with its place."""
    workflows.initialise(Scope(root=workspace.root), lock_timeout_s=0)
    done = run_script(workspace, sandbox.url)
    assert done.returncode == 0, done.stderr
    sids = {address: entry["sid"] for address, entry in workspace.state["exams"].items()}
    assert done.stdout.splitlines() == [f"{address} created {sid}" for address, sid in sorted(sids.items())]
    again = run_script(workspace, sandbox.url)
    assert (again.returncode, again.stdout, len(sandbox.created)) == (0, "", 2)
    workspace.write(MANIFEST + exam("a").replace("title", "tilte"))
    refused = run_script(workspace, sandbox.url)
    assert refused.returncode == 1
    assert re.match(r"exams\.yaml:\d+:\d+: ", refused.stdout)


def test_the_script_says_what_is_in_doubt(workspace, sandbox):
    """Its exit code is that of the command."""
    workflows.initialise(Scope(root=workspace.root), lock_timeout_s=0)
    sandbox.misbehave("drop-after:nth=1")
    done = run_script(workspace, sandbox.url)
    assert done.returncode == 3, done.stderr
    assert " in-doubt " in done.stdout


async def test_the_cells_run_in_a_loop_that_runs_already(workspace, sandbox, monkeypatch):
    """Cell after cell in one namespace, awaits at the top, as a notebook does it."""
    monkeypatch.chdir(workspace.root)
    names = {"__name__": "notebook", "sandbox_url": sandbox.url}
    assert len(CELLS) == 3
    for cell in CELLS:
        code = compile(cell, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, names)  # noqa: S307 - it is our own page
        if inspect.isawaitable(result):
            await result
    assert names["applied"].report.created == ["cs/a", "cs/b"]
    assert len(sandbox.created) == 2


def test_examples_use_no_private_name():
    """Neither a module nor a name that begins with an underscore, and every name of workflows is public."""
    public = set(workflows.__all__)
    for _, code in BLOCKS:
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom):
                assert not any(part.startswith("_") for part in (node.module or "").split("."))
                assert not any(name.name.startswith("_") for name in node.names)
                if node.module == "reconciler.workflows":
                    assert {name.name for name in node.names} <= public
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_")
                if isinstance(node.value, ast.Name) and node.value.id == "workflows":
                    assert node.attr in public


def test_every_public_name_of_workflows_is_there_and_its_functions_are_documented():
    """The page names each function that a caller may call and each value that a call needs."""
    text = PAGE.read_text(encoding="utf-8")
    for name in workflows.__all__:
        assert hasattr(workflows, name)
    functions = {name for name in workflows.__all__ if inspect.isfunction(getattr(workflows, name))}
    defined = {
        name
        for name, value in vars(workflows).items()
        if inspect.isfunction(value) and value.__module__ == workflows.__name__ and not name.startswith("_")
    }
    assert functions == defined
    for name in functions:
        assert re.search(rf"`(?:await )?{name}[`(]", text), name
    for name in ("Scope", "Sending", "Secrets", "SecretSource", "Planned", "Applied", "Progress", "Stopping"):
        assert f"`{name}`" in text


async def test_a_plan_that_is_not_confirmed_sends_nothing(workspace, sandbox):
    """`confirm` is asked with the plan, under the lock, and its no is an error of ours."""
    scope = Scope(root=workspace.root)
    workflows.initialise(scope, lock_timeout_s=0)
    seen = []

    def refuse(planned):
        seen.append(planned.plan.fingerprint)
        return False

    sending = Sending(
        token=lambda: "a.token.x",
        secrets=Secrets(environment={"EXAM_SECRET_CS": "correct horse"}),
    )
    with pytest.raises(NotConfirmed):
        await workflows.apply(scope, sending=sending, confirm=refuse, by="a test")
    assert seen == [workflows.plan(scope).plan.fingerprint]
    assert sandbox.requests == 0
