"""Fills in placeholders such as `{section}` in the texts of an exam that has sections."""

import re
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.redaction import PASSWORD
from reconciler.manifest.yaml.nodes import BROKEN, Broken, TextRange, Value, YamlMapping, YamlSequence
from reconciler.model.words import nearest

PLACEHOLDERS: Final = ("section", "course", "term", "address")

_PART: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_Names: TypeAlias = dict[str, str | None]

_BRACES: Final = {"{{": "{", "}}": "}"}
_KNOWN: Final = "There are {section}, {course}, {term} and {address}; write {{ and }} for braces."


class Section(Struct, frozen=True, kw_only=True):
    """What the placeholders of one section stand for: its key, the exam's key, and the term of the file."""

    section: str
    address: str
    term: str | None


class Filling(Struct):
    """Fills in the placeholders of one exam; `length` counts the characters of the texts that have some."""

    section: Section
    diagnostics: FileDiagnostics
    length: int = 0

    def filled(self, exam: YamlMapping) -> YamlMapping:
        """Return `exam` with its placeholders filled in; a text with a wrong one is reported, and BROKEN.

        `{course}` is the alias of the course, which may have other placeholders itself, or else its SID. A
        password that is written out stays as it is.
        """
        of = self.section
        names = {"section": of.section, "address": of.address, "term": of.term}
        field = "course" if "course" in exam else "courseSid"
        if field not in exam:
            return self._mapping(exam, names)
        course = self._filled(exam[field], exam.value_at(field), names)
        filled = self._mapping(exam, names | {"course": course if isinstance(course, str) else ""})
        filled[field] = course
        return filled

    def _mapping(self, written: YamlMapping, names: _Names) -> YamlMapping:
        copy = written.copy()
        for key, (_, at) in written.ranges().items():
            if key != PASSWORD or not isinstance(written[key], str):
                copy[key] = self._filled(written[key], at, names)
        return copy

    def _filled(self, value: Value, at: TextRange, names: _Names) -> Value:
        if isinstance(value, str):
            return self._text(value, at, names) if "{" in value or "}" in value else value
        if isinstance(value, YamlMapping):
            return self._mapping(value, names)
        if not isinstance(value, YamlSequence):
            return value
        return value.with_items(
            self._filled(item, value.item_at(index), names) for index, item in enumerate(value)
        )

    def _text(self, text: str, at: TextRange, names: _Names) -> str | Broken:
        wrong: list[str] = []

        def replaced(found: re.Match[str]) -> str:
            value = _BRACES.get(found[0]) or names.get(found[1] or "")
            if value is None:
                wrong.append(found[0])
            return value or ""

        filled = _PART.sub(replaced, text)
        self.length += len(filled)
        if not wrong:
            return filled
        self._report(wrong[0], at)
        return BROKEN

    def _report(self, part: str, at: TextRange) -> None:
        """Report `part` of the text at `at`, which cannot be filled in."""
        name, hint = part.strip("{}"), _KNOWN
        message = f"{self.diagnostics.echo(part)} is not a placeholder"
        if name in PLACEHOLDERS:
            message = f"'{part}' has no value here"
            hint = "Add `term: NAME` at the top of the file." if name == "term" else "Write the value itself."
        elif near := nearest(name, PLACEHOLDERS):
            hint = f"did you mean {{{near[0]}}}?"
        self.diagnostics.add("bad-placeholder", at, message, hint)
