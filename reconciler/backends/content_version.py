"""Versions of states whose store has none of its own: the digest of their content."""

import hashlib

from reconciler.ports import Snapshot, Version


def version_of(data: bytes) -> Version:
    """What to name when replacing exactly `data`."""
    return Version(hashlib.sha256(data).hexdigest())


def snapshot_of(data: bytes) -> Snapshot:
    """Return `data` with its version."""
    return Snapshot(data=data, version=version_of(data))
