"""Rules of `state push`: what a pushed state must not lose."""

from typing import Final

from reconciler.model.errors import PushRefused
from reconciler.model.identities import Address
from reconciler.model.state import State

_FIRST: Final = 10


def refuse_push(present: State, pushed: State, location: str, *, forget: int) -> None:
    """Raise PushRefused unless `pushed` may replace `present`, which is at `location`.

    It must be later and of the same lineage, keep all resolutions and acceptances, and have each present
    doubt still, or a new resolution of it. `forget` is how many created exams it may lack.
    """
    _refuse_other_history(present, pushed, location)
    _refuse_forgotten_doubts(present, pushed)
    _refuse_forgotten_history(present, pushed)
    refuse_forgetting(lacking(present, pushed), forget)


def lacking(present: State, after: State) -> list[Address]:
    """Return the addresses of the exams in `present` whose SIDs `after` does not hold, sorted."""
    kept = {entry.sid for entry in after.exams.values()}
    return sorted(address for address, entry in present.exams.items() if entry.sid not in kept)


def refuse_forgetting(forgotten: list[Address], forget: int) -> None:
    """Raise PushRefused unless exactly `forget` exams are `forgotten`: they could be created again."""
    number = len(forgotten)
    if number == forget:
        return
    exams = "1 created exam" if number == 1 else f"{number:,} created exams"
    more = f" and {number - _FIRST:,} more" if number > _FIRST else ""
    told = f": {', '.join(forgotten[:_FIRST])}{more}" if forgotten else ""
    remedy = "Leave --forget out."
    if forgotten:
        remedy = f"Exams that are declared would be created again. If you want that: --forget {number}"
    raise PushRefused(f"the new state forgets {exams}{told}", hint=f"Nothing was changed. {remedy}")


def _refuse_other_history(present: State, pushed: State, location: str) -> None:
    if pushed.lineage != present.lineage:
        raise PushRefused(
            f"the lineage {pushed.lineage} is not that of {location}, which is {present.lineage}",
            hint="Nothing was changed. It is the state of another workspace or environment: "
            "check --state and --env.",
        )
    if pushed.serial <= present.serial:
        problem = "differs from" if pushed.serial == present.serial else "is older than"
        raise PushRefused(
            f"the state of serial {pushed.serial} {problem} {location}, which has serial {present.serial}",
            hint="Nothing was changed. Pull the present state, put the change into that, "
            "raise its serial by one, and push it.",
        )


def _refuse_forgotten_doubts(present: State, pushed: State) -> None:
    """Raise PushRefused if an intent of `present` is gone without a resolution.

    Its exam would be sent again, and nobody would have vouched that it does not exist.
    """
    added = set(pushed.resolutions).difference(present.resolutions)
    kept = {(address, intent.attempt) for address, intent in pushed.intents.items()}
    kept |= {(one.address, one.attempt) for one in added}
    forgotten = sorted(
        address for address, intent in present.intents.items() if (address, intent.attempt) not in kept
    )
    if forgotten:
        raise PushRefused(
            f"the pushed state forgets what is in doubt: {', '.join(forgotten)}",
            hint="Nothing was changed. Settle each, then pull, change and push: `reconciler state list "
            "--in-doubt` lists them.",
        )


def _refuse_forgotten_history(present: State, pushed: State) -> None:
    """Raise PushRefused if a resolution or acceptance is gone: nothing else records who vouched for it."""
    for what, key, before, after in (
        ("how doubts were settled", "resolutions", present.resolutions, pushed.resolutions),
        ("which changes were accepted", "acceptances", present.acceptances, pushed.acceptances),
    ):
        kept = frozenset[object](after)
        forgotten = sorted({one.address for one in before if one not in kept})
        if forgotten:
            raise PushRefused(
                f"the pushed state forgets {what}: {', '.join(forgotten)}",
                hint=f"Nothing was changed. Copy all `{key}` of what `reconciler state pull` prints into "
                "it, then push it.",
            )
