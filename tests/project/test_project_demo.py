"""`make demo` does what it says, and leaves nothing running."""

import json
import os
import pty
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo.sh"


def environment() -> dict[str, str]:
    """The variables of a person who has set up a service, with the installed command on the path."""
    theirs = {"SANDBOX_TOKEN": "theirs", "SMARTERPROCTORING_URL": "https://api.example.edu"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **theirs, "PATH": path, "CI": ""}


def run_in_pipe(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the demo as a pipeline does."""
    return subprocess.run(
        [DEMO, folder],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )


def read_until(terminal: int, end: str) -> str:
    """Return what is printed on `terminal`, up to `end`."""
    printed = b""
    while end.encode() not in printed:
        printed += os.read(terminal, 65536)
    return printed.decode()


def check_created_once(folder: Path) -> None:
    """Fail if an exam was created twice, is missing in state, or waits in doubt."""
    created = [json.loads(line) for line in (folder / "sandbox.jsonl").read_text().splitlines()]
    state = json.loads((folder / "exams.state.json").read_text())
    sids = sorted(entry["sid"] for entry in state["exams"].values())
    assert len(sids) == len(set(sids)) > 0
    assert sids == sorted(exam["sid"] for exam in created if "sid" in exam)
    assert state["intents"] == {}


def test_the_demo_creates_each_exam_once_and_leaves_no_secret(tmp_path: Path) -> None:
    """In a pipe it ends by itself. Passwords are sent, and are in no file and no output. It runs again."""
    done = run_in_pipe(tmp_path)
    assert done.returncode == 0, done.stdout
    check_created_once(tmp_path)
    service = json.loads((tmp_path / "exams.state.json").read_text())["service"]
    again = f"sandbox --port {service.split(':')[-1]} --store {tmp_path}/sandbox.jsonl"
    assert again in done.stdout.splitlines()[-1]  # the service that the state belongs to
    assert '"password"' in (tmp_path / "sandbox.jsonl").read_text()
    for text in (done.stdout, *(path.read_text() for path in tmp_path.rglob("*") if path.is_file())):
        assert "made-up" not in text
    check_again_at_a_terminal(tmp_path)


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    """The demo begins by removing its folder, so it takes none that holds something else."""
    (tmp_path / "exams.state.json").write_text("ours")
    done = run_in_pipe(tmp_path)
    assert done.returncode == 1
    assert "name another folder" in done.stdout
    assert (tmp_path / "exams.state.json").read_text() == "ours"


def check_again_at_a_terminal(folder: Path) -> None:
    """Fail unless the demo begins afresh, what it names can be opened, and Enter ends the sandbox."""
    terminal, inside = pty.openpty()
    with subprocess.Popen(
        [DEMO, folder], env=environment(), stdin=inside, stdout=inside, stderr=inside
    ) as demo:
        os.close(inside)
        try:
            printed = read_until(terminal, "press Enter")
            check_created_once(folder)
            assert "CS 101 Midterm Exam 1" in (folder / "plan.html").read_text()
            (url,) = re.findall(r"what the sandbox has +(http://127\.0\.0\.1:\d+)", printed)
            with urllib.request.urlopen(url) as page:  # noqa: S310 - the sandbox of this demo
                assert "CS 101 Midterm Exam 1" in page.read().decode()
            os.write(terminal, b"\n")
            assert demo.wait() == 0
        finally:
            os.close(terminal)  # ends the demo too
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(url)  # noqa: S310 - as above
