"""What `reconciler apply` costs on top of what the service's latency makes unavoidable.

The bound: creating 100 exams, ten requests in flight, on a service that takes 50 ms for each, takes at most
1.3 times the ideal 0.5 s plus start-up. Run it with the product installed:

    python benchmarks/apply.py
"""

import argparse
import asyncio
import itertools
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BOUND: Final = 1.3
_CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SERVE: Final = "--serve"
_PATIENCE_S: Final = 300

_HEAD: Final = """\
version: 1
installSid: AI1234567890abcdef1234567890abcdef
timezone: America/New_York
courses: {cs: CU1234567890abcdef1234567890abcdef}
exams:
"""
_EXAM: Final = """\
  cs/exam-NUMBER:
    course: cs
    title: Exam NUMBER
    type: Online
    description: Covers everything up to lecture NUMBER.
    url: https://lms.example.edu/quizzes/NUMBER
    useProctorManager: true
    requireApproval: false
    enableAppointmentSuggestions: true
    examDeliverySystemModule: canvas
    contactUserSid: US1234567890abcdef1234567890abcdef
    isLimitedScope: false
    status: active
    configuration:
      instructorAsProctor:
        - location: Hall NUMBER
          timeType: between
          startTime: 2031-10-12T09:00
          endTime: "12:00"
          capacity: 30
      examOpenDate: 2031-10-12T09:00
      examCloseDate: 2031-10-14T17:00
      scheduleOpenDate: 2031-09-12T09:00
      scheduleCloseDate: 2031-10-11T17:00
      duration: 90
      attempts: 1
      password: {fromEnv: EXAM_SECRET_BENCHMARK}
      proctorTypes: [virtual, local]
      permittedBathroomBreak: false
      permittedBlankPaper: true
      permittedBlankPaperInformation: Two sheets, shown to the camera.
      permittedCalculator: true
      permittedCalculatorInformation: Any that cannot connect.
      permittedNotes: true
      permittedNotesInformation: One sheet, handwritten.
      permittedTextbook: false
      studentNotes: Bring an identity card.
      proctorNotes: Students may leave after an hour.
      apiExamId: lms-NUMBER
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is measured: how many exams, how many requests in flight, and the service's latency."""

    creates: int
    parallelism: int
    latency_s: float

    @property
    def ideal_s(self) -> float:
        """What the latency alone takes."""
        return math.ceil(self.creates / self.parallelism) * self.latency_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Wall times of whole processes, one after the other in a fresh directory.

    `one_s` creates a single exam, `all_s` creates all, and `none_s` finds all created and sends nothing.
    """

    one_s: float
    all_s: float
    none_s: float

    def ratio(self, load: Load) -> float:
        """What is bounded: everything that sending adds to an apply with nothing to send, over the ideal."""
        return (self.all_s - self.none_s) / load.ideal_s

    def sending_ratio(self, load: Load) -> float:
        """The same without loading the HTTP client, which the first create pays for all others.

        Not a number where all exams are in flight at once.
        """
        rest_s = load.ideal_s - load.latency_s
        return (self.all_s - self.one_s) / rest_s if rest_s else math.nan


def main() -> int:
    """Measure and print; 1 where the bound is not kept."""
    parsed = _parse()
    load = Load(creates=parsed.creates, parallelism=parsed.parallelism, latency_s=parsed.latency / 1000)
    if parsed.serve:
        asyncio.run(_serve(load.latency_s))
        return 0
    with _server(parsed.latency) as url:
        _measure(load, url)  # fills the caches of disk and bytecode
        runs = [_measure(load, url) for _ in range(parsed.runs)]
    _print_table(runs, load)
    return 0 if statistics.median(run.ratio(load) for run in runs) <= BOUND else 1


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure `reconciler apply` against its bound.")
    parser.add_argument("--creates", type=_positive, default=100, metavar="N", help="exams to create (100)")
    parser.add_argument(
        "--parallelism", type=_positive, default=10, metavar="N", help="requests in flight (10)"
    )
    parser.add_argument("--latency", type=float, default=50.0, metavar="MS", help="of an answer (50)")
    parser.add_argument("--runs", type=_positive, default=7, metavar="N", help="how often (7)")
    parser.add_argument(_SERVE, action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


async def _serve(latency_s: float) -> None:
    """Answer every request with a fresh SID after `latency_s`, until standard input ends."""
    numbers = itertools.count(1)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await _skip_request(reader)
                await asyncio.sleep(latency_s)
                writer.write(_answer(next(numbers)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with the script that started it, however that ends.
    await asyncio.to_thread(sys.stdin.read)
    server.close()


async def _skip_request(reader: asyncio.StreamReader) -> None:
    found = _CONTENT_LENGTH.search(await reader.readuntil(b"\r\n\r\n"))
    if found is not None:
        await reader.readexactly(int(found[1]))


def _answer(number: int) -> bytes:
    body = f'{{"sid": "EX{number:032x}"}}'.encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextmanager
def _server(latency_ms: float) -> Iterator[str]:
    """The base URL of a server in a process of its own, which ends with the context."""
    command = [sys.executable, __file__, _SERVE, "--latency", str(latency_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def _measure(load: Load, url: str) -> Run:
    """One run in a fresh directory."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        exams = (_EXAM.replace("NUMBER", str(number)) for number in range(1, load.creates + 1))
        (root / "exams.yaml").write_text(_HEAD + "".join(exams), encoding="utf-8")
        apply = (
            "apply", "--auto-approve", "--quiet", "--api-url", url,
            "--max-creates", str(load.creates), "--parallelism", str(load.parallelism),
        )  # fmt: skip
        single = ("--target", "cs/exam-1", "--state", "file:single.state.json")
        _timed_s(root, "init")
        _timed_s(root, "init", "--state", "file:single.state.json")
        one_s = _timed_s(root, *apply, *single)
        all_s = _timed_s(root, *apply)
        return Run(one_s=one_s, all_s=all_s, none_s=_timed_s(root, *apply))


def _timed_s(root: Path, *arguments: str) -> float:
    """Seconds from starting the command in `root` to its end. Raises RuntimeError if it fails."""
    secrets = {"SMARTERPROCTORING_TOKEN": "made.up.token", "EXAM_SECRET_BENCHMARK": "made up"}
    start_s = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": str(root)} | secrets,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_S,
    )
    taken_s = time.perf_counter() - start_s
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {done.stderr}")
    return taken_s


def _print_table(runs: Sequence[Run], load: Load) -> None:
    """Print the medians and extremes of `runs` in Markdown."""
    print(
        f"{load.creates} creates, {load.parallelism} in flight, {load.latency_s * 1000:g} ms each; "
        f"{len(runs)} runs; Python {sys.version.split()[0]}, {os.cpu_count()} processors, "
        f"load {os.getloadavg()[0]:.1f}\n"
    )
    print("| what | median | lowest | highest |\n| --- | ---: | ---: | ---: |")
    _print_row("`all`: apply that creates all, s", [run.all_s for run in runs])
    _print_row("`none`: apply that finds all created, s", [run.none_s for run in runs])
    _print_row("`one`: apply that creates a single exam, s", [run.one_s for run in runs])
    _print_row("ideal, s", [load.ideal_s])
    _print_row(f"**(all - none) / ideal**, at most {BOUND}", [run.ratio(load) for run in runs])
    _print_row("(all - one) / (ideal - latency)", [run.sending_ratio(load) for run in runs])


def _print_row(what: str, values: Sequence[float]) -> None:
    print(f"| {what} | {statistics.median(values):.2f} | {min(values):.2f} | {max(values):.2f} |")


if __name__ == "__main__":
    sys.exit(main())
