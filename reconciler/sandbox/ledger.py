"""The exams created so far, in memory and, where asked, in a file that outlives the sandbox."""

import copy
import errno
import fcntl
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
"""Stands wherever an exam had a password: the sandbox keeps that there was one, never which."""

_FILE_MODE: Final = 0o600


class CreatedExam(Struct, frozen=True, kw_only=True, rename="camel"):
    """A created exam; `body` is what was sent, its password masked."""

    sid: str
    application_install_sid: str
    course_sid: str
    created_date: str
    body: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the exam as it is stored and listed; a copy."""
        members: dict[str, Any] = to_builtins(self)
        return members


class Ledger:
    """Exams in order of creation. An exam is durable in `file`, where there is one, before `add` returns."""

    def __init__(self, exams: list[CreatedExam], file: FileIO | None) -> None:
        self._exams = exams
        self._file = file

    @property
    def exams(self) -> tuple[CreatedExam, ...]:
        """Every exam, the oldest first."""
        return tuple(self._exams)

    def add(self, install_sid: str, course_sid: str, body: Mapping[str, Any]) -> CreatedExam:
        """The exam that `body` has become, under a fresh SID."""
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
    """A ledger that holds what `store` holds and adds to it; None keeps exams in memory only.

    Raises SandboxUnusable where the file cannot be used, is damaged, or is another sandbox's.
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
    file = FileIO(os.open(store, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE), "r+")
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
    # A torn last line was never answered: the exam that it began does not exist.
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
    # Blocks the loop on purpose: exams are stored one by one, each before its answer.
    line = json.dumps(exam.as_json()).encode("ascii") + b"\n"
    start = file.tell()
    try:
        _write_whole(file, line)
        os.fsync(file.fileno())
    except OSError:
        # The create fails, so nothing of it may stay for the next line to be glued to.
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
