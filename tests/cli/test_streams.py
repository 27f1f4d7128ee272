"""Streams that are closed, full or read by nobody: no traceback, no harm to state, an honest exit code."""

import os
import shutil
import subprocess
import sys

import pytest
from exam_workspace import Workspace

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

SID = "EX" + "ab" * 16
BASH = shutil.which("bash")
CLOSED = (">&-", "2>&-", "<&-", ">&- 2>&- <&-")
DEAF = ("2>/dev/full",)
UNWRITABLE = (">/dev/full", ">/dev/full 2>/dev/full", "| (exec <&-; sleep 0.2)", "1</dev/null")
READING = ("--version", "--help", "plan", "plan --format html", "state pull")
MENDING = (f"import cs/b {SID}", "state rm cs/a", "init --state file:new.json")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A workspace in which cs/a is created and cs/b is not, for what changes nothing in it."""
    return filled(tmp_path_factory.mktemp("untouched"))


@pytest.fixture
def workspace(tmp_path, untouched):
    """Such a workspace, to be changed."""
    return copied(untouched, tmp_path / "workspace")


@pytest.fixture(scope="module")
def sandbox():
    """A service."""
    with running(Settings(port=0)) as started:
        yield started


def filled(root):
    """A workspace at `root` in which cs/a is created and cs/b is not."""
    made = Workspace(root)
    made.run("init")
    made.declare("a", "b")
    made.run("import", "cs/a", "EX" + "1" * 32)
    return made


def copied(workspace, root):
    """A copy of `workspace` at `root`."""
    shutil.copytree(workspace.root, root)
    return Workspace(root)


def run(workspace, command, redirection, **variables):
    """The exit code of a command with its streams redirected, and what could be read of it."""
    line = f'set -o pipefail; "{sys.executable}" -m reconciler {command} {redirection}'
    done = subprocess.run(
        [BASH, "-c", line],
        cwd=workspace.root,
        env=workspace.environment() | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "Exception" not in said
    return done.returncode, said


def test_both_streams_in_one_place_are_in_order(workspace):
    """The result of `init` stands before what to do next."""
    _, said = run(workspace, "init --state file:new.json", "2>&1")
    assert said.startswith("Created an empty state")
    assert said.endswith("Next: `reconciler plan --state file:new.json`\n")


@pytest.mark.parametrize("command", READING)
def test_a_result_that_nobody_asked_for_is_no_failure(untouched, command):
    """A stream that was closed from the start leads nowhere, and so does standard error that is full."""
    for redirection in (*CLOSED, *DEAF):
        assert run(untouched, command, redirection)[0] == 0, redirection


@pytest.mark.parametrize("command", READING)
def test_a_result_that_cannot_be_written_is_a_failure(untouched, command):
    """It is told on standard error if that can be, but where the reader went away."""
    for redirection in UNWRITABLE:
        code, said = run(untouched, command, redirection)
        assert code == 1, redirection
        if redirection == ">/dev/full":
            assert "error: No space left on device: standard output\n  Check path, permissions" in said
        if redirection.startswith("|"):
            assert "error" not in said


def test_a_result_that_is_not_buffered_is_no_other(untouched):
    """As in most containers, where each write is one of the system's."""
    for command in ("--version", "--help", "plan", "state pull"):
        code, said = run(untouched, command, ">/dev/full", PYTHONUNBUFFERED="1")
        assert (code, "No space left on device" in said) == (1, True), command


def test_the_code_is_that_of_the_work(untouched):
    """Whatever is closed, a plan still says that something differs, and a mistake is still one."""
    for redirection in CLOSED:
        assert run(untouched, "plan --detailed-exitcode --api-url http://127.0.0.1:9", redirection)[0] == 2
        assert run(untouched, "state show cs/none", redirection)[0] == 1
        assert run(untouched, "plan --nonsense", redirection)[0] == 1
        assert run(untouched, "apply --api-url http://127.0.0.1:9", redirection)[0] == 1


@pytest.mark.parametrize("command", MENDING)
@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&- <&-", *UNWRITABLE[:3]])
def test_what_was_mended_is_mended(workspace, command, redirection):
    """Whoever would take an exit code of 1 for "nothing was done" is told what is so."""
    before = workspace.state
    code, said = run(workspace, command, redirection)
    assert code == 0
    assert "new.json" in command or workspace.state["serial"] == before["serial"] + 1
    if redirection == ">/dev/full":
        assert "note: No space left on device: standard output" in said


@pytest.mark.parametrize(
    ("form", "redirections"),
    [
        ("", (*CLOSED, *DEAF, *UNWRITABLE)),
        ("--format jsonl", (">&-", *DEAF, *UNWRITABLE[:3])),
        ("--log-format json", ("2>&-", *DEAF, *UNWRITABLE[:2])),
    ],
)
def test_exams_that_were_created_are_created(tmp_path, untouched, sandbox, form, redirections):
    """The report cannot be written; state has all, and the exit code says how the exams ended."""
    for number, redirection in enumerate(redirections):
        workspace = copied(untouched, tmp_path / str(number))
        apply = f"apply --auto-approve --api-url {sandbox.url} {form}"
        assert run(workspace, apply, redirection)[0] == 0, redirection
        assert set(workspace.state["exams"]) == {"cs/a", "cs/b"}, redirection
        assert not list(workspace.root.glob("*.journal"))


@pytest.mark.parametrize(("fault", "expect"), [("drop-after", 3), ("status:code=400", 1)])
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "| (exec <&-; sleep 0.2)", "2>/dev/full"])
def test_exams_that_were_not_created_are_told_by_the_code(workspace, fault, expect, redirection):
    """In doubt is 3 and failed is 1, whether or not it can be printed."""
    with running(Settings(port=0)) as sandbox:
        sandbox.misbehave(fault)
        assert run(workspace, f"apply --auto-approve --api-url {sandbox.url}", redirection)[0] == expect


def test_what_was_printed_before_a_refusal_is_there(workspace):
    """A plan that nobody confirms is shown all the same, whatever stands in the way of the rest."""
    code, said = run(workspace, "apply --api-url http://127.0.0.1:9", "2>/dev/null")
    assert code == 1
    assert "Apply will create 1 exam" in said


def test_a_plan_that_cannot_be_seen_cannot_be_confirmed(workspace, sandbox):
    """A person at the terminal is asked nothing, and nothing is sent."""
    before = sandbox.requests
    script = (
        "import sys\nfrom reconciler.cli import process\n"
        "class Terminal:\n    isatty = lambda self: True\n    readline = lambda self: 'yes\\n'\n"
        "sys.stdin = Terminal()\nsys.exit(process())\n"
    )
    for target, code in (("/dev/full", 1), ("/dev/null", 0)):
        done = subprocess.run(
            [BASH, "-c", f'"$0" -c "$1" apply --api-url {sandbox.url} >{target}', sys.executable, script],
            cwd=workspace.root,
            env=workspace.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert ("Type 'yes'" in done.stderr) is (code == 0)
        assert sandbox.requests - before == (1 if code == 0 else 0)


@pytest.mark.parametrize("redirection", CLOSED)
def test_no_file_gets_the_number_of_a_stream(tmp_path, redirection):
    """What is printed to a closed stream would go into the file that was opened next: the state, say."""
    script = (
        "import os, sys\nfrom reconciler.cli.streams import open_streams\nopen_streams()\n"
        "state = os.open('state', os.O_RDWR | os.O_CREAT)\nsys.stdout.write('printed')\nsys.stdout.flush()\n"
        "sys.stderr.write('told')\nsys.stderr.flush()\nsys.stdin.read()\nos._exit(state > 2)\n"
    )
    done = subprocess.run(
        [BASH, "-c", f'"$0" -c "$1" {redirection}', sys.executable, script],
        cwd=tmp_path,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    assert done.returncode == 1
    assert (tmp_path / "state").read_bytes() == b""


def test_a_sandbox_serves_without_streams(tmp_path):
    """It is told by its port, and ends as it is asked to."""
    script = (
        f'"{sys.executable}" -m reconciler sandbox --port 0 --store ledger >&- 2>&- <&- & sandbox=$!\n'
        "for _ in $(seq 100); do [[ -e ledger ]] && break; sleep 0.1; done\n"
        "sleep 0.5\nkill $sandbox\nwait $sandbox"
    )
    done = subprocess.run([BASH, "-c", script], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_answer_that_is_not_utf8_is_no_yes(workspace, sandbox):
    """Someone types what their terminal sends in Latin-1."""
    before = sandbox.requests
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "--api-url", sandbox.url],
        cwd=workspace.root,
        env=workspace.environment(),
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.write(master, b"ye\xe9\n")
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 1
    assert "Traceback" not in said
    assert "not confirmed" in said
    assert sandbox.requests == before
