"""The key that answers are authenticated with: drawn on this machine, and useless on any other.

A pull request can bring a folder with a key and answers made with it. So beside the key lies a seal: which
file on which device the key is, and when the system last changed it, to the nanosecond. Whoever writes a
repository cannot know these before it is checked out, and a copy has others. Where the seal does not fit, all
is thrown away.
"""

import os
import secrets
import stat
from typing import Final

from reconciler.cache.folder import Folder

SUFFIX: Final = ".cache"

_KEY: Final = "key"
_SEAL: Final = "seal"
_SIZE_BYTES: Final = 32
_MOST_SEAL_BYTES: Final = 200
_PRIVATE: Final = 0o600


def key_in(folder: Folder) -> bytes | None:
    """The key of `folder`; None where there is none that was made here."""
    before = folder.status(_KEY)
    key = folder.read(_KEY, _SIZE_BYTES)
    if before is None or key is None or len(key) != _SIZE_BYTES or not _is_own(before):
        return None
    return (
        key if folder.read(_SEAL, _MOST_SEAL_BYTES) == _seal(before) == _seal(folder.status(_KEY)) else None
    )


def new_key_in(folder: Folder) -> bytes | None:
    """A new key for `folder`, in which no answer is left; None where it cannot be kept."""
    for name, _ in folder.by_use(SUFFIX):
        folder.remove(name)
    folder.remove(_SEAL)
    key = secrets.token_bytes(_SIZE_BYTES)
    try:
        folder.write(_KEY, key)
        folder.write(_SEAL, _seal(folder.status(_KEY)))
    except OSError:
        return None
    return key_in(folder)


def _is_own(status: os.stat_result) -> bool:
    return (
        stat.S_ISREG(status.st_mode)
        and stat.S_IMODE(status.st_mode) == _PRIVATE
        and status.st_uid == os.geteuid()
        and status.st_nlink == 1
    )


def _seal(status: os.stat_result | None) -> bytes:
    """What tells the key file apart from every other that there is or will be."""
    if status is None:
        return b""
    return f"{status.st_dev} {status.st_ino} {status.st_ctime_ns}\n".encode()
