"""Distinctions: pairs of exams that `distinct` declares to be two exams, however alike."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Self, TypeAlias

from msgspec import Struct, field

from reconciler.model.declarations import Declared
from reconciler.model.globs import is_glob, matches
from reconciler.model.identities import Address
from reconciler.model.renames import Renames

Pair: TypeAlias = tuple[str, str]


class Distinctions(Struct, frozen=True):
    """Distinct pairs of addresses: by name (`named` holds both directions) or by pairs of `globs`."""

    named: Mapping[Address, frozenset[Address]] = field(default_factory=dict)
    globs: tuple[Pair, ...] = ()

    @classmethod
    def of(cls, declared: Declared) -> Self:
        """Return the distinctions of `declared`; a named address covers those that its exam has moved to."""
        if not declared.distinctions:
            return cls()
        renames = Renames.of(declared)
        named: dict[Address, set[Address]] = {}
        globs = []
        for block in declared.distinctions:
            if is_glob(block.address) or is_glob(block.other):
                globs.append((block.address, block.other))
                continue
            ours, theirs = renames.names_of(block.address), renames.names_of(block.other)
            for address in ours:
                named.setdefault(address, set()).update(theirs - {address})
            for address in theirs:
                named.setdefault(address, set()).update(ours - {address})
        return cls({address: frozenset(others) for address, others in named.items()}, tuple(globs))

    def not_told_apart(self, addresses: Sequence[Address]) -> Iterator[tuple[Address, Address]]:
        """Pair each of `addresses` with the first other, by address, that is not distinct from it.

        Addresses that the same globs match form one group, so that the work grows with the number of groups.
        """
        kinds: dict[tuple[tuple[bool, bool], ...], list[Address]] = {}
        kind_of = {}
        for address in addresses:
            kind = tuple((matches(address, one), matches(address, other)) for one, other in self.globs)
            kinds.setdefault(kind, []).append(address)
            kind_of[address] = kind
        alike = {
            kind: [members for other, members in kinds.items() if not _is_told_apart(kind, other)]
            for kind in kinds
        }
        for address in addresses:
            known = self.named.get(address, frozenset())
            others = (
                next((other for other in members if other != address and other not in known), None)
                for members in alike[kind_of[address]]
            )
            if (first := min((other for other in others if other is not None), default=None)) is not None:
                yield address, first


def imported_addresses(declared: Declared) -> frozenset[Address]:
    """Return the addresses that `imports` names, and those that their exams have moved to."""
    renames = Renames.of(declared) if declared.imports else None
    return frozenset(
        name for block in declared.imports if renames for name in renames.names_of(block.address)
    )


def _is_told_apart(one: tuple[tuple[bool, bool], ...], other: tuple[tuple[bool, bool], ...]) -> bool:
    """Return whether a pair of globs matches an address of the kind `one` and one of the kind `other`."""
    return any(
        (here[0] and there[1]) or (here[1] and there[0]) for here, there in zip(one, other, strict=True)
    )
