"""Secrets: where a value comes from, and never the value itself where it could be printed.

A payload carries a secret as the small mapping that `reference` gives; its value is found in `apply` only.
"""

from typing import Final, TypeAlias

from reconciler.model.payloads import Json
from reconciler.values import dataclass, field

SECRET_VARIABLE_PREFIX: Final = "EXAM_SECRET_"  # noqa: S105 - a prefix of names, not a secret


@dataclass(frozen=True, slots=True)
class EnvSecret:
    """A secret held by an environment variable."""

    name: str

    @property
    def reference(self) -> Json:
        """What payload, state and plan hold in the secret's place."""
        return {"fromEnv": self.name}


@dataclass(frozen=True, slots=True)
class FileSecret:
    """A secret held by a file; `path` is relative to the secrets directory."""

    path: str

    @property
    def reference(self) -> Json:
        """What payload, state and plan hold in the secret's place."""
        return {"fromFile": self.path}


@dataclass(frozen=True, slots=True)
class InlineSecret:
    """A secret written literally in a manifest: allowed, warned about, never shown."""

    value: str = field(repr=False)

    @property
    def reference(self) -> Json:
        """What payload, state and plan hold in the secret's place: nothing of its value."""
        return {"inline": True}


Secret: TypeAlias = EnvSecret | FileSecret | InlineSecret


@dataclass(frozen=True, slots=True)
class SecretUse:
    """A place in a payload that a secret fills; `path` is its keys from the outermost one."""

    path: tuple[str, ...]
    secret: Secret

    @property
    def dotted_path(self) -> str:
        """The path in one word, such as `configuration.password`."""
        return ".".join(self.path)
