"""Where secrets come from: environment variables, files below one directory, or the manifest itself.

Promise: a value is read only when `apply` asks for it, and no error holds one. May import: `model`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

from reconciler.model.secrets import EnvSecret, FileSecret, InlineSecret, Secret

_LARGEST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Finds the values of secrets; implements `ports.SecretSource`. `directory` is None where not given."""

    environment: Mapping[str, str]
    directory: Path | None = None

    def value_of(self, secret: Secret) -> str:
        """The secret's value. Raises LookupError with a reason that does not hold it, if there is none."""
        match secret:
            case InlineSecret():
                return secret.value
            case EnvSecret():
                return self._from_environment(secret.name)
            case FileSecret():
                return self._from_file(secret.path)
            case _:
                assert_never(secret)

    def _from_environment(self, name: str) -> str:
        value = self.environment.get(name)
        if not value:
            raise LookupError(f"{name} is not set" if value is None else f"{name} is empty")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise LookupError(f"{name} is not UTF-8") from error
        return value

    def _from_file(self, path: str) -> str:
        if self.directory is None:
            raise LookupError(f"file {path} needs --secrets-dir")
        try:
            root = self.directory.resolve(strict=True)
            target = (root / path).resolve(strict=True)
            if not target.is_relative_to(root):
                raise LookupError(f"file {path} leads out of the secrets directory")
            if not target.is_file():  # a pipe would be waited for under the lock
                raise LookupError(f"file {path} is not a regular file")
            with target.open("rb") as file:
                data = file.read(_LARGEST_BYTES + 1)
        except OSError as error:
            raise LookupError(f"file {path} cannot be read: {error.strerror or error}") from error
        return _decode(data, path)


def _decode(data: bytes, path: str) -> str:
    if len(data) > _LARGEST_BYTES:
        raise LookupError(f"file {path} is larger than {_LARGEST_BYTES // 1024} KiB")
    try:
        value = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # Not chained: the decoder's error carries the bytes that it stumbled on.
        raise LookupError(f"file {path} is not UTF-8") from None
    if not value:
        raise LookupError(f"file {path} is empty")
    return value
