"""Finds comments that suppress rules: `# reconciler: ignore[code] reason`.

A YAML parser drops comments, so they are searched in the text. The ranges of scalars, which the parser
knows, tell a comment from a `#` within a scalar.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct, field
from yaml import events as ev

from reconciler.manifest.yaml.nodes import TextRange

_HINT_OF_ONE: Final = re.compile(r"#[ \t]*reconciler[ \t]*:[ \t]*ignore", re.IGNORECASE)
_LINE_END: Final = re.compile(r"[\r\n]|\Z")
_STEERING: Final = re.compile(
    r"#[ \t]*reconciler[ \t]*:[ \t]*ignore(?![\w-])[ \t]*(?:\[(?P<codes>[^\]\r\n]*)\])?(?P<reason>[^\r\n]*)",
    re.IGNORECASE,
)
_SCALAR: Final[Any] = ev.ScalarEvent
"""Typed as Any, because the stubs say that marks are optional; those of a parser never are."""
_CODE: Final = re.compile(r"[^\s,]+")


class Comment(Struct, frozen=True):
    """An ignore comment: its codes with their places, and whether a reason follows them.

    A comment that `is_alone` on its line applies to the line below.
    """

    at: TextRange
    codes: tuple[tuple[str, TextRange], ...]
    has_reason: bool
    is_alone: bool


class Comments(Struct):
    """Finds the ignore comments of a text while its parser events pass by."""

    text: str
    _lines: list[TextRange] = field(default_factory=list)
    _scalars: list[TextRange] = field(default_factory=list)

    def watch(self, next_event: Callable[[], Any]) -> Callable[[], Any]:
        """Return `next_event`, wrapped to record the scalars on lines that may hold an ignore comment."""
        self._lines = list(_lines_with_one(self.text)) if "#" in self.text else []
        if not self._lines:
            return next_event

        def watched() -> Any:
            event = next_event()
            if isinstance(event, _SCALAR):
                self._remember(TextRange(event.start_mark.index, event.end_mark.index))
            return event

        return watched

    def _remember(self, at: TextRange) -> None:
        """Record the range of a scalar, if it overlaps a line that may hold an ignore comment."""
        nearest = bisect_left(self._lines, at.start, key=lambda line: line.end)
        if nearest < len(self._lines) and self._lines[nearest].start < at.end:
            self._scalars.append(at)

    def found(self) -> tuple[Comment, ...]:
        """Return the ignore comments, in order; call it after the last event."""
        starts = [(line, self._comment_start(line)) for line in self._lines]
        return tuple(
            _comment(found, is_alone=not self.text[line.start : start].strip())
            for line, start in starts
            if start is not None and (found := _STEERING.match(self.text, start)) is not None
        )

    def _comment_start(self, line: TextRange) -> int | None:
        """Return the offset of the `#` that starts the comment on `line`, if any."""
        at = self.text.find("#", line.start, line.end)
        while at >= 0:
            if (at == line.start or self.text[at - 1] in " \t") and not self._is_in_scalar(at):
                return at
            at = self.text.find("#", at + 1, line.end)
        return None

    def _is_in_scalar(self, offset: int) -> bool:
        nearest = bisect_left(self._scalars, offset + 1, key=lambda scalar: scalar.end)
        return nearest < len(self._scalars) and self._scalars[nearest].start <= offset


def _lines_with_one(text: str) -> Iterator[TextRange]:
    """Yield the range of each line that may hold an ignore comment, without its line end."""
    end = 0
    for found in _HINT_OF_ONE.finditer(text):
        if found.start() >= end:
            start = max(text.rfind(stop, end, found.start()) + 1 for stop in "\r\n") or end
            last = _LINE_END.search(text, found.end())
            end = len(text) if last is None else last.start()
            yield TextRange(start, end)


def _comment(found: re.Match[str], *, is_alone: bool) -> Comment:
    first = found.start("codes")
    codes = tuple(
        (code.group(), TextRange(first + code.start(), first + code.end()))
        for code in _CODE.finditer(found["codes"] or "")
    )
    has_reason = any(char.isalnum() for char in found["reason"])
    return Comment(TextRange(*found.span()), codes, has_reason=has_reason, is_alone=is_alone)
