"""Edits the text of a YAML file, so that comments and layout stay as they are.

Edits are made by offset. A value that an anchor shares is edited once, where it is written. Afterwards the
new text is parsed again and compared with what was meant: a text that says anything else is refused.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from reconciler.manifest.yaml.document import YamlDocument
from reconciler.manifest.yaml.nodes import TextRange, Value, YamlMapping, YamlSequence
from reconciler.manifest.yaml.scalars import UnusableNumber, resolve_plain

_ANCHOR: Final = re.compile(r"&\S+\s+")
_PLAIN: Final = re.compile(r"[\w.][\w./+:-]*(?<!:)(?: [\w./+:][\w./+:-]*(?<!:))*", re.ASCII)
"""Text that needs no quotes anywhere, if it is no number or word such as `true`."""
_WORDS: Final = re.compile(r"[\w./-]+")
"""The characters of a plain scalar that do not decide whether it needs quotes, but for the first."""
_FLOW: Final = re.compile(r"(?:\s|#[^\n]*\n)*[,}]")
_LINE_END: Final = re.compile(r"\r?\n|\Z")

Meant: TypeAlias = "str | Mapping[str, Meant]"
"""What a new value says."""


class CannotEdit(Exception):
    """An edit that would change something else; `at` is where, in the text before all edits."""

    def __init__(self, at: TextRange) -> None:
        super().__init__()
        self.at = at


class TextEdits:
    """The edits of one text. Ranges and offsets are those of the text before all edits."""

    def __init__(self, text: str, document: YamlDocument) -> None:
        self.text = text
        self._document = document
        self._edits: dict[int, tuple[int, str]] = {}
        """By start: end, and the text to put there."""
        self._values: dict[int, Meant] = {}
        """By start: the new value of a scalar or key."""
        self._removed = set[int]()
        """The starts of removed keys."""
        self._added: dict[int, Mapping[str, Meant]] = {}
        """By `id` of a mapping: its new entries."""
        self._alias_ends: dict[int, int] = {}

    def replace(self, at: TextRange, value: str) -> None:
        """Replace the scalar or key at `at` by the text `value`. Raises CannotEdit."""
        self._put(at, value, self._spelt(at, value))

    def put(self, at: TextRange, entries: Mapping[str, Meant], key: TextRange) -> None:
        """Replace the scalar (or `{}`) at `at`, the value of `key`, by `entries`. Raises CannotEdit."""
        self._put(at, entries, self._in_braces(entries, key))

    def _put(self, at: TextRange, value: Meant, spelt: str) -> None:
        if self._values.setdefault(at.start, value) != value:
            raise CannotEdit(at)
        if at.start in self._document.aliases:
            self._alias_ends[at.start] = at.end
        else:
            before, behind = self._kept(at)
            self._edits[at.start] = (at.end, f"{before}{spelt}{behind}")

    def remove(self, keys: Iterable[int], ranges: Iterable[TextRange]) -> None:
        """Remove `ranges`, which hold the entries whose keys start at `keys`."""
        self._removed.update(keys)
        self._edits.update((at.start, (at.end, "")) for at in ranges)

    def is_in_flow(self, offset: int) -> bool:
        """Return whether the scalar that ends at `offset` is an entry of a mapping in braces."""
        return _FLOW.match(self.text, offset) is not None

    def add(self, holder: YamlMapping, entries: Mapping[str, Meant], after: str) -> None:
        """Add `entries` to `holder`, after the entry `after`, whose value is a scalar."""
        self._added[id(holder)] = entries
        key, value = holder.key_at(after), holder.value_at(after)
        if self.is_in_flow(value.end):
            self._insert(value.end, ", " + self._in_braces(entries, key)[1:-1])
            return
        line = self.text.rfind("\n", 0, key.start) + 1
        found = _LINE_END.search(self.text, value.end)
        assert found is not None  # noqa: S101 - every text has an end
        self._insert(found.start(), self._lines(entries, " " * (key.start - line)))

    def _lines(self, entries: Mapping[str, Meant], indent: str) -> str:
        line_break = "\r\n" if "\r\n" in self.text else "\n"
        lines = ""
        for key, value in entries.items():
            lines += f"{line_break}{indent}{_quoted_if_needed(key)}:"
            if isinstance(value, Mapping):
                lines += self._lines(value, f"{indent}  ")
            else:
                lines += f" {_quoted_if_needed(value)}"
        return lines

    def _in_braces(self, entries: Mapping[str, Meant], key: TextRange) -> str:
        """Return `entries` in braces, with quotes if `key` has them."""
        return json.dumps(entries, ensure_ascii=False) if self.text[key.start] == '"' else _in_braces(entries)

    def _insert(self, offset: int, text: str) -> None:
        end, before = self._edits.get(offset, (offset, ""))
        self._edits[offset] = (end, text + before)

    def _kept(self, at: TextRange) -> tuple[str, str]:
        """Return what stays of the text at `at`: an anchor before it, and line breaks behind it."""
        written = self.text[at.start : at.end]
        anchor = _ANCHOR.match(written)
        return anchor[0] if anchor else "", written[len(written.rstrip()) :]

    def _spelt(self, at: TextRange, value: str) -> str:
        """Return `value` in the quotes of the scalar at `at`, or without."""
        written = self.text[at.start + len(self._kept(at)[0]) : at.end]
        if written.startswith("'") and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        if written.startswith('"'):
            return json.dumps(value, ensure_ascii=False)
        starts_alike = written[:1] == value[:1] or _PLAIN.match(value) is not None
        is_alike = starts_alike and _WORDS.sub("", written) == _WORDS.sub("", value)
        return value if is_alike and _is_text(value) else _quoted_if_needed(value)

    def all(self) -> list[tuple[int, int, str]]:
        """Return start, end and new text of all edits, in order. An alias becomes its value if needed."""
        edits = dict(self._edits)
        for start, end in self._alias_ends.items():
            value = self._values[start]
            if self._values.get(self._document.aliases[start].start) != value:
                edits[start] = (end, json.dumps(value, ensure_ascii=False))
        return sorted((start, end, text) for start, (end, text) in edits.items())

    def edited(self) -> str:
        """Return the text with all edits."""
        parts, here = list[str](), 0
        for start, end, text in self.all():
            parts += (self.text[here:start], text)
            here = end
        return "".join((*parts, self.text[here:]))

    def check(self, after: YamlMapping) -> None:
        """Raise CannotEdit unless `after`, the document of the new text, is what was meant."""
        self._check(self._document.root, TextRange(0, 0), after)

    def _check(self, before: Value, at: TextRange, after: Value) -> None:
        """Compare the value `before`, at `at`, with the one that it became."""
        # A mapping or list that is not empty may start where its first key or item does: the edit is theirs.
        if at.start in self._values and not (before and isinstance(before, YamlMapping | YamlSequence)):
            is_same = self._values[at.start] == after
        elif isinstance(before, YamlMapping) and isinstance(after, YamlMapping):
            is_same = self._check_entries(before, after)
        elif isinstance(before, YamlSequence) and isinstance(after, YamlSequence):
            is_same = len(before) == len(after)
            for index, (one, other) in enumerate(zip(before, after, strict=False)):
                self._check(one, before.item_at(index), other)
        else:
            is_same = type(before) is type(after) and before == after
        if not is_same:
            raise CannotEdit(at)

    def _check_entries(self, before: YamlMapping, after: YamlMapping) -> bool:
        added = self._added.get(id(before), {})
        left = {key: value for key, value in after.items() if added.get(key) != value}
        for key, (key_at, value_at) in before.ranges().items():
            if key_at.start not in self._removed:
                name = self._values.get(key_at.start, key)
                if name not in left:
                    raise CannotEdit(key_at)
                self._check(before[key], value_at, left.pop(str(name)))
        return not left


class Moved:
    """Where the offsets of a text are after its edits."""

    def __init__(self, edits: Iterable[tuple[int, int, str]]) -> None:
        self._starts, self._by = list[int](), [0]
        for start, end, text in edits:
            self._starts.append(start)
            self._by.append(self._by[-1] + len(text) - (end - start))

    def to(self, offset: int) -> int:
        """Return the new offset of what is at `offset`."""
        return offset + self._by[bisect_left(self._starts, offset)]


def _in_braces(value: Meant) -> str:
    if not isinstance(value, Mapping):
        return _quoted_if_needed(value)
    entries = (f"{_quoted_if_needed(key)}: {_in_braces(item)}" for key, item in value.items())
    return f"{{{', '.join(entries)}}}"


def _quoted_if_needed(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) is not None and _is_text(text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _is_text(plain: str) -> bool:
    """Return whether the plain scalar `plain` is text."""
    try:
        return resolve_plain(plain) == plain
    except UnusableNumber:
        return False
