"""Finds the text of a manifest's top-level blocks, with the comments that belong to them."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Final

from reconciler.manifest.source import SourceText
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping

_AFTER: Final = re.compile(r"\s*,[ \t]*(?:#[^\r\n]*)?(?:\r?\n[ \t]*)?")


def ranges_in_block_style(
    source: SourceText, root: YamlMapping, names: Collection[str]
) -> Iterator[TextRange]:
    """Yield the lines of the entries `names` of `root`, which is in block style.

    To an entry belong the comments right above it, those within, those right below that are indented, and
    those right below that a blank line separates from what follows. Comments at the top of the file stay.
    """
    starts = [*source.starts, len(source.text)]
    lines = [source.line(number) for number in range(1, len(starts))]
    keys = {bisect_right(starts, at.start) - 1: name for name, (at, _) in root.ranges().items()}
    removed: list[tuple[int, int]] = []
    for number, following in pairwise([*sorted(keys), len(lines)]):
        if keys[number] not in names:
            continue
        first, end = _first_line(lines, number), _end_line(lines, number, following)
        if removed and removed[-1][1] == first:
            first = removed.pop()[0]
        while end == len(lines) and not lines[first - 1].strip():
            first -= 1
        removed.append((first, end))
    for first, end in removed:
        yield TextRange(starts[first], starts[end])


def _first_line(lines: list[str], number: int) -> int:
    """Return the first of the comments right above the line `number`."""
    first = number
    while first > 0 and lines[first - 1].startswith("#"):
        first -= 1
    return first if first > 0 else number


def _end_line(lines: list[str], number: int, following: int) -> int:
    """Return the line after the block that starts at the line `number`; the next key is at `following`."""
    end = following
    while end > number + 1 and not lines[end - 1].partition("#")[0].strip():
        end -= 1
    while end < following and lines[end].startswith((" ", "\t")) and lines[end].strip():
        end += 1
    behind = end
    while behind < following and lines[behind].startswith("#"):
        behind += 1
    if behind < following or following == len(lines):
        end = behind
    while end < following and not lines[end].strip():
        end += 1
    return end


def ranges_in_flow_style(text: str, root: YamlMapping, names: Collection[str]) -> Iterator[TextRange]:
    """Yield the text of the entries `names` of `root`, which is in braces, with a comma for each."""
    entries = sorted((key.start, value.end, name) for name, (key, value) in root.ranges().items())
    kept_end = 0
    for index, (start, end, name) in enumerate(entries):
        if name not in names:
            kept_end = end
        elif all(other in names for _, _, other in entries[index:]):
            yield TextRange(kept_end, entries[-1][1])
            return
        else:
            comma = _AFTER.match(text, end)
            yield TextRange(start, end if comma is None else comma.end())
