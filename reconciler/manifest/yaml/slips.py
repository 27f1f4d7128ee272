"""Finds the slip behind a syntax error: the line that was mistyped, which is often not where parsing stopped.

For the lines near the error, repairs are proposed, the most specific first. A repair is the cause only if it
lets the parser go on beyond the line of the error. A repair is tried on the lines around it alone, so that a
long file costs no more than a short one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import yaml

from reconciler.manifest.yaml.line_repairs import (
    Slip,
    of_odd_characters,
    of_open_quote,
    of_spelling,
    of_value,
    opens_quote,
)

_NEAR: Final = 9
"""Lines that are looked at: that of the error, and those before it."""
_MOST_ODD: Final = 60
_MOST_QUOTES: Final = 3
_BEHIND: Final = 40
_LONGEST_LINE: Final = 2_000
_SPARE: Final = 200_000
"""Characters that may be parsed, besides half of the text, to find the slip."""
_TOP: Final = 4
"""Exams are usually indented by less: the lines around a slip begin at such a line."""
_ANY: Final = _LONGEST_LINE

_CONFLICT: Final = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: |$)")
_FENCE: Final = re.compile(r"(?:```|~~~)")


def find_slip(text: str, at_line: int, opened_at: int | None, loader: Any) -> Slip | None:
    """Return the slip that makes `loader` stop in line `at_line` of `text`; None if it cannot be told.

    Lines count from 0. `opened_at` is the line of what the parser was reading, such as the start of a text in
    quotes; None if it says nothing.
    """
    lines = [line[:_LONGEST_LINE] for line in re.split(r"\r\n|\r|\n", text)]
    at_line = min(at_line, len(lines) - 1)
    return _marker(lines) or _Trials(lines, at_line, loader, len(text) // 2 + _SPARE).first(
        _proposals(lines, at_line, opened_at)
    )


def _marker(lines: Sequence[str]) -> Slip | None:
    """Return the first line that another tool left: a merge conflict's, or the fence of a code block."""
    for index, line in enumerate(lines):
        if line[:1] in "<=>|" and _CONFLICT.match(line):
            hint = "Keep one side, and remove the marker lines."
            return Slip(index, 0, len(line), "a merge conflict was left here", hint)
        if line[:1] in "`~" and _FENCE.match(line):
            hint = "Remove the lines that begin with ``` or ~~~."
            return Slip(index, 0, len(line), "a Markdown fence is no YAML", hint)
    return None


def _proposals(lines: Sequence[str], at_line: int, opened_at: int | None) -> Iterator[Slip]:
    """Yield repairs of lines near `at_line`, and of those that may have left quotes open."""
    for index in range(at_line, max(at_line - _MOST_ODD, -1), -1):
        if not lines[index].isascii():
            yield from of_odd_characters(index, lines[index])
    near = list(islice(_written(lines, at_line), _NEAR))
    if opened_at is not None and opened_at < at_line:
        near.append(opened_at)
    for index in near:
        yield from of_spelling(index, lines[index])
    for index in near:
        yield from of_value(index, lines[index])
    quotes = (index for index in range(at_line, -1, -1) if opens_quote(lines[index]))
    for index in islice(quotes, _MOST_QUOTES):
        yield from of_open_quote(index, lines[index])
    used = Counter(_indent(line) for line in lines if _is_written(line))
    blocks = dict.fromkeys([*near, *_headers(lines, at_line, limit=_ANY)])
    for index in sorted(blocks, key=lambda index: used[_indent(lines[index])]):
        yield from _of_indentation(lines, index)


def _written(lines: Sequence[str], index: int) -> Iterator[int]:
    """Yield `index` and the lines before it, without blank lines and comments."""
    return (at for at in range(index, -1, -1) if _is_written(lines[at]))


def _is_written(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


def _of_indentation(lines: Sequence[str], index: int) -> Iterator[Slip]:
    """Yield repairs of a line's indentation: that of its neighbours."""
    line = lines[index]
    body = line.lstrip(" ")
    here = len(line) - len(body)
    for other in _neighbours(lines, index):
        there = _indent(lines[other])
        if there == here:
            continue
        by = "1 space" if abs(here - there) == 1 else f"{abs(here - there)} spaces"
        direction = "more" if here > there else "less"
        yield Slip(
            index,
            0,
            here,
            f"this is indented {by} {direction} than line {other + 1}",
            f"Line it up with line {other + 1}.",
            f"{' ' * there}{body}",
        )


def _neighbours(lines: Sequence[str], index: int) -> Iterator[int]:
    """Yield the lines that `index` may belong beside: its neighbours, and then those further out."""
    before = list(islice(_written(lines, index - 1), _BEHIND))
    behind = (at for at in range(index + 1, min(index + _BEHIND, len(lines))) if _is_written(lines[at]))
    yield from before[:1]
    yield from islice(behind, 1)
    yield from {_indent(lines[at]): at for at in reversed(before)}.values()


class _Trials:
    """Tries repairs on the lines around them, as long as `left` characters last."""

    def __init__(self, lines: Sequence[str], at_line: int, loader: Any, left: int) -> None:
        self._lines = lines
        self._at_line = at_line
        self._loader = loader
        self._left = left

    def first(self, proposals: Iterable[Slip]) -> Slip | None:
        """Return the first of `proposals` that lets the parser go on beyond the line of the error."""
        return next((slip for slip in proposals if self._left > 0 and self._is_cause(slip)), None)

    def _is_cause(self, slip: Slip) -> bool:
        lines, at_line = self._lines, self._at_line
        *above, start = _headers(lines, slip.index, limit=_TOP) or [0]
        rows = [*above, *range(start, min(at_line + _BEHIND, len(lines)))]
        before = self._stops_in([lines[row] for row in rows])
        if before is None or rows[min(before, len(rows) - 1)] != at_line:
            return False
        stopped = self._stops_in([slip.line or "" if row == slip.index else lines[row] for row in rows])
        return stopped is None or stopped >= len(rows) or rows[stopped] > at_line

    def _stops_in(self, lines: Sequence[str]) -> int | None:
        """Return the line in which the parser stops; None if it reads all of `lines`."""
        text = "\n".join(lines)
        self._left -= len(text)
        try:
            for _ in yaml.parse(text, Loader=self._loader):
                pass
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            return 0 if mark is None else mark.line
        return None


def _headers(lines: Sequence[str], index: int, *, limit: int) -> list[int]:
    """Return the lines above `index` that open the blocks around it, each indented by less than `limit`."""
    found: list[int] = []
    for at in range(index - 1, -1, -1):
        if limit and _is_written(lines[at]) and (indent := _indent(lines[at])) < limit:
            found.append(at)
            limit = indent
    return found[::-1]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
