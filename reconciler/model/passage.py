"""Marks of a state that changes its place: one on the old place, one on the new, never none on both."""

import enum

from msgspec import Struct


class Passage(enum.Enum):
    """In which way a place is not the state's own; the values are those of the state's format."""

    MOVING_FROM = "movingFrom"
    """The new place, before the old one is marked: the state is still there."""
    MOVED_TO = "movedTo"
    """The old place: what it holds is history."""


class Mark(Struct, frozen=True, kw_only=True):
    """What stands in a state that is not to be used; `elsewhere` is the other place's URL as given."""

    passage: Passage
    elsewhere: str
