"""Recovery files: what a run sent and what came back, on the local disk, until the store certainly has it.

Each run on a store elsewhere writes one file, in a folder that git ignores. It holds a flock on it, so that
another run can tell whether the file is still being written or was left behind.

An intent is written once the store has it, and an outcome before the store has it. So an intent without an
outcome of which the state knows nothing was lost by the store.
"""

import errno
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from reconciler.durable import HAS_LOCKS, READING, flush, flush_folder, read_file, try_lock, write_all
from reconciler.fault_points import Step, reach
from reconciler.model.errors import RecoveryRefused
from reconciler.model.records import IntentRecord, Record
from reconciler.state.recovery_format import Chain, OutcomeRecord, RecoveryHeader

RECOVERY: Final = "recovery"
"""The folder of recovery files in `.reconciler`, unless the user names another."""

_SUFFIX: Final = ".recovery"

_MAKING: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


class RecoveryFile:
    """The recovery file of this run, made by `make_recovery_file`. A disk that fails does not fail the run.

    `failure` is the last error of the disk; None if everything was kept. `is_owed` is True if the store may
    lack an outcome.
    """

    def __init__(self, path: Path, descriptor: int, key: bytes | None) -> None:
        self.path = path
        self.failure: OSError | None = None
        self.is_owed = False
        self._descriptor = descriptor
        self._chain = Chain(key=key)
        self._size_bytes = 0
        self._is_torn = False

    @property
    def is_empty(self) -> bool:
        """Whether the file has no records."""
        return self._chain.number <= 1

    def begin(self, header: RecoveryHeader) -> None:
        """Write the first line, durably. Raises OSError."""
        line, chain = self._chain.begin(header)
        self._append(line, chain, is_flushed=True)

    def keep_intents(self, records: Iterable[Record]) -> None:
        """Write the intents among `records`, which the store has; the next outcomes make them durable."""
        self._keep([record for record in records if isinstance(record, IntentRecord)], is_flushed=False)

    def keep_outcomes(self, records: Iterable[Record]) -> None:
        """Make the outcomes among `records` durable on this machine, or set `failure`."""
        self._keep(outcomes_of(records), is_flushed=True)

    def owe(self, records: Iterable[Record]) -> None:
        """Note that the store may lack the outcomes among `records`."""
        self.is_owed = self.is_owed or bool(outcomes_of(records))

    def close(self) -> None:
        """Close the file and keep it, for a later run to read."""
        os.close(self._descriptor)

    def discard(self) -> None:
        """Remove the file, as the store has all of its content.

        A file that cannot be removed does no harm.
        """
        with suppress(OSError):
            reach(Step.RECOVERY_DROP)
            self.path.unlink(missing_ok=True)
        self.close()

    def _keep(self, records: Sequence[Record], *, is_flushed: bool) -> None:
        lines, chain = [], self._chain
        for record in records:
            line, chain = chain.add(record)
            lines.append(line)
        try:
            if lines:
                self._append(b"".join(lines), chain, is_flushed=is_flushed)
        except OSError as error:
            self.failure = error

    def _append(self, data: bytes, chain: Chain, *, is_flushed: bool) -> None:
        """Append `data`, which ends at `chain`. After an OSError the next append first removes its part."""
        if self._is_torn:
            os.ftruncate(self._descriptor, self._size_bytes)
        self._is_torn = True
        write_all(self._descriptor, data, Step.RECOVERY_WRITE)
        if is_flushed:
            flush(self._descriptor, Step.RECOVERY_FLUSH)
        self._size_bytes += len(data)
        self._chain, self._is_torn = chain, False


def outcomes_of(records: Iterable[Record]) -> list[OutcomeRecord]:
    """Return the outcomes among `records`, in order."""
    return [record for record in records if isinstance(record, OutcomeRecord)]


def make_recovery_file(directory: Path, header: RecoveryHeader, *, key: bytes | None) -> RecoveryFile:
    """Make the recovery file of the run in `header`, in `directory`, flushed to disk.

    `key` is that of this machine, if it has one. Raises RecoveryRefused if the file cannot be made.
    """
    path = directory / f"{header.run}{_SUFFIX}"
    try:
        return _make(path, header, key)
    except OSError as error:
        raise RecoveryRefused(
            f"cannot make the recovery file {path} for {header.location}: {error.strerror or error}",
            hint="Nothing was sent. Make room there, or name a folder on a local disk that can be written "
            "with --recovery-dir DIR.",
        ) from error


def _make(path: Path, header: RecoveryHeader, key: bytes | None) -> RecoveryFile:
    reach(Step.RECOVERY_OPEN)
    folders = _make_folder(path.parent)
    descriptor = os.open(path, _MAKING, _MODE)
    file = RecoveryFile(path, descriptor, key)
    try:
        try_lock(descriptor)
        file.begin(header)
        reach(Step.RECOVERY_MADE)
        for folder in folders:
            flush_folder(folder)
    except OSError:
        file.discard()
        raise
    return file


def _make_folder(folder: Path) -> tuple[Path, ...]:
    """Make `folder`, with a .gitignore, if it does not exist; return the folders to flush.

    These are `folder` and the parents of all folders that were made. An existing folder gets no .gitignore.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    if made:
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
    return (folder, *(each.parent for each in made))


def read_leftover(path: Path) -> bytes:
    """Return the content of the recovery file `path`. Raises OSError if a run is still writing it."""
    with os.fdopen(os.open(path, READING), "rb") as file:
        if HAS_LOCKS and not try_lock(file.fileno()):
            raise BlockingIOError(errno.EWOULDBLOCK, "a run is still writing it")
        return read_file(path)


def recovery_paths(directory: Path) -> tuple[Path, ...]:
    """Return the paths of the recovery files in `directory`, sorted."""
    try:
        return tuple(sorted(directory.glob(f"*{_SUFFIX}")))
    except OSError:
        return ()
