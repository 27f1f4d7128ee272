"""Locks of a state: who holds one, and what is known of that run."""

import enum

from msgspec import Struct

from reconciler.model.instants import spell_instant
from reconciler.model.stored_values import Instant, StoredValue


class LockInfo(StoredValue, frozen=True, kw_only=True):
    """Who holds a lock; `since` is in UTC."""

    lock_id: str
    who: str
    host: str
    pid: int
    since: Instant
    command: str

    def __str__(self) -> str:
        since = spell_instant(self.since, to="seconds")
        return (
            f"{self.who} on {self.host} (process {self.pid}, since {since}, `{self.command}`, "
            f"lock id {self.lock_id})"
        )


class Liveness(enum.Enum):
    """What is known about the run that took a lock."""

    ALIVE = "it goes on"
    ENDED = "it has certainly ended"
    UNKNOWN = "nobody here can know"


class LockHolder(Struct, frozen=True, kw_only=True):
    """A lock as another run sees it. `info` is a text for a lock that only the store's server knows."""

    info: LockInfo | str
    liveness: Liveness

    def __str__(self) -> str:
        return str(self.info)


class Breaking(enum.Enum):
    """Which locks an `unlock` may break."""

    DEAD = "of a run that has ended, or of which nobody can know"
    EVEN_LIVE = "also of a run that certainly goes on"
