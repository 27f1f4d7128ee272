"""Partial exams merged over one another, every value keeping the place where it was written."""

from collections.abc import Collection, Sequence
from typing import Final

from reconciler.manifest.passwords import FIELD
from reconciler.manifest.yaml_nodes import Mapping, Value
from reconciler.manifest.yaml_nodes import Sequence as List

COURSE_FIELDS: Final = ("course", "courseSid")
CONTACT_FIELDS: Final = ("contactUser", "contactUserSid")
PROFILES: Final = "profiles"


def merged(upper: Mapping, lower: Mapping | None) -> Mapping:
    """`upper` over `lower`: mappings deeply, all else replaced.

    Two ways of saying one thing do not mix: naming the course, or the contact, above replaces either way of
    naming it below, and a password is replaced whole.
    """
    if not lower:
        return upper
    hidden = [
        field
        for fields in (COURSE_FIELDS, CONTACT_FIELDS)
        if any(field in upper for field in fields)
        for field in fields
    ]
    return _over(upper, lower, hidden)


def _over(upper: Mapping, lower: Mapping, hidden: Collection[str] = ()) -> Mapping:
    if upper.is_unmarked:
        return _over_unmarked(upper, lower, hidden)
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


def _over_unmarked(upper: Mapping, lower: Mapping, hidden: Collection[str]) -> Mapping:
    result = Mapping()
    result.update(upper)
    for key, base in lower.items():
        if key not in upper:
            if key not in hidden:
                result[key] = base
        elif base.__class__ is Mapping and key != FIELD and isinstance(value := upper[key], Mapping):
            result[key] = _over(value, base)
    return result


class Stack:
    """What the exams of one file are merged over: defaults, and profiles on top of them.

    `roots` are the files that define these, lowest first: those that are extended, then the file itself. The
    defaults of all are merged; of profiles of one name the highest counts.
    """

    def __init__(self, roots: Sequence[Mapping]) -> None:
        self.defaults = [defaults for root in roots if isinstance(defaults := root.get("defaults"), Mapping)]
        self.profiles: dict[str, Mapping] = {}
        for root in roots:
            self.profiles |= _profiles(root)
        below: Mapping | None = None
        for defaults in self.defaults:
            below = merged(defaults, below)
        self._below: dict[tuple[str, ...], Mapping | None] = {(): below}

    def below(self, profiles: tuple[str, ...] = ()) -> Mapping | None:
        """What an exam that lists `profiles` is merged over; None where that is nothing.

        Each of `profiles` must be known; the last wins.
        """
        if profiles not in self._below:
            below = self._below[()]
            for name in profiles:
                below = merged(self.profiles[name], below)
            self._below[profiles] = below
        return self._below[profiles]


def _profiles(root: Mapping) -> dict[str, Mapping]:
    profiles = root.get(PROFILES)
    if not isinstance(profiles, Mapping):
        return {}
    return {name: value for name, value in profiles.items() if isinstance(value, Mapping)}


def count_nodes(value: Value) -> int:
    """How many values are within `value`, itself included."""
    if isinstance(value, Mapping):
        return 1 + sum(map(count_nodes, value.values()))
    if isinstance(value, List):
        return 1 + sum(map(count_nodes, value))
    return 1
