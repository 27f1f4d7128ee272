"""Measures whole commands against floors of the same minutes, and against the bounds that are promised.

    python benchmarks/bench.py
    python benchmarks/bench.py --quick

Prints a table, writes it to build/bench/ as Markdown and JSON, and exits with 1 where a bound is missed. See
benchmarks/README.md.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import creating
import peers
import planning
from rounds import measured
from tables import Row, as_markdown, machine_words, save

LAYOUTS: Final = ("one", "thirty", "each")
CASES: Final = ("start", "plan", "bad", "apply", "peers")
_BAD: Final = 2_200
"""Exams of a file with a slip: about 100,000 lines."""
_GROWING: Final = 50
"""In flight, where many creates are compared with few."""

_BUSY: Final = 0.5
"""A load per processor from which on figures are to be taken with care."""


def main() -> int:
    """Measure, print and save; 1 where a bound is missed."""
    parsed = _parse()
    load = os.getloadavg()[0]
    headline = machine_words()
    if load > _BUSY * (os.cpu_count() or 1):
        headline += " (busy: ratios only, and with care)"
    with tempfile.TemporaryDirectory(prefix="bench-", dir=parsed.work) as name:
        found = _rows(parsed, Path(name))
        rows = [row if parsed.judge else replace(row, bound=None, most_mib=None) for row in found]
    headline += f"; afterwards load {os.getloadavg()[0]:.1f}"
    print(f"{headline}\n\n{as_markdown(rows)}")
    save(rows, headline, parsed.out)
    return 0 if all(row.is_kept for row in rows) else 1


def _rows(parsed: argparse.Namespace, work: Path) -> Iterator[Row]:
    if "start" in parsed.cases:
        yield from measured(planning.start_cases(work / "ten"), runs=parsed.runs, say=_say)
    if "plan" in parsed.cases:
        yield from _planning(parsed, work)
    if "bad" in parsed.cases:
        yield from measured(planning.bad_cases(work / "bad", _BAD), runs=parsed.runs, say=_say)
    if "peers" in parsed.cases:
        for size in parsed.peer_sizes:
            cases = peers.cases(work / f"peers-{size}", size, say=_say)
            yield from measured(cases, runs=parsed.runs, say=_say) if cases else ()
    if "apply" in parsed.cases:
        for parallelism in parsed.parallelism:
            load = creating.Load(creates=parsed.creates, parallelism=parallelism, latency_ms=parsed.latency)
            yield from creating.rows(load, work / "apply", runs=parsed.runs, say=_say)
        load = creating.Load(creates=10 * parsed.creates, parallelism=_GROWING, latency_ms=0)
        yield from creating.growth(load, work / "apply", runs=parsed.runs, say=_say)


def _planning(parsed: argparse.Namespace, work: Path) -> Iterator[Row]:
    plans: dict[tuple[int, str], Row] = {}
    for size in parsed.sizes:
        for layout in parsed.layouts:
            per_file = {"one": size, "thirty": 30, "each": 1}[layout]
            workload = planning.Workload(size=size, per_file=per_file, root=work / f"{size}-{layout}")
            rows = measured(planning.cases(workload), runs=parsed.runs, say=_say)
            plans[size, layout] = next(row for row in rows if row.case == planning.PLAN)
            yield from rows
            smaller = plans.get((size // 10, layout))
            if smaller is not None:
                yield planning.growth(plans[size, layout], smaller)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _several(parse: Callable[[str], object]) -> Callable[[str], list[object]]:
    return lambda text: [parse(one) for one in text.split(",")]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure reconciler against floors, peers and bounds.")
    parser.add_argument(
        "--quick", action="store_true", help="1,000 exams in files of thirty, 3 runs, 200 creates"
    )
    parser.add_argument(
        "--cases",
        type=_one_of(CASES),
        default=[*CASES],
        metavar="CASE,…",
        help=f"of {', '.join(CASES)} (all)",
    )
    parser.add_argument("--sizes", type=_several(int), metavar="N,…", help="exams (1000,10000,100000)")
    parser.add_argument(
        "--layouts",
        type=_one_of(LAYOUTS),
        metavar="LAYOUT,…",
        help=f"exams a file, of {', '.join(LAYOUTS)} (all)",
    )
    parser.add_argument("--runs", type=int, metavar="N", help="counted rounds (5)")
    parser.add_argument("--creates", type=int, metavar="N", help="creates of an apply (1000)")
    parser.add_argument(
        "--parallelism", type=_several(int), default=[10, 50, 100], metavar="N,…", help="(10,50,100)"
    )
    parser.add_argument("--latency", type=float, default=50.0, metavar="MS", help="of the service (50)")
    parser.add_argument(
        "--peer-sizes", type=_several(int), metavar="N,…", help="exams for others' tools (1000)"
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench"), metavar="DIR", help="(build/bench)")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="where to generate exams (the temporary folder)"
    )
    parser.add_argument("--no-bounds", dest="judge", action="store_false", help="measure, and judge nothing")
    parsed = parser.parse_args()
    usual = (
        {"sizes": [1000], "layouts": ["thirty"], "runs": 3, "creates": 200, "peer_sizes": [100]}
        if parsed.quick
        else {
            "sizes": [1000, 10_000, 100_000],
            "layouts": [*LAYOUTS],
            "runs": 5,
            "creates": 1000,
            "peer_sizes": [1000],
        }
    )
    for name, value in usual.items():
        if getattr(parsed, name) is None:
            setattr(parsed, name, value)
    return parsed


def _one_of(choices: Sequence[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        chosen = text.split(",")
        if not set(chosen) <= set(choices):
            raise argparse.ArgumentTypeError(f"{text!r} is not of {', '.join(choices)}")
        return chosen

    return read


if __name__ == "__main__":
    sys.exit(main())
