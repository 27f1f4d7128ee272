"""Expands blocks with globs to the plain blocks that they stand for.

    moved a/* to b/*    stands for a move of each undeclared a/x of state whose b/x is declared and free
    removed a/*         stands for the removal of each undeclared a/x of state

A glob does not cover an exam of state that resembles a create of the plan. The two may be one exam, so a
person has to name it.
"""

from collections.abc import Collection, Iterator
from datetime import datetime

from msgspec.structs import replace

from reconciler.model.declarations import Declared, Move, Removal
from reconciler.model.distinctions import Distinctions
from reconciler.model.globs import is_glob, matches, moved_address
from reconciler.model.identities import Address
from reconciler.model.renames import Renames, Routes, onward, routes_of, steps_to_declared
from reconciler.model.state import State
from reconciler.planning.blocks import AppliedBlocks, apply_blocks, exams_by_address
from reconciler.planning.likeness import likenesses


def apply_all_blocks(declared: Declared, state: State, *, now: datetime) -> AppliedBlocks:
    """Return what is at each address once all blocks of `declared` are applied to `state`.

    `now` is aware; exams whose window has closed resemble no create.
    """
    globs = [*(move.source for move in declared.moves), *(block.address for block in declared.removals)]
    if not any(map(is_glob, globs)):
        return apply_blocks(declared, state, written=declared)
    exams = exams_by_address(declared)
    named = {block.address for block in declared.removals}
    covered = {address for address in (*state.exams, *state.intents) if address not in exams}
    renames, distinctions = Renames.of(declared), Distinctions.of(declared)
    # An address that is no longer covered may turn a declared one into a create, so look again.
    while True:
        plain = _expanded(declared, state, renames, covered)
        applied = apply_blocks(plain, state, written=declared)
        forgiven = {
            held for held in applied.forgotten if not named.isdisjoint({held, *onward(held, applied.routes)})
        }
        found = likenesses(applied.creates, applied, distinctions, now=now, forgiven=forgiven)
        resembled = {one.held.held_at for one in found}
        if covered.isdisjoint(resembled):
            return applied
        covered -= resembled


def _expanded(declared: Declared, state: State, renames: Renames, covered: Collection[Address]) -> Declared:
    """Return `declared` with its globs expanded, as far as they match the addresses in `covered`."""
    moves = tuple(_moves(declared, state, renames, covered))
    return replace(declared, moves=moves, removals=tuple(_removals(declared, covered, routes_of(moves))))


def _moves(
    declared: Declared, state: State, renames: Renames, covered: Collection[Address]
) -> Iterator[Move]:
    """Yield the moves by name, then those that globs stand for.

    These are the steps that bring an address in `covered` to a declared one. An import may name a former
    address; the steps from that are yielded too.
    """
    yield from (move for move in declared.moves if not is_glob(move.source))
    globs = [move for move in declared.moves if is_glob(move.source)]
    imported = {block.address for block in declared.imports}
    taken, yielded = {*state.exams, *state.intents}, set[Move]()
    for start in sorted({*covered, *imported}) if globs else ():
        steps = steps_to_declared(
            start, renames.routes, renames.globs, declared=renames.declared, taken=taken
        )
        for end, source in steps.items():
            if source in renames.routes:
                continue  # a move by name, which is yielded above
            glob = next(one for one in globs if moved_address(source, one.source, one.address) == end)
            move = replace(glob, source=source, address=end)
            if move not in yielded:
                yielded.add(move)
                yield move


def _removals(declared: Declared, covered: Collection[Address], routes: Routes) -> Iterator[Removal]:
    """Yield the removals by name, and one for each of `covered` that a glob matches."""
    for block in declared.removals:
        if not is_glob(block.address):
            yield block
            continue
        for held in sorted(covered):
            for address in (held, *sorted(onward(held, routes))):
                if matches(address, block.address):
                    yield replace(block, address=address)
