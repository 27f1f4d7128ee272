"""Suspicious blocks: blocks that point nowhere right beside an exam that is about to be created.

A misspelt address in `imports` or `moved` would have its exam created a second time.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address
from reconciler.model.plan import Action, Change
from reconciler.model.renames import onward
from reconciler.planning.blocks import AppliedBlocks, destinations
from reconciler.planning.notes import like, lost_imports

_MOST: Final = 100


class SuspiciousBlock(Struct, frozen=True, order=True):
    """A block that may mean a create: its place, the reason for suspicion, and the addresses concerned."""

    place: Position
    claim: str
    addresses: tuple[Address, Address]

    @property
    def reason(self) -> str:
        """Return where and what, in one phrase."""
        return f"{self.place} {self.claim}"


def suspicious_blocks(
    lines: Sequence[Change], creates: Sequence[Change], applied: AppliedBlocks
) -> list[SuspiciousBlock]:
    """Return all suspicious blocks, ordered by place."""
    targets = {line.address for line in creates}
    if not targets:
        return []
    found = {
        *_by_target(islice(_nowhere(lines, applied), _MOST), targets),
        *_by_source(lines, targets, applied),
    }
    return sorted(found)


def _by_target(
    nowhere: Iterator[tuple[Position, Address]], targets: Collection[Address]
) -> Iterator[SuspiciousBlock]:
    for place, address in nowhere:
        if (near := like(address, targets)) is not None:
            claim = f"names {address}, which nothing declares, and {near} would be created"
            yield SuspiciousBlock(place, claim, (address, near))


def _nowhere(lines: Sequence[Change], applied: AppliedBlocks) -> Iterator[tuple[Position, Address]]:
    """Yield the addresses that no environment declares and blocks bring an exam to, and where."""
    elsewhere = {exam.address for exam in applied.declared.elsewhere}
    for block in lost_imports(applied.declared.imports, applied):
        if block.address not in elsewhere:
            yield block.declared_at, block.address
    undeclared = {line.address for line in lines if line.action is Action.MOVE and line.after is None}
    doubts = applied.routes.keys() & applied.doubts.keys()
    undeclared |= {
        end for source in doubts for end in destinations(source, applied.routes, applied.exams)
    } - applied.exams.keys()
    undeclared -= elsewhere
    for move in applied.declared.moves if undeclared else ():
        if move.address in undeclared:
            yield move.declared_at, move.address


def _by_source(
    lines: Sequence[Change], targets: Collection[Address], applied: AppliedBlocks
) -> Iterator[SuspiciousBlock]:
    """Yield moves to a create from an unknown address that is nearly that of an orphan."""
    orphans = {line.address for line in lines if line.action is Action.ORPHANED}
    known = applied.addresses | set(applied.moved_from.values())
    lost = (move for move in applied.declared.moves if orphans and move.source not in known)
    for move in islice(lost, _MOST):
        ends = onward(move.source, applied.routes) & set(targets)
        if ends and (near := like(move.source, orphans)) is not None:
            claim = f"moves {move.source}, which state does not know; it holds {near}, and {min(ends)}"
            yield SuspiciousBlock(move.declared_at, f"{claim} would be created", (near, min(ends)))
