"""A process ends at once where only tidying up is left, and never before all else is done."""

import subprocess
import sys
from pathlib import Path

import pytest

import reconciler

# What measures coverage wants to be told of the end.
pytestmark = pytest.mark.usefixtures("unmeasured")
VERSION = f"reconciler {reconciler.__version__}\n"
SCRIPT = """\
import atexit, os, sys, threading, time
from reconciler.cli import process
sys.argv = ["reconciler", "--version"]
{before}
code = process()
os.write(2, b"went on\\n")
sys.exit(code)
"""


@pytest.fixture(autouse=True)
def buffered(monkeypatch):
    """Output waits in memory, as it mostly does."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def run(before: str = "", *, stdout: int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    """A process that asks for the version after it did what stands `before`."""
    script = SCRIPT.format(before=before)
    return subprocess.run(
        [sys.executable, "-c", script], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )


def test_nothing_is_tidied_up_for_nobody() -> None:
    """What was printed is there, and memory is left as it is."""
    done = run()
    assert (done.stdout, done.stderr, done.returncode) == (VERSION, "", 0)


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("atexit.register(os.write, 1, b'told of the end\\n')", "told of the end\n"),
        ("threading.Thread(target=lambda: (time.sleep(0.3), os.write(1, b'worked\\n'))).start()", "worked\n"),
        ("sys.setprofile(lambda *_: None)", ""),
        ("sys.settrace(lambda *_: None)", ""),
    ],
    ids=["atexit", "thread", "profile", "trace"],
)
def test_whoever_waits_for_the_end_gets_it(before: str, told: str) -> None:
    """Callbacks are called, threads get their work done, and profiles can be written."""
    done = run(before)
    assert sorted(done.stdout.splitlines()) == sorted(f"{VERSION}{told}".splitlines())
    assert (done.stderr, done.returncode) == ("went on\n", 0)


def test_threads_that_nobody_waits_for_are_left() -> None:
    """A daemon keeps no process from its end, as ever."""
    done = run("threading.Thread(target=time.sleep, args=(60,), daemon=True).start()")
    assert (done.stdout, done.stderr, done.returncode) == (VERSION, "", 0)


def test_a_stream_that_is_not_there_is_no_hindrance() -> None:
    """A process that was started without one of its streams ends as well."""
    done = run("sys.stderr = None")
    assert (done.stdout, done.stderr, done.returncode) == (VERSION, "", 0)


def test_exit_codes_are_those_of_the_command(tmp_path) -> None:
    """Through the installed command and as a module alike."""
    for command in ([sys.executable, "-m", "reconciler"], [f"{Path(sys.executable).parent}/reconciler"]):
        done = subprocess.run([*command, "show", "gone.json"], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 1
        assert b"gone.json" in done.stderr
