"""Plain Python values that remember where they were written.

An offset counts characters of the text; `SourceText` turns it into a line and a column. Offsets are kept in
arrays, because a large manifest has half a million of them.
"""

import enum
from array import array
from typing import Final, NamedTuple, TypeAlias

OFFSETS_PER_ENTRY: Final = 4
OFFSETS_PER_ITEM: Final = 2


class Broken(enum.Enum):
    """Stands for a value that was reported already, so that nothing complains about it again.

    Its own value is nothing that JSON has, so that jsonschema-rs, which looks into enums, does not accept it.
    """

    BROKEN = object()


BROKEN: Final = Broken.BROKEN

Value: TypeAlias = "YamlMapping | YamlSequence | str | int | float | bool | Broken | None"


class TextRange(NamedTuple):
    """From one offset up to, and without, another."""

    start: int
    end: int


class YamlMapping(dict[str, Value]):
    """A dict whose `offsets` hold, in order of the keys, where each key and its value start and end."""

    __slots__ = ("offsets",)

    def __init__(self) -> None:
        super().__init__()
        self.offsets = array("I")

    def put(self, key: str, value: Value, at: TextRange, value_at: TextRange) -> None:
        """Add `key`, which must be new."""
        self[key] = value
        self.offsets.extend((*at, *value_at))

    def key_at(self, key: str) -> TextRange:
        """Where `key` is written."""
        first = self._first_offset(key)
        return TextRange(self.offsets[first], self.offsets[first + 1])

    def value_at(self, key: str) -> TextRange:
        """Where the value of `key` is written."""
        first = self._first_offset(key) + 2
        return TextRange(self.offsets[first], self.offsets[first + 1])

    def _first_offset(self, key: str) -> int:
        return OFFSETS_PER_ENTRY * list(self).index(key)

    def ranges(self) -> dict[str, tuple[TextRange, TextRange]]:
        """Where each key and its value are written."""
        offsets = self.offsets
        return {
            key: (TextRange(offsets[at], offsets[at + 1]), TextRange(offsets[at + 2], offsets[at + 3]))
            for key, at in zip(self, range(0, len(offsets), OFFSETS_PER_ENTRY), strict=True)
        }


class YamlSequence(list[Value]):
    """A list whose `offsets` hold where each item starts and ends."""

    __slots__ = ("offsets",)

    def __init__(self) -> None:
        super().__init__()
        self.offsets = array("I")

    def item_at(self, index: int) -> TextRange:
        """Where the item at `index` is written."""
        first = OFFSETS_PER_ITEM * index
        return TextRange(self.offsets[first], self.offsets[first + 1])


def shifted(value: Value, by: int) -> Value:
    """A copy of `value` with every offset `by` further on; what was one node stays one."""
    return _shifted(value, by, {})


def _shifted(value: Value, by: int, done: dict[int, Value]) -> Value:
    if not isinstance(value, YamlMapping | YamlSequence):
        return value
    if id(value) in done:
        return done[id(value)]
    copy: YamlMapping | YamlSequence
    if isinstance(value, YamlMapping):
        copy = YamlMapping()
        copy.update({key: _shifted(item, by, done) for key, item in value.items()})
    else:
        copy = YamlSequence()
        copy.extend(_shifted(item, by, done) for item in value)
    copy.offsets.extend(offset + by for offset in value.offsets)
    done[id(value)] = copy
    return copy
