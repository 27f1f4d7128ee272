"""Provenance: which layer of the manifests a value of an exam comes from, and where it is written."""

import enum
from collections.abc import Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address


class Layer(enum.Enum):
    """The part of the manifests that holds a value, highest precedence first.

    A section wins over its exam, an exam over its profiles, and these over defaults.
    """

    SECTION = "section"
    EXAM = "exam"
    PROFILE = "profile"
    DEFAULTS = "defaults"
    FILE = "file"
    ENVIRONMENT = "environment"


class ValueSource(Struct, frozen=True, kw_only=True):
    """The layer that one value comes from, and where it is written.

    `name` is that of the section, profile or environment; None for other layers. `position` is None if the
    environment was not read from a file.
    """

    layer: Layer
    position: Position | None
    name: str | None = None

    @property
    def layer_words(self) -> str:
        """The layer with its name, such as `profile lab`."""
        return self.layer.value if self.name is None else f"{self.layer.value} {self.name}"

    def __str__(self) -> str:
        if self.position is None:
            return self.layer_words
        return f"{self.layer_words}, {self.position.file}:{self.position.line}"


Provenance: TypeAlias = Mapping[str, ValueSource]
"""The source of each value of an exam, by dotted path; a list is one value, and so is a password."""

NO_PROVENANCE: Final[Mapping[Address, Provenance]] = {}
"""For a plan whose provenance is unknown."""
