"""What every store says in the same words: of locks, of late writes, of URLs that name no store."""

from typing import Final

from reconciler.model.errors import StateConflict, StateLocked, StateUnavailable, UnlockRefused
from reconciler.ports import Breaking, Liveness, LockHolder

FILE_HINT: Final = "Write it as file:PATH, for example file:exams.state.json."


def conflict(location: str) -> StateConflict:
    """The snapshot is no longer the one that a write was to replace."""
    return StateConflict(
        f"{location} was written by somebody else in between",
        hint="Nothing was overwritten. Plan again on the state as it is now.",
        location=location,
    )


def shortened(location: str) -> StateUnavailable:
    """The journal lacks what this run put there."""
    return StateUnavailable(
        f"the journal of {location} was removed or cut while this run was writing it",
        hint="Put it back: it holds what state does not have yet.",
        location=location,
    )


def lock_taken_away(location: str) -> StateUnavailable:
    """The lock was broken, or its place was taken by another's."""
    return StateUnavailable(
        f"the lock of {location} was taken away from this run",
        hint="Somebody ran `reconciler unlock` or removed the lock. This run sends "
        "and records nothing more; what it had in flight is in doubt. See `reconciler plan`.",
        location=location,
    )


def locked(location: str, holder: LockHolder) -> StateLocked:
    """`holder` keeps others out."""
    ending = f"`reconciler unlock {holder.info.lock_id}`" if holder.info is not None else "`unlock`"
    remedy = "Should it hang" if holder.liveness is Liveness.ALIVE else "Should that run have ended"
    return StateLocked(
        f"{location} is locked by {holder}",
        hint="Wait for it to end, or give --lock-timeout SECONDS to wait here. "
        f"{remedy}: {ending} {'tells more' if holder.liveness is Liveness.ALIVE else 'breaks its lock'}.",
        location=location,
        holder=str(holder),
    )


def not_locked(location: str) -> UnlockRefused:
    """There is no lock."""
    return UnlockRefused(f"{location} is not locked", hint="There is nothing to break.")


def refuse_unbreakable(
    location: str, lock_place: str, holder: LockHolder, lock_id: str, breaking: Breaking
) -> None:
    """Nothing, if the lock may be broken. Raises UnlockRefused; `lock_place` is where the lock is kept."""
    if holder.info is None:
        raise UnlockRefused(
            f"{lock_place} does not say who holds the lock of {location}",
            hint="Nothing was changed. Once no run works on this state, remove it.",
        )
    if holder.info.lock_id != lock_id:
        raise UnlockRefused(
            f"{location} is locked by {holder}, not by the lock {lock_id}",
            hint="Nothing was changed. Look whether that run is still at work.",
        )
    if holder.liveness is Liveness.ALIVE and breaking is Breaking.DEAD:
        raise UnlockRefused(
            f"{location} is locked by {holder}, and that process is alive",
            hint="Nothing was changed. Wait for it or end it; its lock ends with it. If neither is "
            "possible, add --force: it can then record nothing more, and what it has in flight will be "
            "in doubt.",
        )
