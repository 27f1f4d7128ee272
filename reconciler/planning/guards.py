"""Guards: why apply refuses a plan as a whole, before anything is sent."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Final

from reconciler.model.declarations import Declared
from reconciler.model.identities import Address
from reconciler.model.plan import Action, Change, Guard
from reconciler.planning.likeness import renames, sharing_a_title
from reconciler.planning.moves import Conflict
from reconciler.planning.slips import slips_of
from reconciler.planning.standing import Standing

_NAMED: Final = 5
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", re.ASCII)
_NOT_TEXT_IN_YAML: Final = frozenset({"true", "false", "null"})


def guards_of(  # noqa: PLR0913 - all that a guard may look at
    lines: Sequence[Change],
    standing: Standing,
    *,
    declared: Declared,
    kept: Collection[Address],
    now: datetime,
    max_creates: int,
) -> tuple[Guard, ...]:
    """Every guard that refuses a plan of `lines`, in a fixed order.

    `kept` are the addresses that the plan is narrowed to: creates elsewhere are not going to happen, so no
    guard minds them.
    """
    creates = [line for line in lines if line.action is Action.CREATE and line.address in kept]
    found = (
        _too_many_creates(creates, max_creates),
        _window_closed(creates, now),
        _same_title(creates, standing),
        _looks_renamed(lines, creates, standing),
        _import_conflict(standing.import_conflicts),
        _move_conflict(standing.move_conflicts),
        _points_nowhere(declared, lines, creates, standing),
    )
    return tuple(guard for guard in found if guard is not None)


def _too_many_creates(creates: Sequence[Change], max_creates: int) -> Guard | None:
    """More creates than are allowed at once."""
    if len(creates) <= max_creates:
        return None
    return Guard(
        code="too-many-creates",
        message=f"{_exams(len(creates))} would be created, and {max_creates} are allowed at once",
        hint=f"Check that the state is the right one. If all are meant, pass --max-creates {len(creates)}.",
        addresses=_addresses(creates),
    )


def _window_closed(creates: Sequence[Change], now: datetime) -> Guard | None:
    """Creates that no student could sit any more."""
    # Both sides have one width and one zone, so that their order as text is their order in time.
    spelt_now = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    closed = [line for line in creates if _has_closed(line, spelt_now)]
    if not closed:
        return None
    return Guard(
        code="window-closed",
        message=f"the exam window has closed already: {_some(line.address for line in closed)}",
        hint="Mend configuration.examCloseDate, or take the exam out of the manifest. If it was created by "
        "other means, add it to `imports`.",
        addresses=_addresses(closed),
    )


def _has_closed(line: Change, spelt_now: str) -> bool:
    """Whether the window of `line` is over at `spelt_now`; false where it is not given as an instant."""
    configuration = (line.after or {}).get("configuration")
    closes = configuration.get("examCloseDate") if isinstance(configuration, dict) else None
    return isinstance(closes, str) and closes <= spelt_now and _INSTANT.fullmatch(closes) is not None


def _same_title(creates: Sequence[Change], standing: Standing) -> Guard | None:
    """Creates that share course and title with another declared exam."""
    groups = sharing_a_title(standing.exams.values(), _addresses(creates), imported=standing.imported)
    if not groups:
        return None
    return Guard(
        code="same-title",
        message=f"exams of one course share a title: {_some(' and '.join(group) for group in groups)}",
        hint="Give each exam of a course its own title, or add the one that exists already to `imports`.",
        addresses=tuple(sorted(chain.from_iterable(groups))),
    )


def _looks_renamed(lines: Sequence[Change], creates: Sequence[Change], standing: Standing) -> Guard | None:
    """Creates of what state holds, or doubts, under an address that is no longer declared."""
    conflicting = set(chain.from_iterable(conflict.addresses for conflict in standing.move_conflicts))
    pairs = renames(lines, [line for line in creates if line.address not in conflicting])
    if not pairs:
        return None
    moved = ", ".join(f"{{from: {_yaml(old)}, to: {_yaml(new)}}}" for old, new in pairs)
    return Guard(
        code="looks-renamed",
        message=f"what would be created exists: {_some(f'{new} equals {old}' for old, new in pairs)}",
        hint=f"If it was renamed, add `moved: [{moved}]`. If a second exam is meant, let `removed` name the "
        "old address.",
        addresses=tuple(sorted(set(chain.from_iterable(pairs)))),
    )


def _import_conflict(conflicts: Sequence[Conflict]) -> Guard | None:
    """Imports that contradict state, or one another."""
    return _conflict(
        "import-conflict",
        "imports contradict the state",
        "Mend or remove these `imports`. An exam that only has another address now belongs into `moved`.",
        conflicts,
    )


def _move_conflict(conflicts: Sequence[Conflict]) -> Guard | None:
    """Moves that contradict state, the declarations, or one another."""
    return _conflict(
        "move-conflict",
        "moves cannot be made",
        "Remove the entry of `moved` that no longer holds.",
        conflicts,
    )


def _points_nowhere(
    declared: Declared, lines: Sequence[Change], creates: Sequence[Change], standing: Standing
) -> Guard | None:
    """Imports and moves with an address that is nowhere, beside a create that they may have meant."""
    slips = slips_of(declared, lines, creates, standing)
    if not slips:
        return None
    return Guard(
        code="points-nowhere",
        message=f"a block misses what would be created: {_some(slip.reason for slip in slips)}",
        hint="Mend the address in the block. If it is right, the block is done or does nothing: remove it.",
        addresses=tuple(sorted(set(chain.from_iterable(slip.addresses for slip in slips)))),
    )


def _conflict(code: str, claim: str, hint: str, conflicts: Sequence[Conflict]) -> Guard | None:
    """One guard over all of `conflicts`."""
    if not conflicts:
        return None
    return Guard(
        code=code,
        message=f"{claim}: {_some(conflict.reason for conflict in conflicts)}",
        hint=hint,
        addresses=tuple(sorted(set(chain.from_iterable(conflict.addresses for conflict in conflicts)))),
    )


def _addresses(lines: Iterable[Change]) -> tuple[Address, ...]:
    """The addresses of `lines`, in order."""
    return tuple(line.address for line in lines)


def _exams(count: int) -> str:
    """`count` exams, in words."""
    return "1 exam" if count == 1 else f"{count} exams"


def _some(texts: Iterable[str]) -> str:
    """The first few of `texts`, and how many more there are."""
    listed = list(texts)
    more = len(listed) - _NAMED
    return "; ".join([*listed[:_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _yaml(address: Address) -> str:
    """`address` as a scalar that YAML reads as text."""
    is_text = address[:1].isalpha() and address.lower() not in _NOT_TEXT_IN_YAML
    return address if is_text else f'"{address}"'
