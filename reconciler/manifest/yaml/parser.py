"""Builds values with offsets from the events of libyaml, in one pass.

Depth, digits and the nodes that aliases expand to are limited while events arrive, so that a hostile file
costs no more than an honest one of its size. A value that is unusable is reported and replaced by BROKEN.

A term of exams is a million events. So the loops over a mapping's entries and a list's items handle common
cases (plain keys seen before, scalars without anchor or tag) inline, and leave all others to methods.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from yaml import events as ev

from reconciler.manifest.diagnostics import NON_STRING_KEY, FileDiagnostics
from reconciler.manifest.redaction import announces_secret, is_part_of_reference, is_reference
from reconciler.manifest.yaml.nodes import (
    BROKEN,
    MERGE,
    OFFSETS_PER_ENTRY,
    Broken,
    TextRange,
    Value,
    YamlMapping,
    YamlSequence,
)
from reconciler.manifest.yaml.repeats import Repeat, advice_on, cut_off, report_repeats, take_address
from reconciler.manifest.yaml.scalars import NOT_TEXT_STARTS, UnusableNumber, resolve_plain
from reconciler.model.words import nearest

MAX_DEPTH: Final = 64
MAX_WRITTEN: Final = 16_000_000
"""Values and keys in one file. A file of MAX_SIZE_BYTES could hold ten times as many of the smallest."""
FREE_EXPANDED_NODES: Final = 50_000
EXPANDED_NODES_PER_WRITTEN_ONE: Final = 20

_MOST_KNOWN: Final = 8192
_MOST_REPEATS: Final = 2000
"""Repeated keys of one mapping that are looked at: more than are told."""
_ORDINARY_KEYS: Final[dict[str, str]] = {}
"""Keys from all files that are text even without quotes, and do not announce a secret."""
_RESOLVED: Final[dict[str, Value]] = {}
"""Values of plain scalars from all files that may be other than text."""

_FIELDS_OF_PARTS: Final = frozenset(
    {
        "apiUrl",
        "configuration",
        "course",
        "courseSid",
        "installSid",
        "profiles",
        "state",
        "title",
        "type",
        "url",
    }
)
"""An exam, profile or environment has one of these fields, so one that is named `token` is no secret."""

_SCALAR: Final[Any] = ev.ScalarEvent
_MAPPING_START: Final[Any] = ev.MappingStartEvent
_MAPPING_END: Final[Any] = ev.MappingEndEvent
_SEQUENCE_END: Final[Any] = ev.SequenceEndEvent
_ALIAS: Final[Any] = ev.AliasEvent
_DOCUMENT_START: Final[Any] = ev.DocumentStartEvent
_DOCUMENT_END: Final[Any] = ev.DocumentEndEvent
_STREAM_START: Final[Any] = ev.StreamStartEvent


class Stopped(Exception):
    """The document is unusable; a diagnostic says why."""


class _Anchored(NamedTuple):
    """The value of an anchor; `size` counts its nodes with aliases expanded, `height` the levels below it."""

    value: Value
    at: TextRange
    size: int
    height: int


class _Merge(NamedTuple):
    """The `value` of a `<<`, which is at `key_start`."""

    key_start: int
    value: Value
    at: TextRange


class _UnusualKey(NamedTuple):
    """A key that needs more work; `text` is None for `<<`, and BROKEN if the entry is to be left out."""

    text: str | Broken | None
    start: int
    end: int
    is_secret: bool = False


_Node: TypeAlias = tuple[Value, int, int, int]
"""A value, the offsets of its start and its end, and the number of levels below it."""

_Event: TypeAlias = Any
"""Typed as Any, because the stubs say that marks are optional; those of a parser never are."""

_NextEvent: TypeAlias = Callable[[], _Event]
"""Returns the next event of a stream; after the last, None or the event of its end."""


class YamlParser:
    """Parses one stream of events; for one use of `parse`."""

    def __init__(self, diagnostics: FileDiagnostics) -> None:
        self.diagnostics = diagnostics
        self._next: _NextEvent = lambda: None
        self._anchors: dict[str, _Anchored | None] = {}
        self._anchored_scalars: list[int] = []
        self._aliases: list[tuple[int, TextRange]] = []
        self._unknown_aliases: list[int] = []
        self._secrets: list[tuple[TextRange, Value]] = []
        self._repeats: list[Repeat] = []
        self._depth = 0
        self._written = 0
        self._aliased = 0

    def parse(self, next_event: _NextEvent) -> tuple[Value, TextRange] | None:
        """Return the value of the only document and its text range; None if empty. Raises Stopped."""
        self._next = next_event
        try:
            return self._stream()
        finally:
            self._report_repeats(0)
            self._publish_secrets()

    @property
    def aliases(self) -> dict[int, TextRange]:
        """By the offset of an alias, the text range of the value that it refers to, with its anchor."""
        return dict(self._aliases)

    @property
    def unused_anchors(self) -> frozenset[int]:
        """The offsets of scalars that begin with an anchor to which no alias refers."""
        return frozenset(self._anchored_scalars) - {anchored.start for _, anchored in self._aliases}

    def _stream(self) -> tuple[Value, TextRange] | None:
        root: tuple[Value, TextRange] | None = None
        documents = 0
        while True:
            event = self._next()
            kind = type(event)
            if kind is _DOCUMENT_START:
                documents += 1
                if documents > 1:
                    self._stop(
                        "several-documents",
                        _range_of(event),
                        "a second document begins here",
                        "Keep one document in a file: move the rest into a file of its own.",
                    )
                value, start, end, _ = self._node(self._next())
                root = (value, TextRange(start, end))
            elif kind is not _STREAM_START and kind is not _DOCUMENT_END:
                return root

    def _stop(self, code: str, at: TextRange, message: str, hint: str) -> NoReturn:
        """Report a mistake that makes the document unusable."""
        self.diagnostics.add(code, at, message, hint)
        raise Stopped

    def _broken(self, code: str, at: TextRange, message: str, hint: str) -> Broken:
        """Report a mistake that makes one value unusable."""
        self.diagnostics.add(code, at, message, hint)
        return BROKEN

    def _node(self, event: _Event) -> _Node:
        """Return the value that starts with `event`."""
        if self._written > MAX_WRITTEN:
            self._stop(
                "too-large",
                _range_of(event),
                f"this file holds more than {MAX_WRITTEN:,} values",
                "Split it; a glob reads them all.",
            )
        kind = type(event)
        if kind is _SCALAR:
            return self._scalar(event)
        if kind is _ALIAS:
            return self._alias(event)
        start, anchor = event.start_mark.index, event.anchor
        before = self._written + self._aliased
        self._written += 1
        if event.tag is not None:
            self._refuse_tag(_range_of(event))
        if self._depth >= MAX_DEPTH:
            self._refuse_depth(TextRange(start, start + 1))
        if anchor is not None:
            self._anchors[anchor] = None
        self._depth += 1
        value: YamlMapping | YamlSequence
        value, end, height = self._mapping() if kind is _MAPPING_START else self._sequence()
        self._depth -= 1
        if anchor is not None:
            size = self._written + self._aliased - before
            self._anchors[anchor] = _Anchored(value, TextRange(start, end), size, height)
        return value, start, end, height

    def _mapping(self) -> tuple[YamlMapping, int, int]:
        """Return the mapping after its start event, the offset of its end, and the levels below it."""
        next_event, keys, resolved = self._next, _ORDINARY_KEYS, _RESOLVED
        node, offsets, merges = YamlMapping(), list[int](), list[_Merge]()
        repeated, written, height = len(self._repeats), 0, 0
        key: Any
        value: Value
        while (event := next_event()).__class__ is not _MAPPING_END:
            unusual: _UnusualKey | None = None
            if (
                event.__class__ is _SCALAR
                and (key := keys.get(event.value)) is not None
                and key not in node
                and event.tag is None
                and event.anchor is None
            ):
                key_start, key_end = event.start_mark.index, event.end_mark.index
                written += 1
            else:
                unusual = self._unusual_key(event, node, offsets, merges)
                key, key_start, key_end = unusual.text, unusual.start, unusual.end
            event = next_event()
            if event.__class__ is _SCALAR and event.tag is None and event.anchor is None:
                start, end = event.start_mark.index, event.end_mark.index
                text = event.value
                written += 1
                if not event.implicit[0]:
                    value = self._quoted(text, start, end, event.style)
                elif text and text[0] not in NOT_TEXT_STARTS:
                    value = text
                elif text in resolved:
                    value = resolved[text]
                else:
                    value = self._plain(text, start, end)
                height = height or 1
            else:
                self._written += written
                written = 0
                value, start, end, below = self._node(event)
                height = max(height, below + 1)
            if unusual is not None and not self._is_entry(unusual, value, TextRange(start, end), merges):
                continue
            node[key] = value
            offsets += (key_start, key_end, start, end)
        self._written += written
        if (cut := self._report_repeats(repeated)) is not None:
            cut_off(node, offsets, cut)
        node.offsets = array("I", offsets)
        for merge in merges:
            self._merge(node, merge.value, merge.at)
        return node, event.end_mark.index, height

    def _is_entry(self, key: _UnusualKey, value: Value, at: TextRange, merges: list[_Merge]) -> bool:
        """Return whether `key` and `value` are an entry; otherwise hide or merge the value as needed."""
        if key.is_secret:
            self._hide(key.end, at.end, value)
        elif key.text is BROKEN:
            self.diagnostics.source.unknown.append(TextRange(key.end, at.end))
        if key.text is None:
            merges.append(_Merge(key.start, value, at))
        return isinstance(key.text, str)

    def _hide(self, key_end: int, end: int, value: Value) -> None:
        """Record the secret `value`, which ends at `end`, unless it is a reference or an exam."""
        is_part = isinstance(value, YamlMapping) and not _FIELDS_OF_PARTS.isdisjoint(value)
        if not is_part and not is_reference(self.diagnostics.source.text, key_end):
            self._secrets.append((TextRange(key_end, end), value))

    def _sequence(self) -> tuple[YamlSequence, int, int]:
        """Return the list after its start event, the offset of its end, and the levels below it."""
        next_event = self._next
        node, height = YamlSequence(), 0
        while (event := next_event()).__class__ is not _SEQUENCE_END:
            value, start, end, below = self._node(event)
            node.append(value)
            node.offsets.extend((start, end))
            height = max(height, below + 1)
        return node, event.end_mark.index, height

    def _scalar(self, event: _Event) -> _Node:
        """Return a scalar; `_mapping` handles most of its scalars inline, which is faster."""
        start, end = event.start_mark.index, event.end_mark.index
        self._written += 1
        if event.tag is not None:
            self._refuse_tag(TextRange(start, end))
        text: str = event.value
        if event.implicit[0]:
            value = self._plain(text, start, end)
        else:
            value = self._quoted(text, start, end, event.style)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, TextRange(start, end), 1, 0)
            self._anchored_scalars.append(start)
        return value, start, end, 0

    def _plain(self, text: str, start: int, end: int) -> Value:
        """Return the value of a plain scalar."""
        try:
            value = resolve_plain(text)
        except UnusableNumber as error:
            return self._broken(error.code, TextRange(start, end), error.message, error.hint)
        if len(_RESOLVED) < _MOST_KNOWN:
            _RESOLVED[text] = value
        return value

    def _quoted(self, text: str, start: int, end: int, style: str) -> Value:
        """Return the value of a quoted or block scalar: its text."""
        if style == '"' and not text.isprintable():
            wrong = next((char for char in text if _is_refused(char)), None)
            if wrong is not None:
                return self._broken(
                    "encoding",
                    TextRange(start, end),
                    f"an escape in this text stands for U+{ord(wrong):04X}, which must not be sent",
                    "Remove the escape; of the control characters only tab and line ends may be used.",
                )
        return text

    def _unusual_key(
        self, event: _Event, node: YamlMapping, offsets: list[int], merges: list[_Merge]
    ) -> _UnusualKey:
        """Return a key that is new, repeated, not text, or announces a secret."""
        is_merge = type(event) is _SCALAR and event.implicit[0] and event.value == MERGE
        value, start, end, _ = self._node(event)
        if not isinstance(value, str):
            value = self._key_as_text(event, value, TextRange(start, end))
        if value is BROKEN:
            return _UnusualKey(BROKEN, start, end)
        is_secret = announces_secret(value)
        if value in node and len(self._repeats) > _MOST_REPEATS:
            return _UnusualKey(BROKEN, start, end, is_secret)
        if value in node:
            first = offsets[OFFSETS_PER_ENTRY * list(node).index(value)]
        elif merges and value == MERGE:
            first = merges[0].key_start
        elif is_merge:
            return _UnusualKey(None, start, end)
        else:
            if len(_ORDINARY_KEYS) < _MOST_KNOWN and not is_secret and _is_text_unquoted(value):
                _ORDINARY_KEYS[value] = value
            return _UnusualKey(value, start, end, is_secret)
        is_first = not self._repeats or self._repeats[-1].at.start < next(iter(offsets), start)
        address = take_address(node, offsets, value) if is_first else None
        self._repeats.append(Repeat(value, TextRange(start, end), first, advice_on(value, node), address))
        return _UnusualKey(BROKEN, start, end, is_secret)

    def _key_as_text(self, event: _Event, value: Value, at: TextRange) -> str | Broken:
        """Report a key that is not text; return a number as it is written, since that is what it means."""
        if value is BROKEN:
            return BROKEN
        is_scalar = type(event) is _SCALAR
        if not is_scalar:
            self.diagnostics.source.unknown.append(at)
        self.diagnostics.add(
            NON_STRING_KEY,
            at,
            f"a key must be text; this one is {_kind(value)}",
            "Put it in quotes." if is_scalar else "Text that begins with `{` or `[` needs quotes.",
        )
        return event.value if is_scalar and value is not None else BROKEN

    def _report_repeats(self, known: int) -> int | None:
        """Report the repeated keys of the mapping that ends, and forget them; `known` are of outer ones.

        Return where another block begins, if one does.
        """
        repeats = self._repeats[known:]
        if not repeats:
            return None
        del self._repeats[known:]
        return report_repeats(repeats, self.diagnostics)

    def _merge(self, target: YamlMapping, value: Value, at: TextRange) -> None:
        """Add to `target` the entries of `value` that it lacks; earlier sources win."""
        sources: Iterable[Value] = value if isinstance(value, YamlSequence) else (value,)
        for source in sources:
            if isinstance(source, YamlMapping):
                for key, (key_at, value_at) in source.ranges().items():
                    if key not in target:
                        target.put(key, source[key], key_at, value_at)
            elif source is not BROKEN:
                self.diagnostics.add(
                    "bad-merge",
                    at,
                    "`<<` merges a mapping or a list of mappings, and this is neither",
                    "Let `<<` name an anchored mapping, as in `<<: *name`.",
                )
            if not isinstance(source, YamlMapping) and MERGE not in target:
                target.put(MERGE, BROKEN, at, at)  # what it lacks is unknown

    def _alias(self, event: _Event) -> _Node:
        at = _range_of(event)
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            code, message = "unknown-anchor", "this alias names an anchor that is not defined before it"
            hint = "Let it name an anchor (`&name`) that is complete before this line."
            if event.anchor in self._anchors:
                code, message = "alias-loop", "this alias is inside the value that it refers to"
            else:
                blocks = [name for name, each in self._anchors.items() if each and each.size > 1]
                near = nearest(event.anchor, blocks)
                hint = "Put text that begins with `*` in quotes; an alias names an anchor (`&name`) above it."
                if near:
                    hint = f"did you mean {' or '.join(f'`*{name}`' for name in near)}?"
            self._unknown_aliases.append(at.start)
            return self._broken(code, at, message, hint), at.start, at.end, 0
        self._aliases.append((at.start, anchored.at))
        self._written += 1
        self._aliased += anchored.size - 1
        if (
            self._written + self._aliased
            > FREE_EXPANDED_NODES + EXPANDED_NODES_PER_WRITTEN_ONE * self._written
        ):
            self._stop(
                "too-large",
                at,
                "the aliases of this file expand to far more than is written in it",
                "Write out what you mean, or use `defaults`.",
            )
        if self._depth + anchored.height >= MAX_DEPTH:
            self._refuse_depth(at)
        return anchored.value, at.start, at.end, anchored.height

    def _refuse_depth(self, at: TextRange) -> NoReturn:
        self._stop(
            "too-deep",
            at,
            f"this is nested more than {MAX_DEPTH} levels deep",
            "A manifest needs fewer than ten levels; look for brackets that are not closed.",
        )

    def _refuse_tag(self, at: TextRange) -> None:
        self.diagnostics.add(
            "tag-refused",
            at,
            "tags are not allowed here",
            "If the word that begins with `!` is a part of the text, put the whole text in quotes; "
            "otherwise remove that word. Text that looks like a number needs quotes.",
        )

    def _publish_secrets(self) -> None:
        """Pass the ranges and values of secrets to the source, including the anchors behind their aliases."""
        source = self.diagnostics.source
        seen = set[TextRange]()
        waiting = [at for at, _ in self._secrets]
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                waiting += self._aliased_within(at)
        if any(self._has_unknown_alias(at) for at in seen):  # any anchor may be the one that is meant
            seen.update(anchored.at for anchored in self._anchors.values() if anchored is not None)
        source.secrets.extend(sorted(seen))
        for _, value in self._secrets:
            source.secret_values.update(_texts(value))

    def _aliased_within(self, at: TextRange) -> Iterator[TextRange]:
        """Yield the text ranges of the anchors whose aliases are within `at`."""
        index = bisect_left(self._aliases, at.start, key=lambda alias: alias[0])
        while index < len(self._aliases) and self._aliases[index][0] < at.end:
            yield self._aliases[index][1]
            index += 1

    def _has_unknown_alias(self, at: TextRange) -> bool:
        index = bisect_left(self._unknown_aliases, at.start)
        return index < len(self._unknown_aliases) and self._unknown_aliases[index] < at.end


def _texts(value: Value) -> Iterator[str]:
    """Yield every text within `value`, except names of environment variables that hold secrets."""
    if isinstance(value, str):
        if not is_part_of_reference(value):
            yield value
            yield from (line.strip() for line in value.splitlines() if line.strip())
    elif isinstance(value, YamlMapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, YamlSequence):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _is_refused(char: str) -> bool:
    return (char < " " and char not in "\t\n\r") or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"


def _is_text_unquoted(text: str) -> bool:
    """Return whether `text` is text without quotes too, and not `<<`."""
    try:
        return text != MERGE and isinstance(resolve_plain(text), str)
    except UnusableNumber:
        return False


def _kind(value: Value) -> str:
    if isinstance(value, YamlMapping | YamlSequence):
        return "a collection"
    return "empty" if value is None else "a number, true, false or null"


def _range_of(event: _Event) -> TextRange:
    return TextRange(event.start_mark.index, event.end_mark.index)
