"""Finds the slips behind a syntax error: the mistyped lines, which are often not where parsing stopped.

For the lines near the error, repairs are proposed, the most specific first. A repair is the cause if it lets
the parser go on beyond the line of the error; of several, the one with which it comes furthest. A repair is
tried on the lines around it alone, so that a long file costs no more than a short one. With it, parsing goes
on to the next slip.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise, zip_longest
from typing import Any, Final, NamedTuple

import yaml

from reconciler.manifest.fields import documented_fields
from reconciler.manifest.yaml.flow_repairs import of_open_brackets
from reconciler.manifest.yaml.line_repairs import (
    Slip,
    indent_of,
    of_items,
    of_odd_characters,
    of_prose,
    of_spelling,
    of_strays,
    of_tab,
)
from reconciler.manifest.yaml.value_repairs import of_open_quote, of_value, opens_quote

_MOST: Final = 10
"""Slips that are told of one file."""
_NEAR: Final = 9
"""Lines that are looked at: that of the error, and those before it."""
_MOST_ODD: Final = 60
_MOST_QUOTES: Final = 3
_BEHIND: Final = 40
_REACH: Final = 150
"""Lines of a trial before the slip, and behind it if the error is further away."""
_LONGEST_LINE: Final = 1_000
_MOST_TRIED: Final = 300_000
"""Characters that may be parsed in trials."""
_COUNTED: Final = 500
_COMPLETE: Final = 1 << 60

_CONFLICT: Final = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: |$)")
_FENCE: Final = re.compile(r"(?:```|~~~)")


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
    search = _Search([line[:_LONGEST_LINE] for line in lines], loader)
    found: Stop | None = stop
    if markers := list(search.markers()):
        yield from markers
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
    """The lines with the repairs so far, and the number of characters that may still be parsed."""

    def __init__(self, lines: list[str], loader: Any) -> None:
        self._lines = lines
        self._loader = loader
        self._left = _MOST_TRIED
        self._above: dict[int, list[int]] = {}
        self._starts: dict[int, tuple[list[int], int]] = {}
        self._before: dict[tuple[int, int], int] = {}

    def markers(self) -> Iterator[Slip]:
        """Yield and take out the lines of a merge conflict, and those around a code block."""
        sides, has_fence = "", False
        for index, line in enumerate(self._lines):
            if line[:1] in {"<", "=", ">", "|"} and _CONFLICT.match(line):
                if not sides or line[0] == "<":
                    hint = "Keep one side, and remove the marker lines."
                    yield Slip(
                        index, 0, len(line), "a merge conflict was left here", hint, "", is_spelt=False
                    )
                sides = "" if line[0] == ">" else line[0]
            elif line[:1] in {"`", "~"} and _FENCE.match(line):
                if not has_fence:
                    hint = "Remove the lines that begin with ``` or ~~~."
                    yield Slip(index, 0, len(line), "a Markdown fence is no YAML", hint, "", is_spelt=False)
                has_fence = True
            elif sides in {"", "<"}:
                continue
            self._lines[index] = ""

    def goes_on(self, previous: Slip, slip: Slip) -> bool:
        """Return whether both are wrong indentations of one block, so that the first says enough."""
        by, _, _ = slip.message.partition(" than line")
        rows = self._written(range(previous.index + 1, slip.index))
        return previous.message.startswith(f"{by} than line") and all(
            indent_of(self._lines[row]) >= min(slip.end, previous.end) for row in rows
        )

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
        for slip in self._proposals(at_line, stop.opened_at):
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
        rows = [row for row in range(index - 1, max(index - _REACH, -1), -1) if _is_written(self._lines[row])]
        start = min(rows, key=lambda row: indent_of(self._lines[row]), default=max(index - _REACH, 0))
        if start not in self._above:
            self._above[start] = list(self._headers(start))[::-1]
        self._starts[index] = self._above[start], start
        return self._starts[index]

    def _headers(self, index: int) -> Iterator[int]:
        """Yield the lines above `index` that open the blocks around it, the innermost first."""
        limit = indent_of(self._lines[index])
        for row in range(index - 1, -1, -1):
            if not limit:
                return
            line = self._lines[row]
            if indent_of(line) < limit and _is_written(line):
                limit = indent_of(line)
                yield row

    def _written(self, rows: Iterable[int]) -> Iterator[int]:
        """Yield those of `rows` that are no blank lines and no comments."""
        return (row for row in rows if _is_written(self._lines[row]))

    def _proposals(self, at_line: int, opened_at: int | None) -> Iterator[Slip]:
        """Yield repairs of lines near `at_line`, and of those that may have left something open."""
        lines = self._lines
        for index in range(at_line, max(at_line - _MOST_ODD, -1), -1):
            if not lines[index].isascii():
                yield from of_odd_characters(index, lines[index])
        near = list(islice(self._written(range(at_line, -1, -1)), _NEAR))
        if opened_at is not None and opened_at < at_line and opened_at not in near:
            near.append(opened_at)
        for index, before in zip_longest(near, near[1:]):
            above = "" if before is None else lines[before]
            yield from of_tab(index, lines[index], [above, *lines[index + 1 : index + 2]])
            yield from of_items(index, lines[index], above)
            yield from of_spelling(index, lines[index])
            yield from of_strays(index, lines[index])
        for index in near:
            yield from of_value(index, lines[index])
        if opened_at is not None and len(near) > 1:
            yield from of_open_brackets(lines, opened_at, near[1])
        quotes = (row for row in range(at_line, -1, -1) if opens_quote(lines[row]))
        for index in islice(quotes, _MOST_QUOTES):
            yield from of_open_quote(index, lines[index])
        for index, before in pairwise(near):
            yield from of_prose(index, lines, before, next(self._headers(index), None))
        yield from self._of_indentation(near, at_line)

    def _of_indentation(self, near: Sequence[int], at_line: int) -> Iterator[Slip]:
        """Yield repairs of indentation; first of the lines that share it with the fewest others."""
        around = range(max(at_line - _COUNTED, 0), min(at_line + _COUNTED, len(self._lines)))
        used = Counter(_form(self._lines[row]) for row in self._written(around))
        blocks = dict.fromkeys([*near, *(row for line in near[:2] for row in self._headers(line))])
        for index in sorted(blocks, key=lambda index: used[_form(self._lines[index])]):
            yield from self._of_indent(index)

    def _of_indent(self, index: int) -> Iterator[Slip]:
        """Yield repairs of a line's indentation: that of its neighbours, the most similar first."""
        line = self._lines[index]
        here, kind = _form(line)
        behind = next(self._written(range(index + 1, min(index + _BEHIND, len(self._lines)))), None)
        below = 0 if behind is None else indent_of(self._lines[behind])
        for there, other in sorted(
            self._neighbours(index),
            key=lambda each: (_form(self._lines[each[1]])[1] != kind, abs(each[0] - here)),
        ):
            if there == here or (line.rstrip().endswith(":") and here < below <= there):
                continue
            by = "1 space" if abs(here - there) == 1 else f"{abs(here - there)} spaces"
            message = f"this is indented {by} {'more' if here > there else 'less'} than line {other + 1}"
            fixed = f"{' ' * there}{line.lstrip(' ')}"
            yield Slip(index, 0, here, message, f"Line it up with line {other + 1}.", fixed, is_spelt=False)

    def _neighbours(self, index: int) -> Iterable[tuple[int, int]]:
        """Return the indentations that the line at `index` may have, each with a line that has it."""
        before = list(islice(self._written(range(index - 1, -1, -1)), _BEHIND))
        behind = islice(self._written(range(index + 1, min(index + _BEHIND, len(self._lines)))), 1)
        found = dict[int, int]()
        for row in (*reversed(before), *behind, *before[:1]):  # the nearest are last, and count
            line = self._lines[row]
            found[len(line) - len(line.lstrip(" -"))] = found[indent_of(line)] = row
        return found.items()


def _is_written(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


def _form(line: str) -> tuple[int, str]:
    """Return how deep `line` is indented, and what it begins with."""
    word = (line.lstrip(" -") or line.strip()).split(maxsplit=1)[0]
    kind = "field" if word.rstrip(":") in documented_fields() else "address" if "/" in word else "other"
    return indent_of(line), kind
