"""`make demo` does what it says, and leaves nothing running."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    """The demo's run, with the installed command first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [ROOT / "examples" / "demo.sh", folder],
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def test_the_demo_creates_each_exam_once(tmp_path: Path) -> None:
    """Every exam of the example is created and recorded once, in a second run from the beginning too."""
    folder = tmp_path / "demo"
    for done in (run_demo(folder), run_demo(folder)):
        assert done.returncode == 0, done.stderr
        created = [json.loads(line) for line in (folder / "sandbox.jsonl").read_text().splitlines()]
        state = json.loads((folder / "exams.state.json").read_text())
        sids = sorted(entry["sid"] for entry in state["exams"].values())
        assert len(sids) == len(set(sids)) > 0
        assert sids == sorted(exam["sid"] for exam in created if "sid" in exam)
        assert state["intents"] == {}


def test_the_demo_leaves_no_secret_behind(tmp_path: Path) -> None:
    """Passwords were sent, and neither they nor the token are in a file of the demo or in its output."""
    done = run_demo(tmp_path)
    assert '"password"' in (tmp_path / "sandbox.jsonl").read_text()
    for text in (
        done.stdout,
        done.stderr,
        *(path.read_text() for path in tmp_path.rglob("*") if path.is_file()),
    ):
        assert "made-up" not in text
