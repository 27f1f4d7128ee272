"""Exams whose values are let go once they are declared, and read again where a finding is about one of them.

A hundred thousand exams with all their marks take more memory than everything else together, and nearly all
of them are never looked at again.
"""

from typing import Final

from msgspec import Struct

from reconciler.manifest.defaults import merged
from reconciler.manifest.locating import ExamLines
from reconciler.manifest.source_text import SourceText
from reconciler.manifest.yaml_nodes import Mapping, Stretch, Value
from reconciler.manifest.yaml_parcels import Piece, parse_quietly

_KEY: Final = "exams"
_ABOVE: Final = f"{_KEY}:\n"


class Recipe(Struct, eq=False):
    """How to make an effective exam again: from its text, and from what it is merged over.

    `at` is where its key stands, alone on its line but for what is in `own`.
    """

    source: SourceText
    at: Stretch
    own: Stretch
    below: Mapping | None
    is_held: bool = False
    _made: Mapping | None = None
    _lines: ExamLines | None = None

    def made(self) -> Mapping:
        """The effective exam, with the same marks as before; made once, if it `is_held`."""
        if self._made is not None:
            return self._made
        exam = self.written()
        effective = merged(exam, self.below) if isinstance(exam, Mapping) else Mapping()
        if self.is_held:
            self._made = effective
        return effective

    def located(self, path: tuple[object, ...]) -> Stretch | None:
        """Where the value at `path` stands in the exam itself; None where it does not or nothing is told."""
        if self._lines is None:
            self._lines = ExamLines(self.source.text, self.own)
        return self._lines.locate(path)

    def written(self) -> Value:
        """The exam itself, with its marks."""
        return reread(self.source.text, self.at, self.own)


def reread(text: str, at: Stretch, own: Stretch, moved_by: int = 0) -> Value:
    """The exam of `text` whose key stands at `at`, and itself at `own`, with marks `moved_by` further on."""
    indent = " " * (at.start - _line_start(text, at.start))
    piece = Piece(text, at.start, own.end, f"{_ABOVE}{indent}", moved_by=moved_by)
    parsed = parse_quietly(piece.data, piece.by)
    exams = None if parsed is None else parsed.document.root.get(_KEY)
    return next(iter(exams.values()), None) if isinstance(exams, Mapping) else None


def may_be_reread(source: SourceText, at: Stretch, own: Stretch) -> bool:
    """Whether an exam without anchors can be read by itself: its key, `at`, is the first on its line."""
    return source.stands_indented(at.start) and own.end > own.start


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1
