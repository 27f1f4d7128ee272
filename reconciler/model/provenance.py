"""Provenance: which layer of the manifests a value of an exam comes from, and where it is written."""

import enum
from collections.abc import Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address


class Tracing(enum.Enum):
    """Whether provenance is gathered while manifests are read, which costs time."""

    OFF = "off"
    ON = "on"


class Layer(enum.Enum):
    """The part of the manifests that holds a value: an exam wins over its profiles, these over defaults."""

    EXAM = "exam"
    PROFILE = "profile"
    DEFAULTS = "defaults"
    FILE = "file"
    ENVIRONMENT = "environment"


class ValueSource(Struct, frozen=True, kw_only=True):
    """The layer that one value comes from, and where it is written.

    `name` is that of the profile or environment; None for other layers. `position` is None if the environment
    was not read from a file.
    """

    layer: Layer
    position: Position | None
    name: str | None = None

    def __str__(self) -> str:
        layer = self.layer.value if self.name is None else f"{self.layer.value} {self.name}"
        return layer if self.position is None else f"{layer}, {self.position.file}:{self.position.line}"


Provenance: TypeAlias = Mapping[str, ValueSource]
"""The source of each value of an exam, by dotted path; a list is one value, and so is a password."""

NO_PROVENANCE: Final[Mapping[Address, Provenance]] = {}
"""The provenance of a run that did not trace it."""
