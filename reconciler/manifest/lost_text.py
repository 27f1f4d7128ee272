"""Reports text that YAML takes away: a comment or an anchor that looks like a part of the text beside it."""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.fields import free_text_fields
from reconciler.manifest.source import SourceText
from reconciler.manifest.yaml.document import YamlDocument
from reconciler.manifest.yaml.lines import indent_of
from reconciler.manifest.yaml.nodes import OFFSETS_PER_ENTRY, TextRange, YamlMapping, YamlSequence
from reconciler.model.diagnostics import Severity
from reconciler.model.identities import Address, is_address
from reconciler.rules.registry import LOST_TEXT

_GLUED: Final = re.compile(r"#(?<=[ \t]#)(?!reconciler[ \t]*:)[^\s#][^\r\n]*", re.IGNORECASE)
"""A comment without a blank or another `#` after its `#`; ignore comments apart."""
_MOST_BLANKS: Final = 200
"""A comment behind more blanks than this is no part of a text."""
_MAY_BE_NULL: Final = "description"
"""The free text field that may be null: the schema refuses it in the others."""
_KEPT: Final = "If it is, put the whole text in quotes."


def report_lost_text(document: YamlDocument, diagnostics: FileDiagnostics) -> None:
    """Report comments glued to an unquoted text, and anchors before a text that nothing refers to."""
    text, anchors = diagnostics.source.text, document.unused_anchors
    comments = {_end_before(found): TextRange(*found.span()) for found in _GLUED.finditer(text)}
    if not comments and not anchors:
        return
    exams = document.root.mapping("exams")
    for at, address in _Texts(frozenset(comments), anchors, exams).below(document.root):
        if at.start in anchors:
            anchor = text[at.start : at.end].split(maxsplit=1)[0]
            lost = TextRange(at.start, at.start + len(anchor))
            message = "YAML takes the word after `&` for an anchor, not for a part of the text"
            hint = f"{_KEPT} If not, remove it: nothing refers to it."
        elif text[at.start] in "\"'" or not _continues(diagnostics.source, at, comments[at.end]):
            continue
        else:
            lost = comments[at.end]
            message = "YAML takes all from `#` on for a comment, not for a part of the text"
            hint = f"{_KEPT} If it is a comment, put a space behind the `#`."
        diagnostics.add(LOST_TEXT, lost, message, hint, severity=Severity.WARNING, address=address)


def _end_before(comment: re.Match[str]) -> int:
    """Return the end of what is written before `comment`; -1 if it is far away."""
    end = comment.start()
    before = comment.string[max(end - _MOST_BLANKS, 0) : end]
    written = before.rstrip()
    return end - len(before) + len(written) if written else -1


def _continues(source: SourceText, at: TextRange, comment: TextRange) -> bool:
    """Return whether `comment` may go on with the text `at`.

    It is on its last line, or alone on the next one, with a deeper indentation than where the text begins.
    """
    *ended, blanks = source.text[at.end : comment.start].splitlines()
    line = source.line(source.position(at.start).line)
    return not ended or (len(ended) == 1 and len(blanks) > indent_of(line))


class _Texts(Struct):
    """Finds the values of free text fields that end or start at one of these offsets."""

    ends: frozenset[int]
    starts: frozenset[int]
    exams: YamlMapping
    _seen: set[int] = field(default_factory=set)

    def below(
        self, value: object, address: Address | None = None
    ) -> Iterator[tuple[TextRange, Address | None]]:
        """Yield the text ranges below `value`, a part of the exam `address`, and the exams that hold them."""
        if not isinstance(value, YamlMapping | YamlSequence) or id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, YamlSequence):
            for item in value:
                yield from self.below(item, address)
            return
        if self._is_at(value, 2, self.starts) or self._is_at(value, 3, self.ends):
            for key, (_, at) in value.ranges().items():
                is_text = isinstance(value[key], str) or (value[key] is None and key == _MAY_BE_NULL)
                if is_text and key in free_text_fields() and (at.start in self.starts or at.end in self.ends):
                    yield at, address
        for key, inner in value.items():
            is_exam = value is self.exams and is_address(key)
            yield from self.below(inner, Address(key) if is_exam else address)

    @staticmethod
    def _is_at(mapping: YamlMapping, which: int, offsets: frozenset[int]) -> bool:
        return not offsets.isdisjoint(mapping.offsets[which::OFFSETS_PER_ENTRY])
