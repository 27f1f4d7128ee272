"""The key of this machine, which shows that a file in the workspace was written here.

A pull request can put files into a workspace. It cannot know the key, which is outside of it.
"""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from reconciler.durable import READING, replace_file

_SIZE_BYTES: Final = 32
_FOLDER_MODE: Final = 0o700
_OF_OTHERS: Final = 0o077


def machine_key(*, root: Path, is_needed: bool) -> bytes | None:
    """Return this machine's key, made now if it `is_needed` and there is none; None if there can be none.

    It is `$XDG_STATE_HOME/reconciler/machine-key`, by default below ~/.local/state. A key is not used if it
    is in the workspace at `root`, or if others can read it.
    """
    path = _path()
    if path is None or path.is_relative_to(root.resolve()):
        return None
    try:
        if is_needed and not path.exists():
            path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            replace_file(path, secrets.token_bytes(_SIZE_BYTES))
        return _read(path)
    except OSError:
        return None


def _path() -> Path | None:
    folder = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        if not folder.is_absolute():  # as the XDG Base Directory Specification says
            folder = Path.home() / ".local" / "state"
        return folder.resolve() / "reconciler" / "machine-key"
    except (OSError, RuntimeError):  # no home, or a loop of links
        return None


def _read(path: Path) -> bytes | None:
    descriptor = os.open(path, READING)
    try:
        found = os.fstat(descriptor)
        is_private = stat.S_ISREG(found.st_mode) and not found.st_mode & _OF_OTHERS
        key = os.read(descriptor, _SIZE_BYTES + 1)
    finally:
        os.close(descriptor)
    return key if is_private and found.st_uid == os.geteuid() and len(key) == _SIZE_BYTES else None
