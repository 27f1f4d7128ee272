"""Secrets: references to where a value comes from; a value itself is never printable.

A payload holds each secret as the mapping of `reference`; only `apply` reads its value.
"""

from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.model.payloads import Json

SECRET_VARIABLE_PREFIX: Final = "EXAM_SECRET_"  # noqa: S105 - a prefix of names, not a secret


class Unprintable(Struct, frozen=True):
    """A value that holds a secret: its `repr` names the class and shows no field."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


class EnvSecret(Struct, frozen=True):
    """A secret held by an environment variable."""

    name: str

    @property
    def reference(self) -> Json:
        """The JSON that stands for the secret in payload, state and plan."""
        return {"fromEnv": self.name}


class FileSecret(Struct, frozen=True):
    """A secret held by a file; `path` is relative to the secrets directory."""

    path: str

    @property
    def reference(self) -> Json:
        """The JSON that stands for the secret in payload, state and plan."""
        return {"fromFile": self.path}


class InlineSecret(Unprintable, frozen=True):
    """A secret written literally in a manifest: allowed with a warning, never shown."""

    value: str

    @property
    def reference(self) -> Json:
        """The JSON that stands for the secret in payload, state and plan: nothing of its value."""
        return {"inline": True}


Secret: TypeAlias = EnvSecret | FileSecret | InlineSecret


class SecretUse(Struct, frozen=True):
    """A place in a payload that a secret fills; `path` is its keys from the outermost one."""

    path: tuple[str, ...]
    secret: Secret

    @property
    def dotted_path(self) -> str:
        """The path with dots, such as `configuration.password`."""
        return ".".join(self.path)
