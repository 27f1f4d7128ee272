"""What state becomes once the blocks of the manifests are applied, always in one order.

    absent      ends the intents of attempts that created no exam
      │
    moved       gives entries of state their new address, and follows intents in doubt to theirs
      │
    imports     enters existing exams at the addresses after the moves, and ends the intents about them
      │
    removed     forgets entries that are not declared
      │
    accepted    gives entries the declared content, if that has the digest in the block

Each step works on the result of the one before, so the order in the manifests does not matter. A block that
contradicts state or another block changes nothing and is a Conflict.

An address is in doubt if state has an intent there: the exam may exist or not. Moves form routes, which are
followed until they end (see `destinations`).
"""

from collections import Counter
from collections.abc import Collection, Mapping

from msgspec import Struct

from reconciler.model.declarations import AcceptedChange, Declaration, Declared
from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address, ExamSid
from reconciler.model.renames import Routes, onward, routes_of
from reconciler.model.state import Entry, Intent, State
from reconciler.planning.acceptances import to_accept


class Conflict(Struct, frozen=True, kw_only=True):
    """Blocks that contradict state or each other; `addresses` are all addresses concerned."""

    addresses: tuple[Address, ...]
    reason: str


class Adoption(Struct, frozen=True, kw_only=True):
    """An exam to be entered into state; `settles` is the address of the intent that it ends, if any."""

    sid: ExamSid
    settles: Address | None


class AppliedBlocks(Struct, frozen=True, kw_only=True):
    """What is at each address, once all blocks are applied."""

    state: State
    """The state before the blocks."""
    written: Declared
    """The declarations as in the manifests."""
    declared: Declared
    """The declarations with globs expanded."""
    exams: Mapping[Address, Declaration]
    """The declared exams."""
    entries: Mapping[Address, Entry]
    """Entries of state, by their addresses after moves."""
    moved_from: Mapping[Address, Address]
    """By the new address of a moved entry, its address in state."""
    forgotten: frozenset[Address]
    """Entries that state is to drop."""
    accepted: Mapping[Address, AcceptedChange]
    """Acceptances that change something, by address of the declared exam."""
    adoptions: Mapping[Address, Adoption]
    """Imports that change something."""
    settled: Mapping[Address, Intent]
    """Intents that imports end, by address of the import."""
    doubts: Mapping[Address, Intent]
    """Intents that stay in doubt, by their addresses in state."""
    pending_at_source: Mapping[Address, Address]
    """By address, the address in doubt whose routes end there."""
    confirmed_absent: Mapping[Address, Intent]
    """Intents that `absent` ends."""
    import_conflicts: tuple[Conflict, ...]
    move_conflicts: tuple[Conflict, ...]
    routes: Routes
    """By address, where its moves lead; moves without effect are included."""
    imported_at: Mapping[Address, Address]
    """By the address that an import names, the address of its exam after moves."""

    @property
    def addresses(self) -> set[Address]:
        """Every address that a plan has a line for."""
        return {*self.exams, *self.entries, *self.adoptions, *self.doubts, *self.confirmed_absent}

    @property
    def creates(self) -> tuple[Declaration, ...]:
        """Declared exams that state does not know, sorted by address: they would be created."""
        known = (
            self.entries.keys() | self.adoptions.keys() | self.doubts.keys() | self.pending_at_source.keys()
        )
        return tuple(self.exams[address] for address in sorted(self.exams.keys() - known))


def exams_by_address(declared: Declared) -> dict[Address, Declaration]:
    """Return the exams by address; of two with one address, the first by position."""
    exams: dict[Address, Declaration] = {}
    for exam in declared.exams:
        rival = exams.get(exam.address)
        if rival is None or _precedence(exam) < _precedence(rival):
            exams[exam.address] = exam
    return exams


def apply_blocks(declared: Declared, state: State, *, written: Declared) -> AppliedBlocks:
    """Apply to `state` every block of `declared` that contradicts nothing.

    `declared` is `written` with its globs expanded.
    """
    exams = exams_by_address(declared)
    routes = routes_of(declared.moves)
    confirmed_absent = _confirmed_absent(declared, state, exams, routes)
    doubts = {address: intent for address, intent in state.intents.items() if address not in confirmed_absent}
    known = state.exams.keys() | doubts.keys()
    stops = exams.keys() | known  # where routes end
    moved_to, move_conflicts = _relocate(state.exams.keys(), routes, declared=exams, known=known)
    forgotten = _forgotten(declared, state, exams, moved_to)
    # By address in state (`held`), the address after moves.
    addresses_now = {held: held if held in forgotten else moved_to.get(held, held) for held in state.exams}
    entries = {address_now: state.exams[held] for held, address_now in addresses_now.items()}
    # By address in doubt, where its routes end.
    ends = {source: destinations(source, routes, stops) for source in routes.keys() & doubts.keys()}
    imported_at = _imported_at(declared, addresses_now, exams, routes, known)
    wanted: dict[Address, set[ExamSid]] = {}
    for block in declared.imports:
        wanted.setdefault(imported_at[block.address], set()).add(block.sid)
    adoptions, import_conflicts = _adopt(
        wanted,
        entries=entries,
        doubts=_doubted(doubts, {source: found for source, found in ends.items() if source not in exams}),
        declared=exams,
        leaving={block.address for block in declared.removals} | routes.keys(),
    )
    settled = {
        adoption.settles: address for address, adoption in adoptions.items() if adoption.settles is not None
    }
    return AppliedBlocks(
        state=state,
        declared=declared,
        written=written,
        exams=exams,
        entries=entries,
        moved_from={address_now: held for held, address_now in addresses_now.items() if address_now != held},
        forgotten=forgotten,
        accepted=to_accept(declared.accepted, exams=exams, entries=entries, routes=routes, state=state),
        adoptions=adoptions,
        settled={address: doubts[source] for source, address in settled.items()},
        doubts={address: intent for address, intent in doubts.items() if address not in settled},
        # Of several sources the first by name wins, because it comes last here.
        pending_at_source={
            end: source
            for source in sorted(ends.keys() - settled.keys(), reverse=True)
            for end in ends[source]
        },
        confirmed_absent=confirmed_absent,
        import_conflicts=tuple(import_conflicts),
        move_conflicts=tuple(move_conflicts),
        routes=routes,
        imported_at=imported_at,
    )


def _precedence(exam: Declaration) -> tuple[Position, str, str, str, str, str]:
    """Return a sort key: the position, then the content, so that the order of `exams` does not matter."""
    return (
        exam.declared_at,
        exam.digest,
        exam.install_sid,
        exam.course_sid,
        exam.course or "",
        exam.timezone or "",
    )


def _confirmed_absent(
    declared: Declared, state: State, exams: Collection[Address], routes: Routes
) -> dict[Address, Intent]:
    """Return the intents of which an `absent` block confirms that their attempt created nothing.

    The block may name the address of the intent, or one that its exam has moved to since.
    """
    confirmed = {(block.address, block.attempt) for block in declared.absences}
    return {
        address: intent
        for address, intent in (state.intents.items() if confirmed else ())
        if any(
            (name, intent.attempt) in confirmed
            for name in (address, *(() if address in exams else onward(address, routes)))
        )
    }


def _forgotten(
    declared: Declared, state: State, exams: Collection[Address], addresses_now: Mapping[Address, Address]
) -> frozenset[Address]:
    """Return the addresses that state is to forget.

    A declared exam is kept even if `removed` names it: if it were forgotten, it would be created again.
    """
    removed = {block.address for block in declared.removals}
    return frozenset(
        held
        for held in (state.exams if removed else ())
        if (address_now := addresses_now.get(held, held)) not in exams
        and not removed.isdisjoint({held, address_now})
    )


def _imported_at(
    declared: Declared,
    addresses_now: Mapping[Address, Address],
    exams: Collection[Address],
    routes: Routes,
    known: Collection[Address],
) -> dict[Address, Address]:
    """Map each address that an import names to the one that its exam has after moves.

    An address that is declared, or that has no single free destination, stays as it is.
    """
    found: dict[Address, Address] = {}
    stops = {*exams, *known} if declared.imports else frozenset[Address]()
    for block in declared.imports:
        address_now = addresses_now.get(block.address)
        if address_now is None and block.address not in exams:
            end = _sole(destinations(block.address, routes, stops))
            address_now = None if end in known else end
        found[block.address] = address_now or block.address
    return found


def _doubted(
    doubts: Collection[Address], ends: Mapping[Address, Collection[Address]]
) -> dict[Address, Address]:
    """Map addresses to that of the intent in doubt about their exam, if there is exactly one.

    That is the address itself, or else the only one whose routes end there. `ends` gives by address in doubt
    where its routes end.
    """
    sources: dict[Address, list[Address]] = {}
    for source, found in ends.items():
        if (end := _sole(found)) is not None:
            sources.setdefault(end, []).append(source)
    moved = {end: found[0] for end, found in sources.items() if len(found) == 1}
    return {**moved, **{address: address for address in doubts}}


def destinations(source: Address, routes: Routes, stops: Collection[Address]) -> set[Address]:
    """Return the addresses at which the routes from `source` end.

    A route ends at the first address that is in `stops`, or that has not moved on. Empty if there are only
    circles.
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


def _sole(addresses: Collection[Address]) -> Address | None:
    """Return the only one of `addresses`; None if there are none or several."""
    return next(iter(addresses)) if len(addresses) == 1 else None


def _relocate(
    held: Collection[Address],
    routes: Routes,
    *,
    declared: Collection[Address],
    known: Collection[Address],
) -> tuple[dict[Address, Address], list[Conflict]]:
    """Return the new address of each of `held` that moves, and the moves that cannot be made.

    An address moves if all its routes end at one free address, and no other moves there. `known` are all
    addresses at which state has something, `held` included: none of them is free.
    """
    stops = {*declared, *known} if routes else frozenset[Address]()
    claims: dict[Address, list[Address]] = {}
    conflicts: list[Conflict] = []
    for source in sorted(routes.keys() & held):
        ends = destinations(source, routes, stops)
        end = _sole(ends)
        reason = _why_not_moved(source, end, declared=declared, known=known)
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
    addresses_now = {claimants[0]: end for end, claimants in claims.items() if len(claimants) == 1}
    return addresses_now, conflicts


def _why_not_moved(
    source: Address, end: Address | None, *, declared: Collection[Address], known: Collection[Address]
) -> str:
    """Return why `source` cannot move to `end`; empty if it can."""
    if source in declared:
        return f"{source} is declared and said to have moved"
    if end is None:
        return f"{source} is said to have moved to several addresses, or in a circle"
    if end in known:
        return f"{source} and {end} are both in state"
    return ""


def _adopt(
    wanted: Mapping[Address, Collection[ExamSid]],
    *,
    entries: Mapping[Address, Entry],
    doubts: Mapping[Address, Address],
    declared: Collection[Address],
    leaving: Collection[Address],
) -> tuple[dict[Address, Adoption], list[Conflict]]:
    """Return the imports that change something, and those that contradict state or each other.

    `wanted` gives by address the SIDs that imports name for it. `entries` are by address after moves.
    `doubts` gives by address that of the intent in doubt about its exam. `leaving` are the addresses that are
    removed or have moved on: an undeclared exam adopted there would have to leave at once. A conflicting
    import ends no intent.
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
        conflict = _why_not_adopted(address, sids, holders, claims)
        if conflict is None and address in leaving and address not in declared:
            reason = f"{address} is imported, and also removed or moved to where it cannot go"
            conflict = Conflict(addresses=(address,), reason=reason)
        if conflict is None:
            adoptions[address] = Adoption(sid=sid, settles=settles)
            continue
        conflicts.append(conflict)
        if settles is None:  # declared, and still an import: otherwise it would count as a create
            adoptions[address] = Adoption(sid=sid, settles=None)
    return adoptions, conflicts


def _why_not_adopted(
    address: Address,
    sids: Collection[ExamSid],
    holders: Mapping[ExamSid, Address],
    claims: Mapping[ExamSid, int],
) -> Conflict | None:
    """Return why `address` cannot adopt `sids`; None if it can."""
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
