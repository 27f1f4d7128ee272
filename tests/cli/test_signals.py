"""A command that is interrupted says so and ends, wherever Ctrl-C strikes, without a traceback or a fault."""

import signal
import subprocess
import sys

import pytest
from exam_workspace import Workspace

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

LOADING = """\
import signal, sys, time
from reconciler.cli import signals
signals._MOST_S = {most_s}
signals.raise_interrupts()
try:
    import struck
    time.sleep(10)
except KeyboardInterrupt:
    print(getattr(sys.modules.get("struck"), "is_whole", None))
"""
COMMAND = """\
import signal, sys
from reconciler.cli import process
sys.argv = ["reconciler", "validate"]
{before}
code = process()
print("went on")
{after}
sys.exit(code)
"""
STRUCK_WHILE_LOADING = """\
class Finder:
    def find_spec(name, *_):
        if name == {name!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder)
"""
HANDLING = """\
from reconciler.cli import running, signals
{command}
running._handler = lambda _: command
"""
AWAITED = "import atexit; atexit.register(int)\n"
"""Then the process does not end at once."""

pytestmark = pytest.mark.usefixtures("unmeasured")


def run(folder, script: str) -> "subprocess.CompletedProcess[str]":
    """A Python that does what `script` says, in `folder`."""
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_an_import_is_waited_for(tmp_path):
    """The module is whole when the interruption comes."""
    struck = "import signal, time\nsignal.raise_signal(signal.SIGINT)\ntime.sleep(0.1)\nis_whole = True\n"
    (tmp_path / "struck.py").write_text(struck)
    done = run(tmp_path, LOADING.format(most_s=60))
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


def test_an_import_that_does_not_end_is_cut_off(tmp_path):
    """As of a plug-in that waits for a server when it is loaded."""
    (tmp_path / "struck.py").write_text(
        "import signal, time\nsignal.raise_signal(signal.SIGINT)\ntime.sleep(60)\n"
    )
    done = run(tmp_path, LOADING.format(most_s=0.1))
    assert (done.stdout, done.stderr, done.returncode) == ("None\n", "", 0)


@pytest.mark.parametrize("name", ["reconciler.workspace", "yaml", "yaml._yaml", "reconciler.planning"])
def test_a_command_can_be_interrupted_while_it_loads(tmp_path, name):
    """What is loaded is whole when it says so."""
    (tmp_path / "exams.yaml").write_text("version: 1\nexams: {}\n")
    done = run(tmp_path, COMMAND.format(before=STRUCK_WHILE_LOADING.format(name=name), after=""))
    assert (done.stderr, done.returncode) == ("interrupted: nothing more was sent\n", 130)


def test_a_command_can_be_interrupted_before_it_is_known(tmp_path):
    """Then it ends in silence: nothing was done."""
    before = (
        "from reconciler.cli import running\ndef parse(_): raise KeyboardInterrupt\nrunning.parse = parse"
    )
    done = run(tmp_path, COMMAND.format(before=before, after=""))
    assert (done.stderr, done.returncode) == ("", 130)


def test_a_second_interruption_while_the_first_is_told(tmp_path):
    """Whoever is in a hurry gets less to read."""
    before = "from reconciler.cli import running\ndef again(*_, **__): raise KeyboardInterrupt\n"
    before += "running._handler = running._tell_stop = again"
    done = run(tmp_path, COMMAND.format(before=before, after=""))
    assert (done.stderr, done.returncode) == ("", 130)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("", "signal.raise_signal(signal.SIGINT)", -signal.SIGINT),
        ("signal.signal(signal.SIGINT, signal.SIG_IGN)", "signal.raise_signal(signal.SIGINT)", 1),
        ("", "", 1),
    ],
    ids=["as one that knows no signals", "ignored", "no signal"],
)
def test_a_process_that_is_ending_shows_no_traceback(tmp_path, before, after, code):
    """Where somebody waits for the end, and Ctrl-C comes just then."""
    before += "\n" + AWAITED + HANDLING.format(command="def command(_): return 1")
    done = run(tmp_path, COMMAND.format(before=before, after=after))
    assert (done.stderr, done.returncode) == ("", code)


def test_an_interruption_at_the_very_end_of_a_command_counts(tmp_path):
    """One that came in its last import, which nobody had looked at again yet."""
    before = STRUCK_WHILE_LOADING.format(name="this")
    before += HANDLING.format(command="signals._RETRY_S = 60\ndef command(_):\n    import this")
    done = run(tmp_path, COMMAND.format(before=before, after=""))
    assert (done.stderr, done.returncode) == ("interrupted: nothing more was sent\n", 130)


def test_an_interruption_that_waits_does_not_outlast_the_process(tmp_path):
    """One that comes in an import while the one before is told."""
    before = AWAITED + STRUCK_WHILE_LOADING.format(name="this")
    before += HANDLING.format(command="signals._RETRY_S = 0.3\ndef command(_): raise KeyboardInterrupt")
    before += "def tell(*_):\n    import this\nrunning._tell_stop = tell"
    done = run(tmp_path, COMMAND.format(before=before, after="import time; time.sleep(0.6)"))
    assert (done.stderr, done.returncode) == ("", 130)


@pytest.mark.parametrize(
    "name",
    [
        "reconciler.cli.sending",
        "reconciler.applying",
        "reconciler.workspace",
        "asyncio",
        "reconciler.editing",
    ],
)
def test_an_apply_that_is_interrupted_while_it_loads_creates_nothing(tmp_path, monkeypatch, name):
    """What waits is not forgotten where `apply` takes signals for requests to stop."""
    with running(Settings(port=0)) as sandbox:
        monkeypatch.setenv("SMARTERPROCTORING_URL", sandbox.url)
        monkeypatch.setenv("SMARTERPROCTORING_TOKEN", "a-token")
        workspace = Workspace(tmp_path)
        workspace.declare("a")
        workspace.run("init")
        before = STRUCK_WHILE_LOADING.format(name=name)
        before += "sys.argv = ['reconciler', 'apply', '--auto-approve']"
        done = run(tmp_path, COMMAND.format(before=before, after=""))
        assert (done.stderr, done.returncode) == ("interrupted: nothing more was sent\n", 130)
        assert sandbox.requests == 0


def test_the_exit_code_of_a_run_that_is_over_stands(tmp_path):
    """A signal that comes while an `apply` ends, its report printed, has nothing to stop any more."""
    command = "def command(_):\n    signals.on_signals([signal.SIGINT], print)\n    return 3"
    before = AWAITED + HANDLING.format(command=command)
    done = run(tmp_path, COMMAND.format(before=before, after="signal.raise_signal(signal.SIGINT)"))
    assert (done.stdout, done.stderr, done.returncode) == ("went on\n", "", 3)


def test_signals_that_wait_together_are_all_heard(tmp_path):
    """Though the first of them raises."""
    struck = "import signal\nsignal.raise_signal(signal.SIGINT)\nsignal.raise_signal(signal.SIGTERM)\n"
    (tmp_path / "struck.py").write_text(struck)
    script = """\
import signal, time
from reconciler.cli import signals
heard = []
def hear(number):
    heard.append(number)
    raise KeyboardInterrupt
signals.on_signals([signal.SIGINT, signal.SIGTERM], hear)
for _ in range(2):
    try:
        import struck
        time.sleep(10)
    except KeyboardInterrupt:
        pass
print(*heard)
"""
    done = run(tmp_path, script)
    assert (done.stdout, done.stderr) == (f"{signal.SIGINT:d} {signal.SIGTERM:d}\n", "")


def test_what_was_begun_does_not_complain(tmp_path):
    """An event loop that is just being made, and what it was to run, are left as they are."""
    before = "import asyncio, socket\n"
    before += "def struck(*_): raise KeyboardInterrupt\n"
    before += "async def work(): pass\n"
    command = "def command(_):\n    socket.socketpair = struck\n    asyncio.run(work())"
    before += HANDLING.format(command=command)
    done = run(tmp_path, COMMAND.format(before=before, after=""))
    assert (done.stderr, done.returncode) == ("interrupted: nothing more was sent\n", 130)


def test_what_nobody_caught_is_told_as_ever(tmp_path):
    """But a Ctrl-C, which ends the process as it ends others."""
    script = "from reconciler.cli import process\nimport sys\nsys.argv = ['x', '--version']\n"
    script += AWAITED + "process()\nraise {}\n"
    done = run(tmp_path, script.format("ValueError('so')"))
    assert done.stderr.endswith("ValueError: so\n")
    done = run(tmp_path, script.format("KeyboardInterrupt"))
    assert (done.stderr, done.returncode) == ("", -signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_is_ignored_goes_on_to_be(tmp_path, number):
    """As `nohup` has it, also for `apply`."""
    script = f"import signal\nsignal.signal({number:d}, signal.SIG_IGN)\nfrom reconciler.cli import signals\n"
    script += f"signals.on_signals([{number:d}], print)\nsignal.raise_signal({number:d})\nprint('deaf')"
    done = run(tmp_path, script)
    assert (done.stdout, done.stderr) == ("deaf\n", "")


def test_who_is_started_deaf_stays_deaf(tmp_path):
    """`nohup`, or `&` in a script: Ctrl-C is for others."""
    before = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    before += HANDLING.format(command="def command(_): return signal.raise_signal(signal.SIGINT) or 0")
    done = run(tmp_path, COMMAND.format(before=before, after=""))
    assert (done.stderr, done.returncode) == ("", 0)
