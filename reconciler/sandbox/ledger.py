"""The exams created so far, in memory and, if configured, in a file that the next sandbox reads."""

import copy
import errno
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, ValidationError, convert, to_builtins

from reconciler.sandbox.settings import SandboxUnusable

MASK: Final = "***"
"""Replaces every password: the sandbox never keeps one."""

_FILE_MODE: Final = 0o600


class CreatedExam(Struct, frozen=True, kw_only=True, rename="camel"):
    """A created exam; `body` is the request body with its password masked."""

    sid: str
    application_install_sid: str
    course_sid: str
    created_date: str
    body: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return a copy of the exam as stored and listed."""
        members: dict[str, Any] = to_builtins(self)
        return members


class Ledger:
    """Exams in order of creation. `add` returns once its exam is durable in `file`, if there is a file."""

    def __init__(self, exams: list[CreatedExam], file: FileIO | None) -> None:
        self._exams = exams
        self._file = file

    @property
    def exams(self) -> tuple[CreatedExam, ...]:
        """Every exam, oldest first."""
        return tuple(self._exams)

    def add(self, install_sid: str, course_sid: str, body: Mapping[str, Any]) -> CreatedExam:
        """Create an exam of `body`, with a new SID, and return it."""
        exam = CreatedExam(
            sid=f"EX{secrets.token_hex(16)}",
            application_install_sid=install_sid,
            course_sid=course_sid,
            created_date=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            body=_masked(body),
        )
        if self._file is not None:
            _append(self._file, exam)
        self._exams.append(exam)
        return exam


@contextmanager
def open_ledger(store: Path | None) -> Iterator[Ledger]:
    """Open the ledger in the file `store`; None keeps exams in memory only.

    Raises SandboxUnusable if the file is unusable, damaged, or in use by another sandbox.
    """
    if store is None:
        yield Ledger([], None)
        return
    try:
        file = _open_exclusively(store)
    except OSError as error:
        raise SandboxUnusable(f"cannot keep exams in {store}: {error.strerror}") from error
    with file:
        yield Ledger(_read(file, store), file)


def _open_exclusively(store: Path) -> FileIO:
    try:
        import fcntl  # noqa: PLC0415 - Windows lacks it
    except ImportError as error:
        raise SandboxUnusable(
            "--store needs locks of files, which this system lacks; without it, exams are kept in memory"
        ) from error
    file = FileIO(os.open(store, os.O_RDWR | os.O_CREAT, _FILE_MODE), "r+")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise SandboxUnusable(f"cannot keep exams in {store}: not a regular file")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise SandboxUnusable(f"{store} belongs to another sandbox that is running") from error
    return file


def _read(file: FileIO, store: Path) -> list[CreatedExam]:
    data = file.read()
    whole = data.rfind(b"\n") + 1
    # A torn last line was never answered, so its exam does not exist.
    file.truncate(whole)
    file.seek(whole)
    return [_parse(line, f"{store}:{number}") for number, line in enumerate(data[:whole].splitlines(), 1)]


def _parse(line: bytes, place: str) -> CreatedExam:
    try:
        exam = convert(json.loads(line), CreatedExam)
        if not isinstance(exam.body.get("configuration"), dict):
            raise ValidationError("no configuration")
    except (ValueError, RecursionError) as error:
        raise SandboxUnusable(f"{place}: not an exam as a sandbox keeps it; use another file") from error
    return exam


def _append(file: FileIO, exam: CreatedExam) -> None:
    # Blocks the event loop on purpose: each exam is stored before its response.
    line = json.dumps(exam.as_json()).encode("ascii") + b"\n"
    start = file.tell()
    try:
        _write_whole(file, line)
        os.fsync(file.fileno())
    except OSError:
        # The create fails; the next line must not be appended to half of this one.
        file.truncate(start)
        file.seek(start)
        raise


def _write_whole(file: FileIO, line: bytes) -> None:
    if file.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _masked(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = copy.deepcopy(dict(body))
    configuration = kept.get("configuration")
    if isinstance(configuration, dict) and "password" in configuration:
        configuration["password"] = MASK
    return kept
