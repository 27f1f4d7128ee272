"""Versions of states whose store has none of its own: the digest of their content."""

import hashlib

from reconciler.ports import Snapshot, Version


def version_of(data: bytes) -> Version:
    """What to name when replacing exactly `data`."""
    return Version(hashlib.sha256(data).hexdigest())


class Content(Snapshot):
    """A snapshot whose version is its content's, told when it is asked for: a plan never asks."""

    __slots__ = ()

    def __init__(self, data: bytes) -> None:
        object.__setattr__(self, "data", data)

    @property
    def version(self) -> Version:
        """The digest of the content."""
        return version_of(self.data)
