"""Imports: which addresses adopt which exam, and which in-doubt create that settles."""

from collections import Counter
from collections.abc import Collection, Mapping

from msgspec import Struct

from reconciler.model.identities import Address, ExamSid
from reconciler.model.state import Entry
from reconciler.planning.moves import Conflict


class Adoption(Struct, frozen=True, kw_only=True):
    """An exam to be entered into state; `settles` is the address of the intent that it ends, if any."""

    sid: ExamSid
    settles: Address | None


class Adopted(Struct, frozen=True, kw_only=True):
    """Imports that change state, by address, and those that contradict it or each other."""

    adoptions: Mapping[Address, Adoption]
    conflicts: tuple[Conflict, ...]


def adopt(
    wanted: Mapping[Address, Collection[ExamSid]],
    *,
    entries: Mapping[Address, Entry],
    doubts: Mapping[Address, Address],
    declared: Collection[Address],
    leaving: Collection[Address],
) -> Adopted:
    """Decide each import in `wanted`, which gives the SIDs that imports name for an address.

    `entries` are keyed by the addresses that they have after moves. `doubts` gives for an address the one
    whose intent is in doubt about it: itself, or what moved to it. `leaving` are the addresses that are said
    to be removed or to have moved on: what is not declared and adopted there would have to leave at once. A
    conflicting import settles nothing.
    """
    adoptions: dict[Address, Adoption] = {}
    conflicts: list[Conflict] = []
    holders = {entry.sid: address for address, entry in entries.items()} if wanted else {}
    claims = Counter(sid for address, sids in wanted.items() if address not in entries for sid in sids)
    for address, sids in sorted(wanted.items()):
        sid, settles = min(sids), doubts.get(address)
        if address in entries:
            if (held := entries[address].sid) != sid or len(sids) > 1:
                other = next(sid for sid in sorted(sids) if sid != held)
                conflicts.append(
                    Conflict(addresses=(address,), reason=f"{address} is {held} in state, not {other}")
                )
            continue
        if settles is None and address not in declared:
            continue
        conflict = _conflict(address, sids, holders, claims)
        if conflict is None and address in leaving and address not in declared:
            reason = f"{address} is imported, and also removed or moved to where it cannot go"
            conflict = Conflict(addresses=(address,), reason=reason)
        if conflict is None:
            adoptions[address] = Adoption(sid=sid, settles=settles)
            continue
        conflicts.append(conflict)
        if settles is None:
            adoptions[address] = Adoption(sid=sid, settles=None)
    return Adopted(adoptions=adoptions, conflicts=tuple(conflicts))


def _conflict(
    address: Address,
    sids: Collection[ExamSid],
    holders: Mapping[ExamSid, Address],
    claims: Mapping[ExamSid, int],
) -> Conflict | None:
    """Why `address` cannot adopt `sids`; None where it can."""
    if len(sids) > 1:
        return Conflict(
            addresses=(address,), reason=f"{address} is imported as {' and as '.join(sorted(sids))}"
        )
    (sid,) = sids
    if (holder := holders.get(sid)) is not None:
        return Conflict(addresses=(address, holder), reason=f"{sid} is {holder} in state, not {address}")
    if claims[sid] > 1:
        return Conflict(addresses=(address,), reason=f"{sid} is imported for {address} and for another")
    return None
