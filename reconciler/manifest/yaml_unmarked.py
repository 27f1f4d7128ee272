"""Parser events → the same values as `yaml_walker` gives, but for the marks within exams.

Four marks for each key of each exam take as much time as everything else about it, and nobody looks at them
unless something is wrong. So this walker reads what is ordinary: mappings of plain or quoted keys, lists, and
scalars, with exams that can be read again one by one. It leaves everything else to the other one, by raising
Unmarked: anchors, aliases, tags, merges, keys that stand twice or are no text.
"""

from array import array
from typing import Any, Final, NamedTuple

from yaml import events as ev

from reconciler.manifest.secrecy import announces_secret
from reconciler.manifest.yaml_nodes import Mapping, Sequence, Stretch, Unmarked, Value
from reconciler.manifest.yaml_scalars import NOT_TEXT_STARTS
from reconciler.manifest.yaml_walker import (
    MAX_DEPTH,
    MAX_WRITTEN,
    MERGE,
    MOST_KNOWN,
    ORDINARY_KEYS,
    RESOLVED,
    NextEvent,
    Walker,
    is_text_unquoted,
)

_EXAMS: Final = "exams"
_ROOT: Final = 1

_SCALAR: Final[Any] = ev.ScalarEvent
_MAPPING_START: Final[Any] = ev.MappingStartEvent
_MAPPING_END: Final[Any] = ev.MappingEndEvent
_SEQUENCE_START: Final[Any] = ev.SequenceStartEvent
_SEQUENCE_END: Final[Any] = ev.SequenceEndEvent


class _Key(NamedTuple):
    """A key of the document, or of its exams, and where it stands."""

    text: str
    start: int
    end: int
    is_secret: bool


class UnmarkedWalker(Walker):
    """Reads one stream of events, its exams without marks. `walk` raises Unmarked where it cannot."""

    _end = 0
    """Where the value ended that was read last."""

    def walk(self, next_event: NextEvent) -> tuple[Value, Stretch] | None:
        """As the walker's own, but that who reads too much is told so by that one, at the right place."""
        walked = super().walk(next_event)
        if self.written > MAX_WRITTEN:
            raise Unmarked
        return walked

    def _mapping(self) -> tuple[Mapping, int, int]:
        """As the walker's own, but for the mapping that is the document."""
        return self._shell(within_exams=False) if self._depth == _ROOT else super()._mapping()

    def _shell(self, *, within_exams: bool) -> tuple[Mapping, int, int]:
        """The document's own mapping, or that of its exams: entries with marks."""
        node, marks = Mapping(), list[int]()
        height = 0
        while (event := self._next()).__class__ is not _MAPPING_END:
            key = self._shell_key(event, node)
            event = self._next()
            if not self._is_plain_mapping(event) or not (within_exams or self._are_exams(key, event)):
                value, start, end, below = self._node(event)
            else:
                self.written += 1
                start, below = event.start_mark.index, MAX_DEPTH
                value, end = self._exam(key.start) if within_exams else self._exams()
            if key.is_secret:
                self._hide(key.end, end, value)
            height = max(height, below + 1)
            node[key.text] = value
            marks += (key.start, key.end, start, end)
        node.marks = array("I", marks)
        return node, event.end_mark.index, height

    def _shell_key(self, event: Any, node: Mapping) -> _Key:
        """The key that begins with `event`, for which `node` must be the first."""
        if event.__class__ is not _SCALAR or event.tag is not None or event.anchor is not None:
            raise Unmarked
        text: str = event.value
        if text in node:
            raise Unmarked
        if not event.implicit[0]:
            self._quoted(text, 0, 0, event.style)
        elif (text[:1] in NOT_TEXT_STARTS or text == MERGE) and not is_text_unquoted(text):
            raise Unmarked
        self.written += 1
        return _Key(text, event.start_mark.index, event.end_mark.index, announces_secret(text))

    @staticmethod
    def _is_plain_mapping(event: Any) -> bool:
        return event.__class__ is _MAPPING_START and event.anchor is None and event.tag is None

    @staticmethod
    def _are_exams(key: _Key, event: Any) -> bool:
        """Whether exams begin with `event` that can be read again one by one: not within brackets."""
        return key.text == _EXAMS and not event.flow_style

    def _exams(self) -> tuple[Mapping, int]:
        self._depth += 1
        exams, end, _ = self._shell(within_exams=True)
        self._depth -= 1
        return exams, end

    def _exam(self, key_start: int) -> tuple[Mapping, int]:
        """The exam whose start was met, and where it ends; its key stands at `key_start`."""
        if not self.findings.source.stands_indented(key_start):
            raise Unmarked  # it could not be read again by itself
        exam = self._unmarked_mapping(self._depth + 1)
        return exam, self._end

    def _unmarked_mapping(self, depth: int) -> Mapping:
        next_event, keys, resolved = self._next, ORDINARY_KEYS, RESOLVED
        if depth > MAX_DEPTH or self.written > MAX_WRITTEN:
            raise Unmarked
        node = Mapping()
        value: Value
        while (event := next_event()).__class__ is _SCALAR:
            if (
                (key := keys.get(event.value)) is None
                or key in node
                or event.tag is not None
                or event.anchor is not None
            ):
                self._read_odd_entry(event, node, depth)
                continue
            event = next_event()
            if event.__class__ is not _SCALAR:
                value = self._collection(event, depth)
            elif event.tag is not None or event.anchor is not None:
                raise Unmarked
            else:
                text = event.value
                if not event.implicit[0]:
                    value = self._quoted(text, 0, 0, event.style)
                elif text and text[0] not in NOT_TEXT_STARTS:
                    value = text
                elif text in resolved:
                    value = resolved[text]
                else:
                    value = self._plain(text, 0, 0)
            node[key] = value
        if event.__class__ is not _MAPPING_END:
            raise Unmarked
        self._end = event.end_mark.index
        self.written += 2 * len(node)
        return node

    def _read_odd_entry(self, event: Any, node: Mapping, depth: int) -> None:
        """Read the entry whose key is `event`: one that is new, announces a secret, or needs its quotes."""
        key: str = event.value
        is_text = is_text_unquoted(key)
        if event.tag is not None or event.anchor is not None or key in node:
            raise Unmarked
        if event.implicit[0]:
            if not is_text:
                raise Unmarked
        else:
            self._quoted(key, 0, 0, event.style)
        value = self._value(self._next(), depth)
        if announces_secret(key):
            self._hide(event.end_mark.index, self._end, value)
        elif is_text and len(ORDINARY_KEYS) < MOST_KNOWN:
            ORDINARY_KEYS[key] = key
        node[key] = value

    def _value(self, event: Any, depth: int) -> Value:
        """The value that begins with `event`; `_end` is where it ends."""
        if event.__class__ is not _SCALAR:
            return self._collection(event, depth)
        if event.tag is not None or event.anchor is not None:
            raise Unmarked
        self._end = event.end_mark.index
        if event.implicit[0]:
            return self._plain(event.value, 0, 0)
        return self._quoted(event.value, 0, 0, event.style)

    def _collection(self, event: Any, depth: int) -> Value:
        if self._is_plain_mapping(event):
            return self._unmarked_mapping(depth + 1)
        if event.__class__ is not _SEQUENCE_START or event.tag is not None or event.anchor is not None:
            raise Unmarked
        if depth >= MAX_DEPTH:
            raise Unmarked
        node = Sequence()
        while (event := self._next()).__class__ is not _SEQUENCE_END:
            node.append(self._value(event, depth + 1))
        self._end = event.end_mark.index
        self.written += len(node)
        return node
