"""Where secrets come from: environment variables, files below one directory, or the manifest itself.

A value is read only when it is needed, and no error message holds one. May import: `model`, `ports`.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final, assert_never

from msgspec import Struct

from reconciler.model.declarations import Declaration
from reconciler.model.identities import Address, AttemptId
from reconciler.model.secret_fingerprints import (
    FingerprintKey,
    SecretComparison,
    SecretComparisons,
    SecretFingerprints,
)
from reconciler.model.secrets import EnvSecret, FileSecret, InlineSecret, Secret, SecretUse
from reconciler.model.state import Entry
from reconciler.ports import SecretSource

LARGEST_BYTES: Final = 64 * 1024
_WITHOUT_WAITING: Final[int] = getattr(os, "O_NONBLOCK", 0)
"""Opening a pipe must not block, perhaps while the state is locked."""


class Secrets(Struct, frozen=True, kw_only=True):
    """Values of secrets; implements `ports.SecretSource`. `directory` is that of --secrets-dir, if given."""

    environment: Mapping[str, str]
    directory: Path | None = None

    def value_of(self, secret: Secret) -> str:
        """Return the secret's value. Raises LookupError, without the value in its message, if it has none."""
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
        with _opening(path), _opened_below(self.directory, path) as descriptor:
            return _text_of(descriptor, path)


def read_small_text(path: Path, name: str) -> str:
    """Return the text of the regular file at `path`, without a byte order mark and one newline at its end.

    Raises LookupError if it is another kind of file, is empty, is larger than 64 KiB, or is not UTF-8. The
    message calls the file `name` and holds nothing of its content. A pipe is refused at once.
    """
    with _opening(name):
        descriptor = os.open(path, os.O_RDONLY | _WITHOUT_WAITING)
        try:
            return _text_of(descriptor, name)
        finally:
            os.close(descriptor)


@contextmanager
def _opening(name: str) -> Iterator[None]:
    """Turn an OSError into a LookupError that names the file `name`."""
    try:
        yield
    except OSError as error:
        raise LookupError(f"file {name} cannot be read: {error.strerror or type(error).__name__}") from error


@contextmanager
def _opened_below(directory: Path, path: str) -> Iterator[int]:
    """Open the file at `path` below `directory`, and give its descriptor. `path` has no links and no `..`.

    Each folder is opened relative to the descriptor of the one above it, so that nobody can swap a folder
    for a link meanwhile. `directory` itself may be a link.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise LookupError(f"file {path} leads out of the secrets directory")
    if os.open not in os.supports_dir_fd:
        raise LookupError(f"file {path} cannot be opened safely on this operating system")
    with ExitStack() as open_files:

        def step(name: str | Path, flags: int, below: int | None = None) -> int:
            descriptor = os.open(name, os.O_RDONLY | flags, dir_fd=below)
            open_files.callback(os.close, descriptor)
            return descriptor

        here = step(directory, os.O_DIRECTORY)
        for name in parts[:-1]:
            _refuse_link(name, here, path)
            here = step(name, os.O_DIRECTORY | os.O_NOFOLLOW, here)
        _refuse_link(parts[-1], here, path)
        yield step(parts[-1], os.O_NOFOLLOW | _WITHOUT_WAITING, here)


def _refuse_link(name: str, below: int, path: str) -> None:
    """Raise LookupError for a link. O_NOFOLLOW refuses one that is made after this check."""
    if stat.S_ISLNK(os.stat(name, dir_fd=below, follow_symlinks=False).st_mode):
        raise LookupError(f"file {path} goes through a link, {name}: none is followed below --secrets-dir")


def _text_of(descriptor: int, name: str) -> str:
    """Return the text of an open file. Raises LookupError and OSError; see `read_small_text`."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise LookupError(f"file {name} is not a regular file")
    with open(descriptor, "rb", closefd=False) as file:
        data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise LookupError(f"file {name} is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Not chained: the decoder's error holds the bytes, which are secret.
        raise LookupError(f"file {name} is not UTF-8") from None
    value = text.removesuffix("\r\n" if text.endswith("\r\n") else "\n")
    if not value:
        raise LookupError(f"file {name} is empty")
    return value


def compare_secrets(
    tracked: Iterable[tuple[Declaration, Entry]], key: FingerprintKey, source: SecretSource
) -> SecretComparisons:
    """Compare the secrets of `tracked` exams with what was sent; it reads only values with a fingerprint."""
    return {
        exam.address: {use.dotted_path: _compared(use, entry, key, source) for use in exam.secrets}
        for exam, entry in tracked
    }


def present_fingerprints(
    exams: Iterable[tuple[Declaration, Entry]],
    key: FingerprintKey | None,
    source: SecretSource,
    new_attempt: Callable[[], AttemptId],
) -> dict[Address, SecretFingerprints]:
    """Return the fingerprints of the present secrets of `exams`, by address; nothing without a key.

    Exams without a secret are left out, and so are those with one that is not available. The attempt in an
    entry stays, so that an equal value has an equal fingerprint.
    """
    found: dict[Address, SecretFingerprints] = {}
    if key is None:
        return found
    for exam, entry in exams:
        with suppress(LookupError):
            values = {use.dotted_path: source.value_of(use.secret) for use in exam.secrets}
            if values:
                attempt = new_attempt() if entry.secrets is None else entry.secrets.attempt
                found[exam.address] = key.fingerprints_of(attempt, values)
    return found


def _compared(use: SecretUse, entry: Entry, key: FingerprintKey, source: SecretSource) -> SecretComparison:
    fingerprints, path = entry.secrets, use.dotted_path
    if fingerprints is None or path not in fingerprints.digests:
        return SecretComparison.UNTRACKED
    if not key.made(fingerprints):
        return SecretComparison.OTHER_KEY
    try:
        value = source.value_of(use.secret)
    except LookupError:
        return SecretComparison.UNAVAILABLE
    return SecretComparison.SAME if key.matches(fingerprints, path, value) else SecretComparison.DIFFERS
