"""Where secrets come from: environment variables, files below one directory, or the manifest itself.

Promise: a value is read only when it is asked for, and no error holds one. May import: `model`, `ports`.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Final, assert_never

from reconciler.model.declarations import Declaration
from reconciler.model.secret_marks import MarkingKey, Sighting
from reconciler.model.secrets import EnvSecret, FileSecret, InlineSecret, Secret, SecretUse
from reconciler.model.state import Entry
from reconciler.ports import SecretSource
from reconciler.values import dataclass

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
            with _opened(self.directory, path) as descriptor:
                data = _read(descriptor)
        except OSError as error:
            raise LookupError(f"file {path} cannot be read: {_reason(error)}") from error
        return _decode(data, path)


@contextmanager
def _opened(directory: Path, path: str) -> Iterator[int]:
    """A descriptor of the file at `path`, reached from `directory` step by step, through no link and no dots.

    Each step is taken from the descriptor of the last, so that nothing can be exchanged in between. The
    directory itself may be a link.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise LookupError(f"file {path} leads out of the secrets directory")
    with ExitStack() as open_files:

        def step(name: str | Path, flags: int, below: int | None = None) -> int:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=below)
            open_files.callback(os.close, descriptor)
            return descriptor

        here = step(directory, os.O_DIRECTORY)
        for name in parts[:-1]:
            _refuse_link(name, here, path)
            here = step(name, os.O_DIRECTORY | os.O_NOFOLLOW, here)
        _refuse_link(parts[-1], here, path)
        without_waiting = os.O_NONBLOCK  # for a pipe, which would be waited for under the lock
        found = step(parts[-1], os.O_NOFOLLOW | without_waiting, here)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise LookupError(f"file {path} is not a regular file")
        yield found


def _refuse_link(name: str, below: int, path: str) -> None:
    """Say that a link is one; should it become one only now, O_NOFOLLOW still refuses it."""
    if stat.S_ISLNK(os.stat(name, dir_fd=below, follow_symlinks=False).st_mode):
        raise LookupError(f"file {path} goes through a link, {name}: none is followed below --secrets-dir")


def _read(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read(_LARGEST_BYTES + 1)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def sightings_of(
    declaration: Declaration, entry: Entry, key: MarkingKey, source: SecretSource
) -> dict[str, Sighting]:
    """What is known of each secret of `declaration`, by path; a value is read only where a mark is there."""
    return {use.dotted_path: _sighting(use, entry, key, source) for use in declaration.secrets}


def _sighting(use: SecretUse, entry: Entry, key: MarkingKey, source: SecretSource) -> Sighting:
    marks, path = entry.secrets, use.dotted_path
    if marks is None or path not in marks.digests:
        return Sighting.UNTRACKED
    if not key.has_made(marks):
        return Sighting.OTHER_KEY
    try:
        value = source.value_of(use.secret)
    except LookupError:
        return Sighting.UNAVAILABLE
    return Sighting.SAME if key.is_mark_of(marks, path, value) else Sighting.DIFFERS


def _decode(data: bytes, path: str) -> str:
    if len(data) > _LARGEST_BYTES:
        raise LookupError(f"file {path} is larger than {_LARGEST_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        # Not chained: the decoder's error carries the bytes that it stumbled on.
        raise LookupError(f"file {path} is not UTF-8") from None
    value = text.removesuffix("\r\n" if text.endswith("\r\n") else "\n")
    if not value:
        raise LookupError(f"file {path} is empty")
    return value
