"""Plain Python values that remember where they were written.

A mark is an offset into the text; `SourceText` turns it into a line and a column. Marks are kept packed,
because a large manifest has half a million of them.
"""

import enum
from array import array
from typing import Final, NamedTuple, TypeAlias

MARKS_A_KEY: Final = 4
MARKS_AN_ITEM: Final = 2


class Broken(enum.Enum):
    """Stands for a value that was reported already, so that nothing complains about it again.

    Its own value is nothing that JSON has, so that jsonschema-rs, which looks into enums, does not accept it.
    """

    BROKEN = object()


BROKEN: Final = Broken.BROKEN

Value: TypeAlias = "Mapping | Sequence | str | int | float | bool | Broken | None"


class Stretch(NamedTuple):
    """From one offset up to, and without, another."""

    start: int
    end: int


class Mapping(dict[str, Value]):
    """A dict whose `marks` hold, in order of the keys, where each key and its value start and end."""

    __slots__ = ("marks",)

    def __init__(self) -> None:
        super().__init__()
        self.marks = array("I")

    def put(self, key: str, value: Value, at: Stretch, value_at: Stretch) -> None:
        """Add `key`, which must be new."""
        self[key] = value
        self.marks.extend((*at, *value_at))

    def key_at(self, key: str) -> Stretch:
        """Where `key` is written."""
        first = self._first_mark(key)
        return Stretch(self.marks[first], self.marks[first + 1])

    def value_at(self, key: str) -> Stretch:
        """Where the value of `key` is written."""
        first = self._first_mark(key) + 2
        return Stretch(self.marks[first], self.marks[first + 1])

    def _first_mark(self, key: str) -> int:
        return MARKS_A_KEY * list(self).index(key)

    def stretches(self) -> dict[str, tuple[Stretch, Stretch]]:
        """Where each key and its value are written."""
        marks = self.marks
        return {
            key: (Stretch(marks[at], marks[at + 1]), Stretch(marks[at + 2], marks[at + 3]))
            for key, at in zip(self, range(0, len(marks), MARKS_A_KEY), strict=True)
        }


class Sequence(list[Value]):
    """A list whose `marks` hold where each item starts and ends."""

    __slots__ = ("marks",)

    def __init__(self) -> None:
        super().__init__()
        self.marks = array("I")

    def item_at(self, index: int) -> Stretch:
        """Where the item at `index` is written."""
        first = MARKS_AN_ITEM * index
        return Stretch(self.marks[first], self.marks[first + 1])


def moved(value: Value, by: int) -> Value:
    """A copy of `value` with every mark `by` further on; what was one node stays one."""
    return _moved(value, by, {})


def _moved(value: Value, by: int, done: dict[int, Value]) -> Value:
    if not isinstance(value, Mapping | Sequence):
        return value
    if id(value) in done:
        return done[id(value)]
    copy: Mapping | Sequence
    if isinstance(value, Mapping):
        copy = Mapping()
        copy.update({key: _moved(item, by, done) for key, item in value.items()})
    else:
        copy = Sequence()
        copy.extend(_moved(item, by, done) for item in value)
    copy.marks.extend(mark + by for mark in value.marks)
    done[id(value)] = copy
    return copy
