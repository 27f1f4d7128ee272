"""YAML values as plain Python values, with the offsets at which they are written.

An offset counts characters of the text; `SourceText` turns it into a line and a column. Offsets are kept in
arrays, because a large manifest has half a million of them.
"""

import enum
from array import array
from collections.abc import Container, Iterable
from typing import Final, NamedTuple, TypeAlias

from reconciler.manifest.redaction import PASSWORD

MERGE: Final = "<<"
"""The key that merges a mapping; in a mapping whose merge failed, its value is BROKEN."""
OFFSETS_PER_ENTRY: Final = 4
OFFSETS_PER_ITEM: Final = 2


class Broken(enum.Enum):
    """The type of BROKEN, which replaces a value that was already reported, so that it is not reported again.

    Its enum value is an `object()`, because jsonschema-rs looks at enum values and must not accept this one.
    """

    BROKEN = object()


BROKEN: Final = Broken.BROKEN

Value: TypeAlias = "YamlMapping | YamlSequence | str | int | float | bool | Broken | None"


class TextRange(NamedTuple):
    """A range of characters in a text; `end` is exclusive."""

    start: int
    end: int


class YamlMapping(dict[str, Value]):
    """A dict with `offsets`: in key order, start and end of the key, start and end of its value."""

    __slots__ = ("offsets",)

    def __init__(self) -> None:
        super().__init__()
        self.offsets = array("I")

    def put(self, key: str, value: Value, at: TextRange, value_at: TextRange) -> None:
        """Add `key`, which must be new."""
        self[key] = value
        self.offsets.extend((*at, *value_at))

    def copy(self) -> "YamlMapping":
        """Return a copy with the same values."""
        copy = YamlMapping()
        copy.update(self)
        copy.offsets = self.offsets[:]
        return copy

    def without(self, keys: Container[str]) -> "YamlMapping":
        """Return a copy without the entries of `keys`."""
        copy = YamlMapping()
        for key, (at, value_at) in self.ranges().items():
            if key not in keys:
                copy.put(key, self[key], at, value_at)
        return copy

    def mapping(self, key: str) -> "YamlMapping":
        """Return the mapping under `key`; an empty one if the value is missing or not a mapping."""
        value = self.get(key)
        return value if isinstance(value, YamlMapping) else _NO_ENTRIES

    def sequence(self, key: str) -> "YamlSequence":
        """Return the list under `key`; an empty one if the value is missing or not a list."""
        value = self.get(key)
        return value if isinstance(value, YamlSequence) else _NO_ITEMS

    def key_at(self, key: str) -> TextRange:
        """Return the text range of `key`."""
        first = self._first_offset(key)
        return TextRange(self.offsets[first], self.offsets[first + 1])

    def value_at(self, key: str) -> TextRange:
        """Return the text range of the value of `key`."""
        first = self._first_offset(key) + 2
        return TextRange(self.offsets[first], self.offsets[first + 1])

    def _first_offset(self, key: str) -> int:
        return OFFSETS_PER_ENTRY * list(self).index(key)

    def ranges(self) -> dict[str, tuple[TextRange, TextRange]]:
        """Return the text ranges of each key and its value."""
        offsets = self.offsets
        return {
            key: (TextRange(offsets[at], offsets[at + 1]), TextRange(offsets[at + 2], offsets[at + 3]))
            for key, at in zip(self, range(0, len(offsets), OFFSETS_PER_ENTRY), strict=True)
        }


class YamlSequence(list[Value]):
    """A list with `offsets`: start and end of each item."""

    __slots__ = ("offsets",)

    def __init__(self) -> None:
        super().__init__()
        self.offsets = array("I")

    def item_at(self, index: int) -> TextRange:
        """Return the text range of the item at `index`."""
        first = OFFSETS_PER_ITEM * index
        return TextRange(self.offsets[first], self.offsets[first + 1])

    def with_items(self, items: Iterable[Value]) -> "YamlSequence":
        """Return a list of `items`, one in place of each of these, at the same offsets."""
        copy = YamlSequence()
        copy.extend(items)
        copy.offsets = self.offsets[:]
        return copy


_NO_ENTRIES: Final = YamlMapping()
_NO_ITEMS: Final = YamlSequence()


def range_at(value: Value, path: Iterable[str | int]) -> TextRange | None:
    """Return the text range of the value at `path`, if any: of a collection, null or password, the key."""
    at: TextRange | None = None
    for step in path:
        match value, step:
            case YamlMapping(), str() if step in value:
                inner = value[step]
                is_scalar = not isinstance(inner, YamlMapping | YamlSequence | None) and step != PASSWORD
                at = value.value_at(step) if is_scalar else value.key_at(step)
                value = inner
            case YamlSequence(), int() if 0 <= step < len(value):
                at, value = value.item_at(step), value[step]
            case _:
                return None
    return at


def shifted(value: Value, by: int, done: dict[int, Value] | None = None) -> Value:
    """Return a copy of `value` with `by` added to every offset.

    `done` are the copies made so far: a node that aliases share stays one node.
    """
    if not isinstance(value, YamlMapping | YamlSequence):
        return value
    done = {} if done is None else done
    if id(value) in done:
        return done[id(value)]
    copy: YamlMapping | YamlSequence
    if isinstance(value, YamlMapping):
        copy = YamlMapping()
        copy.update({key: shifted(item, by, done) for key, item in value.items()})
    else:
        copy = YamlSequence()
        copy.extend(shifted(item, by, done) for item in value)
    copy.offsets.extend(offset + by for offset in value.offsets)
    done[id(value)] = copy
    return copy
