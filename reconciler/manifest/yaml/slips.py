"""Finds the slips behind a syntax error: the mistyped lines, which are often not where parsing stopped.

For the lines near the error, repairs are proposed, the most specific first. A repair is the cause if it lets
the parser go on beyond the line of the error; of several, the one with which it comes furthest. A repair is
tried on the lines around it alone, so that a long file costs no more than a short one. With it, parsing goes
on to the next slip.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import yaml

from reconciler.manifest.yaml.line_repairs import Slip
from reconciler.manifest.yaml.lines import indent_of, is_written
from reconciler.manifest.yaml.pasted import take_out
from reconciler.manifest.yaml.proposals import Proposals

_MOST: Final = 10
"""Slips that are told of one file."""
_BEHIND: Final = 40
"""Lines of a trial behind the error, which show whether parsing goes on."""
_REACH: Final = 150
"""Lines of a trial before the slip, and behind it if the error is further away."""
_LONGEST_LINE: Final = 1_000
_MOST_TRIED: Final = 300_000
"""Characters that may be parsed in trials."""
_COMPLETE: Final = 1 << 60


class Stop(NamedTuple):
    """The line where a parser stopped, and the line of what it was reading; they count from 0."""

    line: int
    opened_at: int | None

    @classmethod
    def of(cls, error: yaml.MarkedYAMLError) -> "Stop":
        """Return where `error` is."""
        opened, mark = error.context_mark, error.problem_mark or error.context_mark
        return cls(0 if mark is None else mark.line, None if opened is None else opened.line)


def find_slips(lines: Sequence[str], stop: Stop, loader: Any) -> Iterator[Slip]:
    """Yield the slips in `lines` that make `loader` stop, first at `stop`; none if they cannot be told."""
    copy = [line[:_LONGEST_LINE] for line in lines]
    search = _Search(copy, loader)
    found: Stop | None = stop
    if pasted := list(take_out(copy)):
        yield from pasted
        found = search.stop_behind(0)
    told, previous = set[int](), None
    while found is not None and len(told) < _MOST:
        slip = search.slip_before(found)
        if slip is None or slip.index in told:
            return
        told.add(slip.index)
        if previous is None or not search.goes_on(previous, slip):
            yield slip
        previous = slip
        found = search.stop_behind(slip.index)


class _Search:
    """The lines with the repairs so far, and the number of characters that may still be parsed.

    What `_start` returns is kept in `_starts` by line, and the first half of it in `_above` by the start of a
    trial. `_before` has, by start and end of a trial, the line that parsing reaches without a repair.
    """

    def __init__(self, lines: list[str], loader: Any) -> None:
        self._lines = lines
        self._proposals = Proposals(lines)
        self._loader = loader
        self._left = _MOST_TRIED
        self._above: dict[int, list[int]] = {}
        self._starts: dict[int, tuple[list[int], int]] = {}
        self._before: dict[tuple[int, int], int] = {}

    def goes_on(self, previous: Slip, slip: Slip) -> bool:
        """Return whether both are wrong indentations of one block, so that the first says enough."""
        rows = self._proposals.written(range(previous.index + 1, slip.index))
        is_alike = slip.too_deep != 0 and slip.too_deep == previous.too_deep
        return is_alike and all(indent_of(self._lines[row]) >= min(slip.end, previous.end) for row in rows)

    def stop_behind(self, index: int) -> Stop | None:
        """Return where parsing stops next, with the repairs so far, behind or at the line `index`."""
        above, start = self._start(index)
        rows = [*above, *range(start, len(self._lines))]
        stop = self._parse([self._lines[row] for row in rows])
        if stop is None:
            return None
        opened = stop.opened_at
        last = len(rows) - 1
        return Stop(rows[min(stop.line, last)], None if opened is None else rows[min(opened, last)])

    def slip_before(self, stop: Stop) -> Slip | None:
        """Return the slip that made parsing stop, and repair it; None if it cannot be told."""
        at_line = min(stop.line, len(self._lines) - 1)
        best, furthest = None, at_line
        for slip in self._proposals.near(at_line, stop.opened_at):
            reached = self._reached(slip, at_line)
            if reached > furthest:
                best, furthest = slip, reached
            if reached == _COMPLETE or self._left < 0:
                break
        if best is not None:
            self._lines[best.index] = best.line.partition("\n")[0]
            self._before.clear()
            self._starts.clear()
        return best

    def _reached(self, slip: Slip, at_line: int) -> int:
        """Return the line that parsing reaches with the repair of `slip`; -1 if it is no cause."""
        above, start = self._start(slip.index)
        is_far = at_line > slip.index + _REACH
        end = min((slip.index + _REACH if is_far else at_line) + _BEHIND, len(self._lines))
        rows = [*above, *range(start, end)]
        if (start, end) not in self._before:
            self._before[start, end] = self._reaches(rows, [self._lines[row] for row in rows], end)
        before = self._before[start, end]
        if not is_far and before != at_line:
            return -1
        parts = slip.line.split("\n")
        repaired = [
            (row, part) for row in rows for part in (parts if row == slip.index else (self._lines[row],))
        ]
        reached = self._reaches([row for row, _ in repaired], [part for _, part in repaired], end)
        return reached if reached > before else -1

    def _reaches(self, rows: Sequence[int], lines: Sequence[str], end: int) -> int:
        """Return the row in which the parser stops; `end` if it misses something behind them."""
        self._left -= sum(map(len, lines))
        stop = self._parse(lines)
        if stop is None:
            return _COMPLETE
        return rows[stop.line] if stop.line < len(rows) else min(end, len(self._lines) - 1)

    def _parse(self, lines: Sequence[str]) -> Stop | None:
        """Return where the parser stops; None if it reads all of `lines`."""
        text = "\n".join([*lines, ""])
        try:
            for _ in yaml.parse(text, Loader=self._loader):
                pass
        except yaml.MarkedYAMLError as error:
            return Stop.of(error)
        return None

    def _start(self, index: int) -> tuple[list[int], int]:
        """Return the lines that open the blocks around `index`, and the first line of a trial below them."""
        if index in self._starts:
            return self._starts[index]
        rows = [row for row in range(index - 1, max(index - _REACH, -1), -1) if is_written(self._lines[row])]
        start = min(rows, key=lambda row: indent_of(self._lines[row]), default=max(index - _REACH, 0))
        if start not in self._above:
            self._above[start] = list(self._proposals.headers(start))[::-1]
        self._starts[index] = self._above[start], start
        return self._starts[index]
