"""An exam merged over the defaults of its file, every value keeping the place where it was written."""

from collections.abc import Iterable
from typing import Final

from reconciler.manifest.passwords import FIELD
from reconciler.manifest.yaml_nodes import Mapping, Sequence, Value

COURSE_FIELDS: Final = ("course", "courseSid")


def merged(exam: Mapping, defaults: Mapping | None) -> Mapping:
    """`exam` over `defaults`: mappings deeply, all else replaced.

    Two ways of saying one thing do not mix: naming the course in the exam replaces either way of naming it in
    the defaults, and a password is replaced whole.
    """
    if not defaults:
        return exam
    hidden = COURSE_FIELDS if any(field in exam for field in COURSE_FIELDS) else ()
    return _over(exam, defaults, hidden)


def _over(upper: Mapping, lower: Mapping, hidden: Iterable[str] = ()) -> Mapping:
    result = Mapping()
    below = lower.stretches()
    for key, (key_at, value_at) in upper.stretches().items():
        value = upper[key]
        base = lower.get(key)
        if isinstance(value, Mapping) and isinstance(base, Mapping) and key != FIELD:
            value = _over(value, base)
        result.put(key, value, key_at, value_at)
    for key, (key_at, value_at) in below.items():
        if key not in upper and key not in hidden:
            result.put(key, lower[key], key_at, value_at)
    return result


def count_nodes(value: Value) -> int:
    """How many values are within `value`, itself included."""
    if isinstance(value, Mapping):
        return 1 + sum(map(count_nodes, value.values()))
    if isinstance(value, Sequence):
        return 1 + sum(map(count_nodes, value))
    return 1
