"""Commands that outputs print, copied as they stand: they act on the workspace and state that were meant."""

import json
import re
import subprocess

import pytest
from exam_workspace import MANIFEST, Workspace, exam

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

DIRECTORY = "-term's $HOME; 1"
STATE = 'file:state of "staging".json'
SCOPE = (f"--chdir={DIRECTORY}", "--env", "staging", "--state", STATE)
FILE = """version: 1
environments:
  staging: {apiUrl: "URL", state: "file:other.json"}
  production: {state: "file:production.json"}
"""


class Elsewhere(Workspace):
    """A workspace in a directory with an odd name below that in which commands are run."""

    def __init__(self, root, url):
        super().__init__(root)
        self.terms = root / DIRECTORY
        self.terms.mkdir()
        (self.terms / "reconciler.yaml").write_text(FILE.replace("URL", url))
        self.declare("a", "b")

    def write(self, text, name="exams.yaml"):
        """Write `text` as the manifest `name` of the workspace."""
        (self.terms / name).write_text(text)

    def scoped(self, command, *more, expect=0):
        """Run `command` with the scope; return the commands in backticks that are printed, as they stand."""
        self.run(command, *more, *SCOPE, expect=expect)
        return self.told

    @property
    def told(self):
        """The commands in the last output; each is whole on its line."""
        return re.findall(r"reconciler [a-z][^`\n]+", self.printed)

    def copy(self, command, *, expect=0, **filled):
        """Run the printed `command` as a shell reads it; placeholders are `filled` in."""
        for placeholder, value in filled.items():
            command = command.replace(placeholder, value)
        script = f"printf '%s\\0' {command.strip()}"
        read = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True)
        return self.run(*read.stdout.split("\0")[1:-1], expect=expect)

    @property
    def state(self):
        """The document of the state that the scope names."""
        return json.loads((self.terms / STATE.removeprefix("file:")).read_text())


@pytest.fixture
def sandbox():
    """A server that keeps what it created."""
    with running(Settings(port=0)) as opened:
        yield opened


@pytest.fixture
def workspace(tmp_path, sandbox):
    """A workspace without a state."""
    return Elsewhere(tmp_path, sandbox.url)


def only(commands, beginning):
    """The one command that begins so."""
    (found,) = {command for command in commands if command.startswith(f"reconciler {beginning}")}
    return found


def test_the_way_from_no_state_to_a_plan_is_copied(workspace):
    """The hint of a plan makes the state that was meant, whose message names the plan that was meant."""
    workspace.copy(only(workspace.scoped("plan", expect=1), "init"))
    assert workspace.state["exams"] == {}
    assert {path.name for path in workspace.terms.glob("*.json")} == {STATE.removeprefix("file:")}
    assert "create" in workspace.copy(only(workspace.told, "plan"))


def test_what_settles_doubts_is_copied(workspace, sandbox):
    """From the report of an apply: the list, one that exists, and one that does not."""
    workspace.scoped("init")
    sandbox.misbehave("drop-after:title=Exam [ab]")
    told = workspace.scoped("apply", "--auto-approve", expect=3)
    listed = workspace.copy(only(told, "state list --in-doubt"))
    assert "cs/a" in listed
    sid = sandbox.created[0]["sid"]
    workspace.copy(only(told, "resolve cs/a --sid"), **{"EX…": sid})
    workspace.copy(only(told, "resolve cs/b --absent"))
    assert workspace.state["exams"]["cs/a"]["sid"] == sid
    assert not workspace.state.get("intents")


def test_the_sheet_of_all_in_doubt_is_written_where_it_is_read(workspace, sandbox):
    """The shell writes it, and `resolve` looks for it below --chdir."""
    workspace.declare("a", "b", "c", "d")
    workspace.scoped("init")
    sandbox.misbehave("drop-after")
    told = workspace.scoped("apply", "--auto-approve", expect=3)
    script = f"printf '%s\\0' {only(told, 'state list --in-doubt --format csv')}"
    subprocess.run(["/bin/bash", "-c", script], cwd=workspace.root, check=True)
    sheet = workspace.terms / "doubts.csv"
    sheet.write_text(workspace.run(*sheet.read_text().split("\0")[1:-1]))
    workspace.copy(only(told, "resolve --from"))
    assert "Settled 0 exams, 4 still in doubt" in workspace.printed


def test_an_apply_to_be_run_again_goes_to_the_same_service(workspace, sandbox):
    """Its URL was given on the command line; without it the state or production would be meant."""
    scope = (f"--chdir={DIRECTORY}", "--env", "production")
    workspace.run("init", *scope)
    sandbox.misbehave("status:code=400,times=2")
    workspace.run("apply", "--auto-approve", "--api-url", sandbox.url, *scope, expect=1)
    again = only(workspace.told, "apply")
    workspace.copy(f"{again} --auto-approve")
    assert f"Created 2 exams in production at {sandbox.url}." in workspace.printed


def test_errors_of_manifests_name_the_files_that_were_named(workspace):
    """In text, and in the stream of an apply, whose last event is the error."""
    workspace.write(MANIFEST + exam("a", duration="long"), name="-odd one.yaml")
    named = workspace.scoped("plan", "./-odd one.yaml", expect=1)
    workspace.copy(only(named, "validate"), expect=1)
    assert "-odd one.yaml:18:96: error[wrong-type]" in workspace.printed
    assert "exams.yaml" not in workspace.printed
    arguments = ("apply", "--auto-approve", "--format", "jsonl", "./-odd one.yaml", *SCOPE)
    last = json.loads(workspace.run(*arguments, expect=1).splitlines()[-1])
    (command,) = re.findall(r"`([^`]*)`", last["hint"])
    workspace.copy(command, expect=1)
    assert "-odd one.yaml:18:96: error[wrong-type]" in workspace.printed
