"""Parser events → plain values with marks, in one pass and without a node tree.

The walker trusts nothing: depth, digits and expanded nodes are counted as events arrive, so that a hostile
file costs no more than an honest one of its size. What it cannot use it reports and replaces by BROKEN.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from yaml import events as ev

from reconciler.manifest.findings import Findings
from reconciler.manifest.secrecy import announces_secret
from reconciler.manifest.yaml_nodes import BROKEN, Broken, Mapping, Sequence, Stretch, Value
from reconciler.manifest.yaml_scalars import MAX_DIGITS, NotFinite, NumberTooLong, resolve_plain
from reconciler.model.secrets import SECRET_VARIABLE_PREFIX

MAX_DEPTH: Final = 64
FREE_NODES: Final = 50_000
NODES_A_WRITTEN_ONE: Final = 20

_MERGE: Final = "<<"
_NOWHERE: Final = Stretch(0, 0)


class Stopped(Exception):
    """The rest of the document cannot be used; why is among the findings."""


class _Anchored(NamedTuple):
    """What an anchor names; `size` counts its expanded nodes, `height` the levels below it."""

    value: Value
    at: Stretch
    size: int
    height: int


@dataclass(slots=True)
class _Frame:
    """A collection that is being read. `key` is None while a mapping waits for one."""

    node: Mapping | Sequence
    start: int
    anchor: str | None
    nodes_before: int
    key: str | Broken | None = None
    key_at: Stretch = _NOWHERE
    height: int = 0
    merges: list[tuple[Value, Stretch]] = field(default_factory=list)
    keys_at: dict[str, Stretch] = field(default_factory=dict)


_Event: TypeAlias = Any
"""An event with its marks; the stubs make every mark optional, which a parser's never is."""


@dataclass(slots=True)
class Walker:
    """Reads one stream of events; `walk` gives the root and where it stands."""

    findings: Findings
    _frames: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, _Anchored | None] = field(default_factory=dict)
    _aliases: list[tuple[int, Stretch]] = field(default_factory=list)
    _secrets: list[tuple[Stretch, Value]] = field(default_factory=list)
    _keys: dict[str, str | None] = field(default_factory=dict)
    _secret_keys: set[str] = field(default_factory=set)
    _written: int = 0
    _expanded: int = 0
    _documents: int = 0
    _root: tuple[Value, Stretch] | None = None

    def walk(self, events: Iterable[_Event]) -> tuple[Value, Stretch] | None:
        """The value of the only document and its place; None where there is none. Raises Stopped."""
        try:
            for event in events:
                kind = type(event)
                if kind is ev.ScalarEvent:
                    self._scalar(event)
                elif kind is ev.MappingStartEvent:
                    self._open(event, Mapping())
                elif kind is ev.SequenceStartEvent:
                    self._open(event, Sequence())
                elif kind is ev.MappingEndEvent or kind is ev.SequenceEndEvent:
                    self._close(event)
                elif kind is ev.AliasEvent:
                    self._alias(event)
                elif kind is ev.DocumentStartEvent:
                    self._document(event)
        finally:
            self._publish_secrets()
        return self._root

    def _document(self, event: _Event) -> None:
        self._documents += 1
        if self._documents > 1:
            self.findings.add(
                "several-documents",
                _stretch(event),
                "a second document begins here",
                "Keep one document in a file: move the rest into a file of its own.",
            )
            raise Stopped

    def _scalar(self, event: _Event) -> None:
        at = Stretch(event.start_mark.index, event.end_mark.index)
        self._written += 1
        self._expanded += 1
        text: str = event.value
        if event.tag is not None:
            self._refuse_tag(at)
        frame = self._frames[-1] if self._frames else None
        is_plain = event.implicit[0]
        if frame is not None and frame.key is None and type(frame.node) is Mapping:
            if is_plain and text == _MERGE:
                frame.key, frame.key_at = _MERGE, at
                frame.keys_at.setdefault(_MERGE, at)
                return
            known = self._keys.get(text) if is_plain else None
            if known is not None:
                self._key(frame, known, at)
                return
        value = self._resolved(text, at) if is_plain else self._quoted(text, at, event.style)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, at, 1, 0)
        self._put(value, at)

    def _resolved(self, text: str, at: Stretch) -> Value:
        """The value of a plain scalar."""
        try:
            return resolve_plain(text)
        except NumberTooLong:
            self.findings.add(
                "too-large",
                at,
                f"this number has more than {MAX_DIGITS} digits",
                "If it is meant as text, put it in quotes.",
            )
        except NotFinite:
            self.findings.add(
                "not-a-number",
                at,
                "infinity and not-a-number cannot be sent",
                "Give a finite number, or put it in quotes if it is meant as text.",
            )
        return BROKEN

    def _quoted(self, text: str, at: Stretch, style: str) -> Value:
        """The value of a quoted or block scalar: its text."""
        if style == '"' and not text.isprintable():
            wrong = next((char for char in text if _is_refused(char)), None)
            if wrong is not None:
                self.findings.add(
                    "encoding",
                    at,
                    f"an escape in this text stands for U+{ord(wrong):04X}, which is not a character to send",
                    "Remove the escape; of the control characters only tab and line ends may be used.",
                )
                return BROKEN
        return text

    def _key(self, frame: _Frame, key: str, at: Stretch) -> None:
        """Take `key` for the next entry of `frame`, unless it was there before."""
        first = frame.keys_at.get(key)
        if first is None:
            frame.keys_at[key] = at
            frame.key, frame.key_at = key, at
            return
        place = self.findings.source.position(first.start)
        self.findings.add(
            "duplicate-key",
            at,
            f"the key {self.findings.echo(key)} is here twice; it is first in line {place.line}, "
            f"column {place.column}",
            "Keep one of the two.",
        )
        frame.key, frame.key_at = BROKEN, at
        if key in self._secret_keys:
            frame.key_at = Stretch(-1, at.end)

    def _put(self, value: Value, at: Stretch, height: int = 0) -> None:
        """Make `value` the next key, value or item of what is being read."""
        if not self._frames:
            self._root = (value, at)
            return
        frame = self._frames[-1]
        frame.height = max(frame.height, height + 1)
        if isinstance(frame.node, Sequence):
            frame.node.append(value)
            frame.node.marks.extend(at)
            return
        key = frame.key
        if key is None:
            self._new_key(frame, value, at)
            return
        frame.key = None
        if key is BROKEN:
            if frame.key_at.start < 0:
                self._secrets.append((at, value))
        elif key is _MERGE:
            frame.merges.append((value, at))
        else:
            frame.node.put(key, value, frame.key_at, at)
            if key in self._secret_keys:
                self._secrets.append((at, value))

    def _new_key(self, frame: _Frame, value: Value, at: Stretch) -> None:
        """Take `value`, met for the first time, as a key."""
        if type(value) is str:
            self._keys[value] = value if type(self._try_plain(value)) is str else None
            if announces_secret(value):
                self._secret_keys.add(value)
            self._key(frame, value, at)
            return
        if value is not BROKEN:
            self.findings.add(
                "non-string-key",
                at,
                "a key must be text; this one is " + _kind(value),
                "Put the key in quotes.",
            )
        frame.key, frame.key_at = BROKEN, at

    @staticmethod
    def _try_plain(text: str) -> Value:
        """What `text` would be without quotes."""
        try:
            return resolve_plain(text)
        except ValueError:
            return BROKEN

    def _open(self, event: _Event, node: Mapping | Sequence) -> None:
        start = event.start_mark.index
        self._written += 1
        self._expanded += 1
        if event.tag is not None:
            self._refuse_tag(_stretch(event))
        if len(self._frames) >= MAX_DEPTH:
            self._refuse_depth(Stretch(start, start + 1))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._frames.append(_Frame(node, start, event.anchor, self._expanded - 1))

    def _close(self, event: _Event) -> None:
        frame = self._frames.pop()
        if isinstance(frame.node, Mapping) and frame.merges:
            for value, at in frame.merges:
                self._merge(frame.node, value, at)
        at = Stretch(frame.start, event.end_mark.index)
        if frame.anchor is not None:
            size = self._expanded - frame.nodes_before
            self._anchors[frame.anchor] = _Anchored(frame.node, at, size, frame.height)
        self._put(frame.node, at, frame.height)

    def _merge(self, target: Mapping, value: Value, at: Stretch) -> None:
        """Add what `value` has and `target` lacks; earlier sources win."""
        sources: Iterable[Value] = value if isinstance(value, Sequence) else (value,)
        for source in sources:
            if isinstance(source, Mapping):
                for key, (key_at, value_at) in source.stretches().items():
                    if key not in target:
                        target.put(key, source[key], key_at, value_at)
            elif source is not BROKEN:
                self.findings.add(
                    "bad-merge",
                    at,
                    "`<<` merges a mapping or a list of mappings, and this is neither",
                    "Let `<<` name an anchored mapping, as in `<<: *name`.",
                )

    def _alias(self, event: _Event) -> None:
        at = _stretch(event)
        if event.anchor not in self._anchors:
            self._unusable("unknown-anchor", at, "this alias names an anchor that is not defined before it")
            return
        anchored = self._anchors[event.anchor]
        if anchored is None:
            self._unusable("alias-loop", at, "this alias stands inside what it refers to")
            return
        self._aliases.append((at.start, anchored.at))
        self._written += 1
        self._expanded += anchored.size
        if self._expanded > FREE_NODES + NODES_A_WRITTEN_ONE * self._written:
            self.findings.add(
                "too-large",
                at,
                "the aliases of this file expand to far more than is written in it",
                "Write out what you mean, or use `defaults`.",
            )
            raise Stopped
        if len(self._frames) + anchored.height >= MAX_DEPTH:
            self._refuse_depth(at)
        self._put(anchored.value, at, anchored.height)

    def _unusable(self, code: str, at: Stretch, message: str) -> None:
        self.findings.add(
            code, at, message, "Let it name an anchor (`&name`) that is complete before this line."
        )
        self._put(BROKEN, at)

    def _refuse_depth(self, at: Stretch) -> None:
        self.findings.add(
            "too-deep",
            at,
            f"this is nested more than {MAX_DEPTH} levels deep",
            "A manifest needs fewer than ten levels; look for brackets that are not closed.",
        )
        raise Stopped

    def _refuse_tag(self, at: Stretch) -> None:
        self.findings.add(
            "tag-refused",
            at,
            "tags are not allowed here",
            "Remove the tag (the word that begins with `!`); put text that looks like a number in quotes.",
        )

    def _publish_secrets(self) -> None:
        """Tell the source which stretches and values are secret, those behind aliases included."""
        source = self.findings.source
        seen = set[Stretch]()
        waiting = [at for at, _ in self._secrets]
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                waiting += self._aliased_within(at)
        source.secrets.extend(_disjoint(sorted(seen)))
        for _, value in self._secrets:
            source.secret_values.update(_texts(value))

    def _aliased_within(self, at: Stretch) -> Iterator[Stretch]:
        """Where the anchors stand whose aliases are within `at`."""
        index = bisect_left(self._aliases, at.start, key=lambda alias: alias[0])
        while index < len(self._aliases) and self._aliases[index][0] < at.end:
            yield self._aliases[index][1]
            index += 1


def _disjoint(stretches: Iterable[Stretch]) -> list[Stretch]:
    """What `stretches`, which are sorted, cover together."""
    covered: list[Stretch] = []
    for at in stretches:
        if covered and at.start <= covered[-1].end:
            last = covered.pop()
            covered.append(Stretch(last.start, max(at.end, last.end)))
        else:
            covered.append(at)
    return covered


def _texts(value: Value) -> Iterator[str]:
    """Every text within `value`, but for the names of variables that hold secrets."""
    if isinstance(value, str):
        if not value.startswith(SECRET_VARIABLE_PREFIX):
            yield value
            yield from (line.strip() for line in value.splitlines() if line.strip())
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _is_refused(char: str) -> bool:
    return (char < " " and char not in "\t\n\r") or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"


def _kind(value: Value) -> str:
    if isinstance(value, Mapping | Sequence):
        return "a collection"
    return "empty" if value is None else "a number, true, false or null"


def _stretch(event: _Event) -> Stretch:
    return Stretch(event.start_mark.index, event.end_mark.index)
