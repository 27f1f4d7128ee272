"""A signal ends a command at once, or once its lock is given back; never with a traceback."""

import signal
import subprocess
import sys

import pytest
from exam_workspace import Workspace

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

COMMAND = """\
import signal, sys
from reconciler.cli import process
sys.argv = ["reconciler", *{arguments!r}]
def strike(*_, **__):
    signal.raise_signal(signal.{name})
{before}
sys.exit(process())
"""
STRUCK_WHILE_LOADING = """\
class Finder:
    def find_spec(name, *_):
        if name == {module!r}:
            strike()
sys.meta_path.insert(0, Finder)
"""
APPLY = ("apply", "--auto-approve")
TOLD = "interrupted: nothing more was sent\n"

# What measures coverage has a say in how a process ends.
pytestmark = pytest.mark.usefixtures("unmeasured")


def run(folder, *arguments, before="", name="SIGINT"):
    """A process that runs a command in `folder`, and that a signal strikes as `before` says."""
    script = COMMAND.format(arguments=arguments, before=before, name=name)
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def workspace(tmp_path):
    """A workspace in which nothing was created yet."""
    made = Workspace(tmp_path)
    made.declare("a")
    made.run("init")
    return made


@pytest.fixture
def sandbox(monkeypatch):
    """A service that an apply finds by the environment."""
    with running(Settings(port=0)) as started:
        monkeypatch.setenv("SMARTERPROCTORING_URL", started.url)
        monkeypatch.setenv("SMARTERPROCTORING_TOKEN", "a-token")
        monkeypatch.setenv("EXAM_SECRET_CS", "a-secret")
        yield started


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (("validate",), "reconciler.workspace"),
        (("validate",), "yaml._yaml"),
        (("plan",), "reconciler.planning.planner"),
        (APPLY, "asyncio"),
        (APPLY, "reconciler.sending"),
    ],
)
def test_what_holds_nothing_ends_at_once(workspace, sandbox, arguments, module):
    """In silence, as a shell expects it, also while it loads."""
    done = run(workspace.root, *arguments, before=STRUCK_WHILE_LOADING.format(module=module))
    assert (done.stdout, done.stderr, done.returncode) == ("", "", -signal.SIGINT)
    assert sandbox.requests == 0


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_an_apply_that_sent_nothing_yet_gives_its_lock_back(workspace, sandbox, name, code):
    """While the plan is shown, say."""
    before = "from reconciler.cli import apply_command\napply_command._show = strike"
    done = run(workspace.root, *APPLY, before=before, name=name)
    assert (done.stderr, done.returncode) == (TOLD, code)
    assert not list(workspace.root.glob("*.log"))
    assert sandbox.requests == 0


def test_an_edit_gives_its_lock_back(workspace):
    """State is as it was."""
    sid = "EX" + "1" * 32
    before = workspace.state
    struck = "from reconciler.state.session import Session\nSession.back_up = strike"
    done = run(workspace.root, "import", "cs/a", sid, before=struck)
    assert (done.stderr, done.returncode) == (TOLD, 130)
    assert workspace.state == before
    assert not list(workspace.root.glob("*.log"))


def test_a_second_signal_while_the_first_is_told(workspace):
    """The second signal ends the process without a message."""
    struck = "from reconciler.cli import dispatch\nfrom reconciler.state.session import Session\n"
    struck += "dispatch.tell_stop = Session.back_up = strike"
    done = run(workspace.root, "import", "cs/a", "EX" + "1" * 32, before=struck)
    assert (done.stderr, done.returncode) == ("", -signal.SIGINT)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.usefixtures("sandbox")
def test_the_exit_code_of_a_run_that_is_over_stands(workspace, name):
    """A signal that comes while the report is printed has nothing to stop any more."""
    struck = "from reconciler.cli import apply_command\napply_command._print_applied = strike"
    done = run(workspace.root, *APPLY, before=struck, name=name)
    assert (done.stderr.count("interrupted"), done.returncode) == (0, 0)
    assert set(workspace.state["exams"]) == {"cs/a"}


@pytest.mark.parametrize("arguments", [("validate",), APPLY])
@pytest.mark.usefixtures("sandbox")
def test_who_is_started_deaf_stays_deaf(workspace, arguments):
    """`nohup`, or `&` in a script: Ctrl-C is for others."""
    struck = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    struck += "from reconciler.workspace import Workspace\nloads = Workspace._load\n"
    struck += (
        "def load(*given, **more):\n    strike()\n    return loads(*given, **more)\nWorkspace._load = load"
    )
    done = run(workspace.root, *arguments, before=struck)
    assert ("interrupted" in done.stderr, done.returncode) == (False, 0)


def test_exit_codes_are_those_of_the_command(tmp_path):
    """Through the installed command and as a module alike."""
    for command in (
        [sys.executable, "-m", "reconciler"],
        [f"{sys.executable.rpartition('/')[0]}/reconciler"],
    ):
        done = subprocess.run([*command, "show", "gone.json"], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 1
        assert b"gone.json" in done.stderr
