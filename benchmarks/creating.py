"""What `reconciler apply` costs on top of what the service's latency makes unavoidable."""

import math
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import exams
import servers
from processes import COMMAND, VARIABLE, Measured, measure
from tables import Row, median_ratio

_BOUNDS: Final = {10: 1.25, 50: 3.0, 100: 6.0}
_JUDGED: Final = 1000
_GROWTH: Final = 11.0
"""The most that ten times as many creates may take, in as many times."""

_BODY_BYTES: Final = 1500
"""About what one of our requests carries."""

_SCRIPTS: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent: how many creates, how many in flight, and the service's latency."""

    creates: int
    parallelism: int
    latency_ms: float

    @property
    def ideal_s(self) -> float:
        """What the latency alone takes."""
        return math.ceil(self.creates / self.parallelism) * self.latency_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """In a fresh directory, one after the other: what creates all, and what finds all created."""

    all: Measured
    none: Measured

    @property
    def sending_s(self) -> float:
        """What the one takes longer than the other."""
        return self.all.wall_s - self.none.wall_s

    @property
    def sending_cpu_s(self) -> float:
        """As above, of processor time."""
        return self.all.cpu_s - self.none.cpu_s


def rows(load: Load, root: Path, *, runs: int, say: Callable[[str], None]) -> Iterator[Row]:
    """What `load` costs, without start-up, over the ideal; and the same of bare sockets."""
    with servers.latent(load.latency_ms) as port:
        _measure(load, root, port, say)  # fills the caches of disk and bytecode
        both = [(_measure(load, root, port, say), _over_sockets(load, root, port)) for _ in range(runs)]
    found = [one for one, _ in both]
    words = f"{load.creates:,}, {load.parallelism} in flight"
    yield _row(
        "bare asyncio sockets",
        words,
        [sockets_s for _, sockets_s in both],
        load,
        over="the latency of all rounds",
    )
    yield _row(
        "apply, without start-up",
        words,
        [one.sending_s for one in found],
        load,
        [one.all for one in found],
        over="the latency of all rounds",
        bound=_BOUNDS.get(load.parallelism) if load.creates == _JUDGED else None,
    )
    whole = [one.all.wall_s for one in found]
    yield _row(
        "apply, whole", words, whole, load, [one.all for one in found], over="the latency of all rounds"
    )
    none = [one.none for one in found]
    yield _row("apply with nothing to do", words, [one.wall_s for one in none], load, none)


def growth(load: Load, root: Path, *, runs: int, say: Callable[[str], None]) -> Iterator[Row]:
    """What `load` costs without start-up, to a tenth of its creates: one create costs what another does."""
    tenth = replace(load, creates=load.creates // 10)
    with servers.latent(load.latency_ms) as port:
        _measure(tenth, root, port, say)
        small, large = zip(
            *((_measure(tenth, root, port, say), _measure(load, root, port, say)) for _ in range(runs)),
            strict=True,
        )
    case = "apply, without start-up, answered at once"
    for one, found in ((tenth, small), (load, large)):
        words = f"{one.creates:,}, {one.parallelism} in flight"
        yield _row(case, words, [each.sending_s for each in found], one, [each.all for each in found])
    yield replace(
        _row(case, words, [each.sending_s for each in large], load, [each.all for each in large]),
        case="the same, to a tenth of it",
        over=f"{case}, {tenth.creates:,}",
        ratio=median_ratio([each.sending_s for each in large], [each.sending_s for each in small]),
        cpu_ratio=median_ratio(
            [each.sending_cpu_s for each in large], [each.sending_cpu_s for each in small]
        ),
        bound=_GROWTH if tenth.creates == _JUDGED else None,
    )


def _measure(load: Load, root: Path, port: int, say: Callable[[str], None]) -> _Round:
    shutil.rmtree(root, ignore_errors=True)
    exams.write(root, load.creates, per_file=30, secret=VARIABLE)
    apply = (
        COMMAND,
        "apply",
        "--auto-approve",
        "--quiet",
        "--api-url",
        f"http://{servers.HOST}:{port}",
        "--max-creates",
        str(load.creates),
        "--parallelism",
        str(load.parallelism),
    )
    measure((COMMAND, "init"), root=root)
    measure((COMMAND, "plan"), root=root)  # what a pull request has done already
    found = _Round(
        all=measure(apply, root=root),
        none=measure(apply, root=root),
    )
    say(f"apply of {load.creates}, {load.parallelism} in flight: {found.all.wall_s:.3f} s")
    return found


def _over_sockets(load: Load, root: Path, port: int) -> float:
    """Seconds that as many requests of about the same size take over bare sockets."""
    numbers = (port, load.creates, load.parallelism, _BODY_BYTES)
    command = (sys.executable, _SCRIPTS / "floors.py", "send", servers.HOST, *map(str, numbers))
    return float(measure(command, root=root).output)


def _row(  # noqa: PLR0913 - what a row says
    case: str,
    workload: str,
    seconds: Sequence[float],
    load: Load,
    found: Sequence[Measured] = (),
    *,
    over: str = "",
    bound: float | None = None,
) -> Row:
    return Row(
        case=case,
        workload=workload,
        runs=len(seconds),
        seconds=statistics.median(seconds),
        lowest_s=min(seconds),
        highest_s=max(seconds),
        cpu_s=statistics.median(one.cpu_s for one in found) if found else 0.0,
        peak_mib=max((one.peak_mib for one in found), default=0.0),
        output_bytes=max((one.output_bytes for one in found), default=0),
        over=over,
        ratio=statistics.median(seconds) / load.ideal_s if over else None,
        bound=bound,
    )
