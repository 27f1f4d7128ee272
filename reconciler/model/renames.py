"""Renames: the addresses that `moved` leads to from an address, by name and by globs."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from reconciler.model.declarations import Declared, Move
from reconciler.model.globs import is_glob, moved_address
from reconciler.model.identities import Address

Routes: TypeAlias = Mapping[Address, Collection[Address]]
"""By address, the addresses that it moved to; more than one is a contradiction."""


class Renames(Struct, frozen=True):
    """All moves: between named addresses, and by pairs of globs (from, to)."""

    routes: Routes
    globs: tuple[tuple[str, str], ...]
    declared: Container[Address]

    @classmethod
    def of(cls, declared: Declared) -> "Renames":
        """Return the moves of `declared`; moves by globs end at its exams."""
        return cls(
            routes_of(move for move in declared.moves if not is_glob(move.source)),
            tuple((move.source, move.address) for move in declared.moves if is_glob(move.source)),
            frozenset(exam.address for exam in declared.exams),
        )

    def names_of(self, address: Address) -> set[Address]:
        """Return `address` and every address that its exam has moved to since."""
        return {
            address,
            *onward(address, self.routes),
            *steps_to_declared(address, self.routes, self.globs, declared=self.declared),
        }


def routes_of(moves: Iterable[Move]) -> dict[Address, set[Address]]:
    """Return the routes that `moves` describe; a move of an address to itself is left out."""
    routes: dict[Address, set[Address]] = {}
    for move in moves:
        if move.source != move.address:
            routes.setdefault(move.source, set()).add(move.address)
    return routes


def onward(source: Address, routes: Routes) -> set[Address]:
    """Return every address that the routes from `source` lead through, without `source`."""
    seen = {source}
    ahead = [source]
    while ahead:
        further = [address for address in routes.get(ahead.pop(), ()) if address not in seen]
        seen.update(further)
        ahead.extend(further)
    return seen - {source}


def steps_to_declared(
    start: Address,
    routes: Mapping[Address, Collection[Address]],
    globs: Sequence[tuple[str, str]],
    *,
    declared: Container[Address],
    taken: Container[Address] = (),
) -> dict[Address, Address]:
    """Return the steps from the undeclared `start` to declared addresses: each address with the one before.

    `routes` are the moves between named addresses, `globs` the others as pairs (from, to). A step by name
    comes before one by a glob, and a glob serves once, so that no two of them go on for ever. `taken` are
    addresses that no step may lead to. The result is empty if no declared address is reached.
    """
    before: dict[Address, Address] = {}
    unused, ahead, ends = list(globs), [start], list[Address]()
    while ahead:
        here = ahead.pop()
        if here in declared:
            ends.append(here)
            continue
        found = list(routes.get(here, ()))
        if not found:
            served = [(glob, end) for glob in unused if (end := moved_address(here, *glob)) is not None]
            unused = [glob for glob in unused if glob not in {one for one, _ in served}]
            found = [end for _, end in served]
        for address in sorted(set(found)):
            if address not in before and address != start and address not in taken:
                before[address] = here
                ahead.append(address)
    kept: dict[Address, Address] = {}
    for end in ends:
        here = end
        while here != start and here not in kept:
            kept[here] = before[here]
            here = before[here]
    return kept
