"""Measured processes: how long a whole command takes, what it computes and how much memory it holds.

The peak of memory of a process counts what it had before it became the command: whoever measures stays small.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COMMAND: Final = Path(sys.executable).with_name("reconciler")
"""The installed command."""
VARIABLE: Final = "EXAM_SECRET_BENCHMARK"
"""The variable of a password that every measured command has."""

_SAMPLE_S: Final = 0.02
_PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") // 1024
_SHOWN: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of a command, from its start to its end.

    `cpu_s` and `peak_mib` count the processes that it started too: the peak is that of the largest, or of all
    together where they were looked at while they ran. `output` is the end of what it printed on both streams.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: str
    output_bytes: int


def measure(
    command: Sequence[str | Path],
    *,
    root: Path,
    variables: Mapping[str, str] | None = None,
    codes: Collection[int] = (0,),
    together: bool = False,
) -> Measured:
    """One run of `command` in `root`. Raises RuntimeError where its exit code is not one of `codes`.

    With `together` the memory of all its processes is added up, by looking at them every 20 ms.
    """
    with tempfile.TemporaryFile() as output:
        start_s = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=root,
            env=_environment(root) | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        with _looked_at(process.pid if together else None) as peaks:
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - start_s
        process.returncode = os.waitstatus_to_exitcode(status)
        size_bytes = output.seek(0, os.SEEK_END)
        output.seek(max(size_bytes - _SHOWN, 0))
        said = output.read().decode(errors="replace")
        if process.returncode not in codes:
            raise RuntimeError(f"{command[:3]} ended with {process.returncode}: {said}")
    return Measured(
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mib=max(usage.ru_maxrss, *peaks) / 1024,
        output=said,
        output_bytes=size_bytes,
    )


def _environment(root: Path) -> dict[str, str]:
    """What every measured command has: no more of the machine's than it needs to start."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "SMARTERPROCTORING_TOKEN": "made.up.token",
        VARIABLE: "made up",
    }


@contextmanager
def _looked_at(pid: int | None) -> Iterator[list[int]]:
    """The most KiB that the process and all below it held together, at the context's end; 0 without `pid`."""
    peaks = [0, 0]
    if pid is None:
        yield peaks
        return
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_SAMPLE_S):
            peaks[1] = max(peaks[1], sum(map(_held_kib, _tree(pid))))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _tree(pid: int) -> Iterator[int]:
    """The process and all below it, as Linux knows them; elsewhere, itself."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = path.read_text(encoding="ascii").split()
        except OSError:  # it has just ended
            continue
        for child in below:
            yield from _tree(int(child))


def _held_kib(pid: int) -> int:
    """What the process holds in memory and shares with no file."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return int(fields[1]) * _PAGE_KIB
