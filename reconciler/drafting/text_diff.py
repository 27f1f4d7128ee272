"""The difference that edits make to a text, as a unified diff of lines that may be shown."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Final

from msgspec import Struct

from reconciler.manifest.source import SourceText

_CONTEXT: Final = 3


class _Change(Struct):
    """Lines from `start` to `end` that become those from `new_start` to `new_end`; ends are exclusive."""

    start: int
    end: int
    new_start: int
    new_end: int


def unified_diff(
    before: SourceText, after: SourceText, edits: Iterable[tuple[int, int, str]]
) -> Iterator[str]:
    """Yield the lines of the difference that `edits` make: start, end and new text of each, in order.

    Lines show no secret. The edits say what has changed, so that no time is spent on looking for it.
    """
    yield f"--- {before.file}"
    yield f"+++ {after.file}"
    old, new = _Lines(before), _Lines(after)
    hunk = list[_Change]()
    for change in _changes(old, new, edits):
        if hunk and change.start - hunk[-1].end > 2 * _CONTEXT:
            yield from _shown(hunk, old, new)
            hunk = []
        hunk.append(change)
    if hunk:
        yield from _shown(hunk, old, new)


class _Lines:
    """The lines of one text."""

    def __init__(self, source: SourceText) -> None:
        self._source = source
        self._starts = source.starts
        self.number = len(self._starts) - (self._starts[-1] == len(source.text))

    def between(self, start: int, end: int) -> list[str]:
        """Return lines as they may be shown."""
        excerpts = map(self._source.excerpt, self._starts[start : min(end, self.number)])
        return ["…" if line is None else line for line in excerpts]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the lines of the text from `start` to `end`: the first, and the one after the last."""
        first, last = (bisect_right(self._starts, offset) - 1 for offset in (start, end))
        return first, last + (end > self._starts[last])


def _changes(old: _Lines, new: _Lines, edits: Iterable[tuple[int, int, str]]) -> Iterator[_Change]:
    """Yield the changed lines, in order; edits of lines beside each other are one change."""
    found: _Change | None = None
    shift = 0
    for start, end, text in edits:
        change = _Change(*old.span(start, end), *new.span(start + shift, start + shift + len(text)))
        shift += len(text) - (end - start)
        if found is None:
            found = change
        elif change.start <= found.end:
            found.end, found.new_end = max(found.end, change.end), max(found.new_end, change.new_end)
        else:
            yield _trimmed(found, old, new)
            found = change
    if found is not None:
        yield _trimmed(found, old, new)


def _trimmed(change: _Change, old: _Lines, new: _Lines) -> _Change:
    """Return `change` without the lines at its beginning that stay as they are."""
    lines = old.between(change.start, change.end), new.between(change.new_start, change.new_end)
    same = takewhile(lambda pair: pair[0] == pair[1], zip(*lines, strict=False))
    first = sum(1 for _ in same)
    return _Change(change.start + first, change.end, change.new_start + first, change.new_end)


def _shown(hunk: Sequence[_Change], old: _Lines, new: _Lines) -> Iterator[str]:
    """Yield the lines of one hunk, with lines around them."""
    first, end = max(hunk[0].start - _CONTEXT, 0), min(hunk[-1].end + _CONTEXT, old.number)
    new_first = hunk[0].new_start - (hunk[0].start - first)
    new_end = hunk[-1].new_end + (end - hunk[-1].end)
    yield f"@@ -{first + 1},{end - first} +{new_first + 1},{new_end - new_first} @@"
    for change in hunk:
        yield from (f" {line}" for line in old.between(first, change.start))
        yield from (f"-{line}" for line in old.between(change.start, change.end))
        yield from (f"+{line}" for line in new.between(change.new_start, change.new_end))
        first = change.end
    yield from (f" {line}" for line in old.between(first, end))
