"""Rows of figures: as a table in Markdown, and as JSON for whoever draws them over time."""

import json
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FORMAT_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured of one case: medians over all runs, and the extremes of its time.

    `ratio` is the median of its ratios to `over`, each taken within one round; None where it is compared with
    nothing. `cpu_ratio` is the same of processor time: it holds on a busy machine, and says nothing of what
    several processes do at once. `bound` is the most that the ratio may be, `most_mib` the most that the
    memory may; None where nothing is promised.
    """

    case: str
    workload: str
    runs: int
    seconds: float
    lowest_s: float
    highest_s: float
    cpu_s: float
    peak_mib: float
    output_bytes: int
    over: str = ""
    ratio: float | None = None
    cpu_ratio: float | None = None
    bound: float | None = None
    most_mib: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether no bound is missed."""
        is_soon = self.bound is None or self.ratio is None or self.ratio <= self.bound
        return is_soon and (self.most_mib is None or self.peak_mib <= self.most_mib)

    @property
    def verdict(self) -> str:
        """What a reader looks for; empty where nothing is promised."""
        if self.bound is None and self.most_mib is None:
            return ""
        return "kept" if self.is_kept else "**missed**"


def median_ratio(values: Sequence[float], over: Sequence[float]) -> float:
    """The median of the ratios of what was measured in one round: a noisy machine slows both."""
    return statistics.median(one / other for one, other in zip(values, over, strict=True))


def machine_words() -> str:
    """Where this runs, and how busy it was just now."""
    return (
        f"Python {sys.version.split()[0]}, {platform.system()}, {os.cpu_count()} processors, "
        f"load {os.getloadavg()[0]:.1f}"
    )


_HEADS: Final = (
    "case",
    "exams",
    "median s",
    "from, to",
    "CPU s",
    "peak MiB",
    "ratio",
    "of CPU",
    "to",
    "at most",
    "",
)


def as_markdown(rows: Iterable[Row]) -> str:
    """`rows` as a table."""
    lines = [
        f"| {' | '.join(_HEADS)} |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(row))} |" for row in rows)]) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    bounds = [] if row.bound is None else [f"{row.bound:g}"]
    bounds += [] if row.most_mib is None else [f"{row.most_mib:,.0f} MiB"]
    return (
        row.case,
        row.workload,
        f"{row.seconds:.3f}",
        f"{row.lowest_s:.3f}, {row.highest_s:.3f}",
        f"{row.cpu_s:.3f}",
        f"{row.peak_mib:.0f}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.cpu_ratio is None else f"{row.cpu_ratio:.2f}",
        row.over,
        ", ".join(bounds),
        row.verdict,
    )


def save(rows: Sequence[Row], headline: str, folder: Path) -> None:
    """`rows` stand in `folder` in both forms."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.md").write_text(f"{headline}\n\n{as_markdown(rows)}", encoding="utf-8")
    document = {
        "formatVersion": FORMAT_VERSION,
        "machine": headline,
        "rows": [asdict(row) | {"isKept": row.is_kept} for row in rows],
    }
    (folder / "bench.json").write_text(f"{json.dumps(document, indent=2)}\n", encoding="utf-8")
