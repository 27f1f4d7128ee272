"""The Python API: what docs/python-api.md shows runs as shown, and needs no private name."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from exam_workspace import MANIFEST, Workspace, exam

from reconciler.editing import Edit
from reconciler.model.errors import NotConfirmed, ResolutionRefused, StateLocked, UsageError
from reconciler.sandbox.running import running
from reconciler.secret_sources import Secrets
from reconciler.sending import Sending
from reconciler.workspace import Workspace as Opened

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
    Opened.open(root=workspace.root).initialise()
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
    Opened.open(root=workspace.root).initialise()
    sandbox.misbehave("drop-after:nth=1")
    done = run_script(workspace, sandbox.url)
    assert done.returncode == 3, done.stderr
    assert " in-doubt " in done.stdout


async def test_the_cells_run_in_a_loop_that_runs_already(workspace, sandbox, monkeypatch):
    """Cell after cell in one namespace, awaits at the top, as a notebook does it."""
    monkeypatch.chdir(workspace.root)
    names = {"__name__": "notebook", "sandbox_url": sandbox.url}
    assert len(CELLS) == 4
    for cell in CELLS:
        code = compile(cell, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, names)  # noqa: S307 - it is our own page
        if inspect.isawaitable(result):
            await result
    assert names["applied"].report.created == ["cs/a", "cs/b"]
    assert len(sandbox.created) == 2
    assert workspace.state["exams"].keys() == {"cs/quiz-a"}


def test_examples_use_no_private_name():
    """Neither a module nor a name that begins with an underscore."""
    for _, code in BLOCKS:
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom):
                assert not any(part.startswith("_") for part in (node.module or "").split("."))
                assert not any(name.name.startswith("_") for name in node.names)
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_")


@pytest.mark.parametrize("kind", [Opened, Edit])
def test_all_that_a_caller_may_call_is_documented(kind):
    """The page names each public method and property."""
    text = PAGE.read_text(encoding="utf-8")
    for name in vars(kind):
        assert name.startswith("_") or re.search(rf"\.{name}[`(]", text), name


@pytest.fixture
def opened(workspace, sandbox):
    """The workspace, whose two exams have been created."""
    made = Opened.open(root=workspace.root)
    made.initialise()
    workspace.apply(sandbox.url)
    return made


def test_many_edits_are_one_commit(workspace, opened):
    """One serial, one backup, which is the state before all of them; and each edit sees those before it."""
    before = workspace.state
    with opened.editing() as edit:
        edit.move("cs/a", "cs/b2")
        edit.move("cs/b2", "cs/c")
        edit.remove("cs/b")
        edit.rebind("http://localhost:9")
    assert edit.state == opened.load_state()
    assert edit.state.serial == before["serial"] + 1
    assert (edit.state.exams.keys(), edit.state.service) == ({"cs/c"}, "http://localhost:9")
    assert json.loads(Path(edit.backup.removeprefix("file:")).read_text()) == before


def test_one_edit_that_is_refused_undoes_all(workspace, opened):
    """Nothing is written, and the lock is given back."""
    before = workspace.state

    def edit_twice():
        with opened.editing() as edit:
            edit.remove("cs/b")
            edit.move("cs/b", "cs/c")

    with pytest.raises(ResolutionRefused):
        edit_twice()
    assert (workspace.state, opened.lock_holder()) == (before, None)


def test_edits_hold_one_lock_from_the_first_on(opened):
    """Nobody else gets it in between; what is plainly wrong is refused before it is taken."""
    with opened.editing(command="state rm") as edit:
        with pytest.raises(UsageError):
            edit.remove("no address!")
        assert opened.lock_holder() is None
        edit.remove("cs/b")
        assert opened.lock_holder().info.command == "state rm"
        with pytest.raises(StateLocked), opened.editing() as other:
            other.remove("cs/a")
    assert edit.state.exams.keys() == {"cs/a"}


def test_without_an_edit_nothing_is_written(workspace, opened):
    """And there is no backup."""
    before = workspace.state
    with opened.editing() as edit:
        pass
    assert (workspace.state, edit.backup) == (before, None)


def test_manifests_are_read_once(workspace, opened):
    """What was planned is what is looked at again; a workspace that is opened anew sees what has changed."""
    workspace.declare("a", "b", "c")
    assert len(opened.plan().plan.changes) == 3
    workspace.declare("a")
    assert len(opened.plan().plan.changes) == 3
    assert len(Opened.open(root=workspace.root).validate().declared.exams) == 1


async def test_a_plan_that_is_not_confirmed_sends_nothing(workspace, sandbox):
    """`confirm` is asked with the plan, under the lock, and its no is an error of ours."""
    opened = Opened.open(root=workspace.root)
    opened.initialise()
    seen = []

    def refuse(planned):
        seen.append(planned.plan.fingerprint)
        return False

    sending = Sending(
        token=lambda: "a.token.x",
        secrets=Secrets(environment={"EXAM_SECRET_CS": "correct horse"}),
    )
    with pytest.raises(NotConfirmed):
        await opened.apply(sending=sending, confirm=refuse, by="a test")
    assert seen == [opened.plan().plan.fingerprint]
    assert sandbox.requests == 0
