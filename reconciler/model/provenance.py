"""Origins: which layer of the manifests a value of an exam comes from, and where it is written."""

import enum
from collections.abc import Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address


class Tracing(enum.Enum):
    """Whether the origins of values are gathered while manifests are read, which costs time."""

    OFF = "off"
    ON = "on"


class Layer(enum.Enum):
    """What holds a value; an exam wins over its profiles, these over defaults."""

    EXAM = "exam"
    PROFILE = "profile"
    DEFAULTS = "defaults"
    FILE = "file"
    ENVIRONMENT = "environment"


class Origin(Struct, frozen=True, kw_only=True):
    """Where one value comes from.

    `name` is that of the profile or environment; None for other layers. `position` is None where the
    environment was not read from a file.
    """

    layer: Layer
    position: Position | None
    name: str | None = None

    def __str__(self) -> str:
        layer = self.layer.value if self.name is None else f"{self.layer.value} {self.name}"
        return layer if self.position is None else f"{layer}, {self.position.file}:{self.position.line}"


Origins: TypeAlias = Mapping[str, Origin]
"""The origins of an exam's values by their dotted paths; a list, and a password, is one value."""

NO_ORIGINS: Final[Mapping[Address, Origins]] = {}
"""What is known of origins where nobody asked for them."""
