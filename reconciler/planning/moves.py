"""Moves: where what an address held is to be found now."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from reconciler.model.identities import Address
from reconciler.model.renames import Routes


class Conflict(Struct, frozen=True, kw_only=True):
    """Blocks that cannot be honoured as they stand; `addresses` are all that are concerned."""

    addresses: tuple[Address, ...]
    reason: str


class Relocation(Struct, frozen=True, kw_only=True):
    """The new address of each held one that moves, and the moves that cannot be made."""

    seats: Mapping[Address, Address]
    conflicts: tuple[Conflict, ...]


def destinations(source: Address, routes: Routes, stops: Collection[Address]) -> set[Address]:
    """Where the routes from `source` end: at an address in `stops`, or at one that has not moved on.

    Empty where they only run in a circle.
    """
    ends: set[Address] = set()
    seen = {source}
    ahead = list(routes.get(source, ()))
    while ahead:
        address = ahead.pop()
        if address in seen:
            continue
        seen.add(address)
        if address in stops or address not in routes:
            ends.add(address)
        else:
            ahead.extend(routes[address])
    return ends


def sole(addresses: Collection[Address]) -> Address | None:
    """The only one of `addresses`; None where there are none or several."""
    return next(iter(addresses)) if len(addresses) == 1 else None


def relocate(
    held: Collection[Address],
    routes: Routes,
    *,
    declared: Collection[Address],
    known: Collection[Address],
) -> Relocation:
    """Move each of `held` that has a route to the one free address where that ends.

    `known` are all addresses that state has something at, `held` included: none of them is free.
    """
    stops = {*declared, *known} if routes else frozenset[Address]()
    claims: dict[Address, list[Address]] = {}
    conflicts: list[Conflict] = []
    for source in sorted(routes.keys() & held):
        ends = destinations(source, routes, stops)
        end = sole(ends)
        reason = _why_not(source, end, declared=declared, known=known)
        if end is None or reason:
            conflicts.append(Conflict(addresses=(source, *ends), reason=reason))
        else:
            claims.setdefault(end, []).append(source)
    conflicts.extend(
        Conflict(
            addresses=(*claimants, end),
            reason=f"{' and '.join(claimants)} are all said to have moved to {end}",
        )
        for end, claimants in claims.items()
        if len(claimants) > 1
    )
    seats = {claimants[0]: end for end, claimants in claims.items() if len(claimants) == 1}
    return Relocation(seats=seats, conflicts=tuple(conflicts))


def _why_not(
    source: Address, end: Address | None, *, declared: Collection[Address], known: Collection[Address]
) -> str:
    """Why `source` cannot move to `end`; empty where it can."""
    if source in declared:
        return f"{source} is declared and said to have moved"
    if end is None:
        return f"{source} is said to have moved to several addresses, or in a circle"
    if end in known:
        return f"{source} and {end} are both in state"
    return ""
