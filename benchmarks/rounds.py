"""Rounds: each case is measured once in each of them, so that all share what slows the machine."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from processes import Measured, measure
from tables import Row, median_ratio


def nothing() -> None:
    """What most cases need beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command to measure in `root`.

    `prepare` runs before each time, unmeasured. `codes` are the exit codes that are as they should be. `over`
    is the name of the case that it is compared with, among those of the same rounds; empty for none. `bound`
    and `most_mib` are as in a row, and `most_bytes` is the most that it may print.
    """

    name: str
    command: Sequence[str | Path]
    root: Path
    workload: str = ""
    prepare: Callable[[], None] = nothing
    codes: tuple[int, ...] = (0,)
    over: str = ""
    bound: float | None = None
    most_mib: float | None = None
    most_bytes: int | None = None


def measured(cases: Sequence[Case], *, runs: int, say: Callable[[str], None]) -> list[Row]:
    """A row for each of `cases`. One round before the counted ones fills caches, and looks at memory."""
    first = {case.name: _run(case, say, together=True) for case in cases}
    rounds = [{case.name: _run(case, say) for case in cases} for _ in range(runs)]
    return [row_of(case, first[case.name], rounds) for case in cases]


def _run(case: Case, say: Callable[[str], None], *, together: bool = False) -> Measured:
    case.prepare()
    found = measure(case.command, root=case.root, codes=case.codes, together=together)
    say(
        f"{case.name}, {case.workload}: {found.wall_s:.3f} s"
        if case.workload
        else f"{case.name}: {found.wall_s:.3f} s"
    )
    if case.most_bytes is not None and found.output_bytes > case.most_bytes:
        raise RuntimeError(f"{case.name} printed {found.output_bytes} bytes, more than {case.most_bytes}")
    return found


def row_of(case: Case, first: Measured, rounds: Sequence[Mapping[str, Measured]]) -> Row:
    """What `rounds` tell of `case`; `first` is the run whose memory was looked at."""
    found = [one[case.name] for one in rounds]
    times = [one.wall_s for one in found]
    over = [one[case.over] for one in rounds] if case.over else []
    return Row(
        case=case.name,
        workload=case.workload,
        runs=len(found),
        seconds=statistics.median(times),
        lowest_s=min(times),
        highest_s=max(times),
        cpu_s=statistics.median(one.cpu_s for one in found),
        peak_mib=max(first.peak_mib, *(one.peak_mib for one in found)),
        output_bytes=max(one.output_bytes for one in found),
        over=case.over,
        ratio=median_ratio(times, [one.wall_s for one in over]) if over else None,
        cpu_ratio=median_ratio([one.cpu_s for one in found], [one.cpu_s for one in over]) if over else None,
        bound=case.bound,
        most_mib=case.most_mib,
    )
