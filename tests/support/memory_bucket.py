"""A bucket in memory whose calls fail, arrive late or twice, as a test plans it.

As on S3, the version of an object depends on its content alone.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.model.errors import OutcomeUnknown, StateUnavailable
from reconciler.stores.bucket_calls import Listed, PutRefused, StoredObject


@dataclass
class Objects:
    """What the clients share: bytes and time of change by key, the store's clock, and puts on their way."""

    held: dict = field(default_factory=dict)
    now: datetime = datetime(2031, 9, 1, tzinfo=UTC)
    late: list = field(default_factory=list)

    def put(self, key, data, replacing):
        """Put an object under a condition; return its version."""
        present = self.held.get(key)
        if (present and version(present[0])) != replacing:
            raise PutRefused
        self.now += timedelta(seconds=1)
        self.held[key] = (data, self.now)
        return version(data)

    def arrive(self, which):
        """A put that was given up long ago reaches the store."""
        with suppress(PutRefused):
            self.put(*self.late.pop(which % len(self.late)))


class MemoryBucket:
    """A client; its calls meet the `fates` in turn, then none.

    `before` and `late`: the call fails, and is not yet done; `after`: it is done, and fails all the same;
    `twice`: it is done twice, and the second answer is heard. A function is called before the call is done.
    """

    location = "memory:"

    def __init__(self, objects, fates=()):
        self.objects = objects
        self.fates = list(fates)

    def get(self, key):
        """Return an object."""
        self._meet(lambda: None)
        found = self.objects.held.get(key)
        return found and StoredObject(data=found[0], tag=version(found[0]))

    def get_all(self, keys):
        """Return several."""
        return [self.get(key) for key in keys]

    def put(self, key, data, *, replacing):
        """Put an object."""
        fate = self._meet(lambda: self.objects.put(key, data, replacing))
        if fate == "late":
            self.objects.late.append((key, data, replacing))
            raise OutcomeUnknown("made up", hint="made up")
        return self.objects.put(key, data, replacing)

    def listing(self, folder):
        """List the objects below `folder`."""
        self._meet(lambda: None)
        return [
            Listed(key=key, size_bytes=len(data), changed_at=changed_at)
            for key, (data, changed_at) in sorted(self.objects.held.items())
            if key.startswith(f"{folder}/")
        ]

    def remove(self, keys):
        """Remove objects."""
        self._meet(lambda: None)
        for key in keys:
            self.objects.held.pop(key, None)

    def _meet(self, change):
        fate = self.fates.pop(0) if self.fates else "fine"
        if callable(fate):
            fate()
        if fate == "before":
            raise StateUnavailable("made up", hint="made up")
        if fate in {"after", "twice"}:
            with suppress(PutRefused):
                change()
        if fate == "after":
            raise OutcomeUnknown("made up", hint="made up")
        return fate


def version(data):
    """Return the e-tag of `data`."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
