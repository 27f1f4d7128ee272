"""`--token-command`: what a program prints is the token; all else is refused, and nothing of it is said."""

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from exam_workspace import MANIFEST, Workspace
from recording_server import RecordingServer

from reconciler.cli.api_token import printed_by

TOKEN = "tulipan-token"


@pytest.fixture
def workspace(tmp_path):
    """A workspace with one exam to create, an empty state, and no token in a variable."""
    made = Workspace(tmp_path)
    del made.variables["SMARTERPROCTORING_TOKEN"]
    made.declare("a")
    made.run("init")
    return made


@pytest.fixture
def server():
    """A server that creates whatever it is sent, and keeps each request."""
    with RecordingServer() as opened:
        yield opened


def command(code):
    """A command line that runs `code` in Python."""
    return shlex.join([sys.executable, "-c", code])


def test_what_the_command_prints_is_the_token(workspace, server):
    """Run once, without white space around it; what it says on standard error is passed on."""
    code = f"import sys; open('runs', 'a').write('x'); print('  {TOKEN} '); print('hello', file=sys.stderr)"
    report = workspace.apply(server.url, "--token-command", command(code))
    assert report["summary"]["created"] == 1
    assert [request.headers["token"] for request in server.requests] == [TOKEN]
    assert (workspace.root / "runs").read_text() == "x"
    assert "hello" in workspace.printed
    assert TOKEN not in workspace.printed


def test_the_command_runs_only_if_something_is_sent(workspace, server):
    """An apply that creates nothing needs no token."""
    code = f"open('runs', 'a').write('x'); print('{TOKEN}')"
    given = ("--token-command", command(code), "--api-url", server.url)
    workspace.write(MANIFEST.replace("exams:\n", "exams: {}\n"))
    workspace.run("apply", "--auto-approve", *given)
    assert not (workspace.root / "runs").exists()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (f"print('{TOKEN}'); raise SystemExit(3)", "command failed, with exit status 3"),
        (f"import os; print('{TOKEN}', flush=True); os.kill(os.getpid(), 9)", "command failed, with SIGKILL"),
        (f"print('{TOKEN}\\nand more')", "printed more than one line"),
        ("print()", "printed nothing"),
        (f"import sys; sys.stdout.buffer.write(b'{TOKEN}\\xff\\x00')", "holds invalid characters"),
        (f"print('{TOKEN}' * 10_000)", "printed more than 64 KiB"),
        (f"while True: print('{TOKEN}')", "printed more than 64 KiB"),
    ],
)
def test_any_other_output_is_refused(workspace, server, code, why):
    """With the reason, without a word of the output, and before anything is sent."""
    given = ("--token-command", command(code), "--api-url", server.url)
    said = workspace.refused("apply", "--auto-approve", *given)
    assert why in said
    assert "Nothing was sent." in said
    assert TOKEN not in said
    assert server.requests == []
    assert workspace.state["intents"] == {}


def test_a_token_in_place_of_a_command_is_not_said(workspace):
    """It names no program, and the message does not repeat it."""
    for form in ("text", "json"):
        said = workspace.refused(
            "apply", "--auto-approve", "--token-command", TOKEN, "--format", form, "--log-format", form
        )
        assert "the token command cannot be started" in said
        assert TOKEN not in said


@pytest.mark.parametrize("given", ["", "  ", f"'{TOKEN}"])
def test_what_is_no_command_line_is_a_usage_error(workspace, given):
    """An unset variable of the shell, or a quote that is not closed."""
    said = workspace.refused("apply", "--auto-approve", "--token-command", given)
    assert "this is no command line" in said
    assert TOKEN not in said


def test_one_source_of_the_token_is_chosen(workspace):
    """Two of them would leave it open which token is used."""
    said = workspace.refused("apply", "--token-command", "true", "--token-file", "token")
    assert "not allowed with" in said


def test_no_shell_reads_the_command(workspace, server):
    """Quotes group words, and nothing else has a meaning."""
    workspace.apply(server.url, "--token-command", "printf %s%s 'a;b' $HOME|cat")
    assert server.requests[0].headers["token"] == "a;b$HOME|cat"


SLEEPY = "import os, time; os.fork(); os.write(3, b'%d ' % os.getpid()); {}time.sleep(60)"


@pytest.mark.parametrize("kind", ["silent", "talking", "closing"])
def test_a_command_that_hangs_is_ended_with_all_that_it_started(kind, tmp_path):
    """Whether it prints something, or has closed its output; nobody waits for it longer than the bound."""
    first = {"silent": "", "talking": "print('x', flush=True); ", "closing": "os.close(1); "}[kind]
    pids = tmp_path / "pids"
    code = SLEEPY.replace("3, b", f"os.open({str(pids)!r}, os.O_CREAT | os.O_APPEND | os.O_WRONLY), b")
    began_s = time.monotonic()
    with pytest.raises(LookupError, match="did not end within 2 seconds"):
        printed_by([sys.executable, "-c", code.format(first)], within_s=2)
    assert time.monotonic() - began_s < 20
    left = [int(pid) for pid in pids.read_text().split()]
    assert len(left) == 2
    while any(is_running(pid) for pid in left):
        assert time.monotonic() - began_s < 20
        time.sleep(0.01)


def is_running(pid):
    """Whether the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_signal_while_the_command_is_started_ends_it(monkeypatch):
    """It waits until the command is known to the run, which then ends both."""
    started, popen = [], subprocess.Popen

    def start(*arguments, **options):
        started.append(popen(*arguments, **options))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt):
        printed_by([sys.executable, "-c", "import time; time.sleep(60)"])
    assert started[0].returncode == -signal.SIGKILL


def test_a_run_that_is_stopped_ends_the_command(workspace):
    """The signal is obeyed at once, and nothing is left behind."""
    file = workspace.root / "pid"
    code = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    running = workspace.start("apply", "--auto-approve", "--token-command", command(code))
    began_s = time.monotonic()
    while not (file.exists() and file.read_text()):
        assert time.monotonic() - began_s < 20
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=20)
    assert running.returncode == 143
    while is_running(int(file.read_text())):
        assert time.monotonic() - began_s < 20
        time.sleep(0.01)
