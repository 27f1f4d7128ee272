"""Read saved plans, and write plans and reports; none is written through a link."""

import argparse
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final

from reconciler.cli.arguments import below_root, root_of
from reconciler.cli.similar_files import question_about
from reconciler.model.errors import UsageError
from reconciler.outputs.json.plan import SavedPlan, decode_plan

_HEAD_BYTES: Final = 200
_STREAM: Final = re.compile(r"/dev/(?:stdout|stderr|fd/[0-9]+)|/proc/self/fd/[0-9]+")
"""Links to the streams of this process, which may be written to."""


def read_plan(parsed: argparse.Namespace, path: Path) -> SavedPlan:
    """Return the saved plan at `path`. Raises UsageError if there is none."""
    target = below_root(parsed, path)
    if not target.is_file():
        raise UsageError(
            f"{path} is not a file",
            hint=f"{question_about(target)}Name a plan that `reconciler plan --out FILE` wrote.",
        )
    return decode_plan(target.read_bytes(), name=str(path))


def write_document(parsed: argparse.Namespace, path: Path, document: str, *, option: str = "--out") -> None:
    """Write a plan or a report to the `path` of `option`, atomically unless it is a pipe or a device.

    Raises UsageError, and writes nothing, if `path` is a link or a file of another kind, such as the state.
    """
    target = below_root(parsed, path)
    try:
        status = _status_of(target)
        if _STREAM.fullmatch(str(target)) or _is_stream(status):
            with target.open("a", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(document)
            return
        _refuse_links(parsed, path, target, status, option)
        if status is not None and not _is_replaceable(target):
            raise _refusal(f"{option} {path}", "already exists and is neither a plan nor a report")
        _replace(target, document.encode("utf-8", "backslashreplace"), status)
    except OSError as error:
        raise UsageError(
            f"{option} {path} cannot be written: {error.strerror or error}",
            hint="Name a file in a directory that exists and is writable.",
        ) from error


def _status_of(target: Path) -> os.stat_result | None:
    """Return the status of `target` without following a link, or None if nothing is there."""
    try:
        return target.lstat()
    except FileNotFoundError:
        return None


def _is_stream(status: os.stat_result | None) -> bool:
    return status is not None and (stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode))


def _refuse_links(
    parsed: argparse.Namespace, path: Path, target: Path, status: os.stat_result | None, option: str
) -> None:
    """Raise UsageError if `target` is a link, or if a link in its path leads out of the workspace."""
    if status is not None and stat.S_ISLNK(status.st_mode):
        raise _refusal(f"{option} {path}", "is a link")
    root = root_of(parsed)
    is_inside = Path(os.path.abspath(target)).is_relative_to(os.path.abspath(root))  # noqa: PTH100 - links stay
    if is_inside and not target.parent.resolve().is_relative_to(root.resolve()):
        raise _refusal(f"{option} {path}", "leads out of the workspace through a link")


def _refusal(named: str, why: str) -> UsageError:
    return UsageError(f"{named} {why}", hint="Nothing was written. Choose another name.")


def _is_replaceable(target: Path) -> bool:
    """Return whether `target` is an empty file, a saved plan or a report."""
    if not target.is_file():
        return False
    with target.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    is_json = b'"formatVersion": "' in head and (b'"summary"' in head or b'"destination"' in head)
    return not head or is_json or head.startswith(b"<!-- reconciler:")


def _replace(target: Path, data: bytes, status: os.stat_result | None) -> None:
    """Write `data` to a new file and rename it to `target`, with the permissions of an earlier `target`."""
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            if status is not None:
                part.chmod(stat.S_IMODE(status.st_mode))
            file.write(data)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
