"""Where the time of a plan and of an apply goes: profiles by pyinstrument, as text and as pages.

    python benchmarks/profiles.py
    python benchmarks/profiles.py --exams 1000 --creates 200

Each is a run of the command in a process of its own, looked at every millisecond. What comes of it stands in
build/profile/.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import exams
import servers
from processes import COMMAND, VARIABLE, measure

_SCRIPTS: Final = Path(__file__).parent
_INTERVAL_S: Final = "0.001"
_FORMS: Final = {"text": "txt", "html": "html"}


def main() -> int:
    """Profile, and say where the files are."""
    parser = argparse.ArgumentParser(description="Profile plan and apply.")
    parser.add_argument("--exams", type=int, default=10_000, metavar="N", help="exams of a plan (10000)")
    parser.add_argument("--creates", type=int, default=1000, metavar="N", help="creates of an apply (1000)")
    parser.add_argument("--parallelism", type=int, default=50, metavar="N", help="requests in flight (50)")
    parser.add_argument(
        "--out", type=Path, default=Path("build/profile"), metavar="DIR", help="(build/profile)"
    )
    parsed = parser.parse_args()
    out: Path = parsed.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="profile-") as name:
        _plans(Path(name) / "plan", parsed.exams, out)
        _apply(Path(name) / "apply", parsed, out)
    print(*sorted(str(path) for path in out.iterdir()), sep="\n")
    return 0


def _plans(root: Path, count: int, out: Path) -> None:
    """A plan with nothing to do, and one with all to create."""
    generate = (sys.executable, _SCRIPTS / "exams.py", root, "--exams", str(count))
    measure(generate, root=_SCRIPTS)
    with _profiled("plan", root, out) as session:
        measure((*session, "plan"), root=root)
    measure((COMMAND, "init", "--state", "file:empty.json"), root=root)
    with _profiled("plan-first", root, out) as session:
        measure((*session, "plan", "--state", "file:empty.json", "--max-creates", str(count)), root=root)


def _apply(root: Path, parsed: argparse.Namespace, out: Path) -> None:
    """An apply against a service that answers after 50 ms."""
    exams.write(root, parsed.creates, per_file=30, secret=VARIABLE)
    measure((COMMAND, "init"), root=root)
    with servers.latent(50) as port, _profiled("apply", root, out) as session:
        measure(
            (
                *session, "apply", "--auto-approve", "--quiet", "--api-url", f"http://{servers.HOST}:{port}",
                "--max-creates", str(parsed.creates), "--parallelism", str(parsed.parallelism),
            ),
            root=root,
        )  # fmt: skip


@contextmanager
def _profiled(name: str, root: Path, out: Path) -> Iterator[tuple[str | Path, ...]]:
    """The beginning of a command to profile; once the context ends its profile is in `out` in both forms."""
    session = root / f"{name}.pyisession"
    pyinstrument = Path(sys.executable).with_name("pyinstrument")
    recorded = ("--renderer", "pyisession", "--outfile", session)
    yield (pyinstrument, "--interval", _INTERVAL_S, *recorded, "-m", "reconciler")
    for form, suffix in _FORMS.items():
        target = out / f"{name}.{suffix}"
        measure((pyinstrument, "--load", session, "--renderer", form, "--outfile", target), root=root)
    session.unlink()


if __name__ == "__main__":
    sys.exit(main())
