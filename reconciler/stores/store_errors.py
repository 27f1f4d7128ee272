"""Errors that all stores raise: about locks, conflicting writes and journals that were cut."""

from typing import Final

from reconciler.model.errors import StateConflict, StateLocked, StateUnavailable, UnlockRefused
from reconciler.ports import Breaking, Liveness, LockHolder

FILE_HINT: Final = "Write it as file:PATH, for example file:exams.state.json."


def conflict(location: str) -> StateConflict:
    """Return the error for a write whose snapshot is no longer the one that it was to replace."""
    return StateConflict(
        f"{location} was changed by somebody else since it was read",
        hint="Nothing was overwritten. Plan again on the state as it is now.",
        location=location,
    )


def shortened(location: str) -> StateUnavailable:
    """Return the error for a journal that lacks what this run wrote to it."""
    return StateUnavailable(
        f"the journal of {location} was removed or cut while this run was writing it",
        hint="Put it back: it holds what state does not have yet.",
        location=location,
    )


def lock_taken_away(location: str) -> StateUnavailable:
    """Return the error for a change by a run whose lock was broken or removed."""
    return StateUnavailable(
        f"the lock of {location} was taken away from this run",
        hint="Somebody ran `reconciler unlock` or removed the lock. This run sends "
        "and records nothing more; what it had in flight is in doubt. See `reconciler plan`.",
        location=location,
    )


def locked(location: str, holder: LockHolder) -> StateLocked:
    """Return the error for a lock that `holder` has."""
    ending = f"`reconciler unlock {holder.info.lock_id}`" if holder.info is not None else "`unlock`"
    remedy = "If it hangs" if holder.liveness is Liveness.ALIVE else "If that run has ended"
    return StateLocked(
        f"{location} is locked by {holder}",
        hint="Wait for it to end, or give --lock-timeout SECONDS to wait here. "
        f"{remedy}: {ending} {'tells more' if holder.liveness is Liveness.ALIVE else 'breaks its lock'}.",
        location=location,
        holder=str(holder),
    )


def not_locked(location: str) -> UnlockRefused:
    """Return the error for breaking a lock when nobody holds one."""
    return UnlockRefused(f"{location} is not locked", hint="There is nothing to break.")


def refuse_unbreakable(
    location: str, lock_place: str, holder: LockHolder, lock_id: str, breaking: Breaking
) -> None:
    """Raise UnlockRefused unless the lock has the id `lock_id` and `breaking` allows it.

    `lock_place` names the file, ref or object of the lock in the error.
    """
    if holder.info is None:
        raise UnlockRefused(
            f"{lock_place} does not say who holds the lock of {location}",
            hint="Nothing was changed. Once no run works on this state, remove it.",
        )
    if holder.info.lock_id != lock_id:
        raise UnlockRefused(
            f"{location} is locked by {holder}, not by the lock {lock_id}",
            hint="Nothing was changed. Check whether that run is still working.",
        )
    if holder.liveness is Liveness.ALIVE and breaking is Breaking.DEAD:
        raise UnlockRefused(
            f"{location} is locked by {holder}, and that process is alive",
            hint="Nothing was changed. Wait for it or end it; its lock ends with it. If neither is "
            "possible, add --force: it can then record nothing more, and what it has in flight will be "
            "in doubt.",
        )
