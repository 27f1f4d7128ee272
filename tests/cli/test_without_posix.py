"""A system without locks of files, such as Windows: what changes no state works, and the rest says so."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from exam_workspace import MANIFEST, Workspace, exam

from reconciler.sandbox import Settings
from reconciler.sandbox.running import running

HIDING = """
import os, signal, sys, time
for name in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
lacking = {
    os: "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown fchmod fchown fork getegid geteuid getgid getpgid "
    "getuid killpg mkfifo setsid statvfs sysconf uname",
    signal: "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGSTOP SIGUSR1 SIGUSR2 pthread_sigmask "
    "setitimer sigwait",
    time: "CLOCK_BOOTTIME CLOCK_MONOTONIC clock_gettime",
}
for module, names in lacking.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
os.supports_dir_fd.clear()
from reconciler.cli import process
sys.exit(process())
"""
"""Runs a command after hiding what Windows has not."""

TABLE = """Title,Course,URL,Opens,Closes,Minutes
Exam a,cs,https://lms.example.edu/a,2031-10-12 09:00,2031-10-14 17:00,90
"""
TERMS = """
version: 1
terms: {2031fa: {starts: 2031-09-01, ends: 2031-12-19}, 2032sp: {starts: 2032-01-12, ends: 2032-05-07}}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace with a state in which cs/a exists, made elsewhere."""
    made = Workspace(tmp_path_factory.mktemp("elsewhere") / "workspace")  # no other test's machine
    made.root.mkdir()
    made.declare("a")
    made.run("init")
    with running(Settings(port=0)) as sandbox:
        made.apply(sandbox.url)
    made.declare("a", "b")
    made.write(TERMS, "reconciler.yaml")
    made.run("plan", "exams.yaml", "--out", "plan.json")
    made.write(TABLE, "table.csv")
    (made.root / "terms").mkdir()
    made.write(MANIFEST.replace("exams:", "term: 2031fa\nexams:") + exam("c"), "terms/2031fa.yaml")
    return made


def run(root: Path, *arguments: str, expect: int = 0) -> str:
    """Run a command that exits with `expect` on such a system; return all that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", HIDING, *arguments],
        cwd=root,
        env=Workspace(root).environment() | {"HOME": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "1 exam to create."),
        ("validate exams.yaml", "overlapping-windows"),
        ("plan exams.yaml --out new.json --detailed-exitcode", "1 exam will be created"),
        ("show plan.json", "1 exam will be created"),
        ("show", "cs/a"),
        ("draft --from table.csv", "title: Exam a"),
        ("check exams.yaml --against table.csv", "cs/b"),
        ("rollover --from 2031fa --to 2032sp --dry-run terms/2031fa.yaml", "2032sp"),
        ("explain in-doubt", "in-doubt"),
        ("schema plan", "formatVersion"),
        ("completion fish reconciler\\ state\\ show\\ ", "cs/a"),
    ],
)
def test_what_changes_no_state_works(workspace, line: str, told: str) -> None:
    """The file of a state is read without a lock."""
    expect = {"plan": 2, "check": 1}.get(line.partition(" ")[0], 0)
    words = [word.replace("\\", " ") for word in line.replace("\\ ", "\\").split()]
    assert told in run(workspace.root, *words, expect=expect)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "import cs/b EX1234567890abcdef1234567890abcdef exams.yaml",
            "a change of file:exams.state.json needs locks",
        ),
        ("apply exams.yaml --auto-approve", "an apply needs locks of files"),
        ("apply exams.yaml --auto-approve --token-command ./program", "an apply needs locks of files"),
        ("plan exams.yaml --state git+file:///nowhere/exams.git", "a state in git needs locks of files"),
        ("sandbox --store exams.jsonl", "--store needs locks of files"),
    ],
)
def test_what_cannot_work_says_so(workspace, line: str, told: str) -> None:
    """And what can be used in its place; nothing is changed."""
    before = workspace.state
    said = run(workspace.root, *line.split(), expect=1)
    assert told in said
    assert "in WSL" in said or "kept in memory" in said
    assert workspace.state == before


def test_an_example_is_written_and_a_state_is_not(tmp_path) -> None:
    """The files can be checked; the state has to be made elsewhere."""
    said = run(tmp_path, "init", "--example", expect=1)
    assert "Wrote reconciler.yaml and exams.yaml." in said
    assert "needs locks of files" in said
    assert "Valid: 3 exams" in run(tmp_path, "validate")
    assert {path.name for path in tmp_path.iterdir()} == {"exams.yaml", "reconciler.yaml"}


def test_line_ends_of_windows_change_no_digest(tmp_path) -> None:
    """An editor or git may write CRLF: the exam is the same."""
    text = MANIFEST + exam("a") + "    description: |\n      One line.\n      Another.\n"
    digests = set()
    for name, content in (("unix", text), ("windows", text.replace("\n", "\r\n"))):
        workspace = Workspace(tmp_path / name)
        workspace.root.mkdir()
        (workspace.root / "exams.yaml").write_bytes(content.encode())
        workspace.run("init")
        planned = workspace.run("plan", "--format", "json")
        digests.add(hashlib.sha256(planned.partition('"changes"')[2].encode()).hexdigest())
    assert len(digests) == 1
