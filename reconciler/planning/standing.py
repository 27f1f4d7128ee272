"""Where state stands once the blocks `moved`, `imports`, `removed` and `absent` are honoured.

Their order is fixed: an absence ends an intent, then entries move, then imports look at where they are, and
what is still there to be forgotten is forgotten. So the order of writing cannot matter.
"""

from collections.abc import Collection, Mapping

from msgspec import Struct

from reconciler.model.declarations import Declaration, Declared
from reconciler.model.identities import Address, ExamSid
from reconciler.model.positions import Position
from reconciler.model.renames import Routes, onward, routes_of
from reconciler.model.state import Entry, Intent, State
from reconciler.planning.adoptions import Adoption, adopt
from reconciler.planning.moves import Conflict, destinations, relocate, sole


class Standing(Struct, frozen=True, kw_only=True):
    """What is at each address.

    `entries` are keyed by the address that they have after moves; `moved_from` gives the one that state still
    holds them at. `forgotten` are entries that state is to drop. `adoptions` are the imports that still
    change something, and `settled` the intents that these end, by the address of the import. `doubts` are
    the intents that stay in doubt, `blocked` gives for an address the in-doubt one that moved to it, and
    `refuted` are the intents that a person ended with `absent`. `routes` are those of the moves,
    `imported_at` gives for the address that an import names the one that its exam has after them.
    """

    exams: Mapping[Address, Declaration]
    entries: Mapping[Address, Entry]
    moved_from: Mapping[Address, Address]
    forgotten: frozenset[Address]
    adoptions: Mapping[Address, Adoption]
    settled: Mapping[Address, Intent]
    doubts: Mapping[Address, Intent]
    blocked: Mapping[Address, Address]
    refuted: Mapping[Address, Intent]
    import_conflicts: tuple[Conflict, ...]
    move_conflicts: tuple[Conflict, ...]
    routes: Routes
    imported_at: Mapping[Address, Address]

    @property
    def addresses(self) -> set[Address]:
        """Every address that a plan has a line for."""
        return {*self.exams, *self.entries, *self.adoptions, *self.doubts, *self.refuted}

    @property
    def creates(self) -> tuple[Declaration, ...]:
        """The exams that nothing is known of, by address: they would be created."""
        known = self.entries.keys() | self.adoptions.keys() | self.doubts.keys() | self.blocked.keys()
        return tuple(self.exams[address] for address in sorted(self.exams.keys() - known))


def exams_by_address(declared: Declared) -> dict[Address, Declaration]:
    """The exams by address; of two with one address, the first by position."""
    exams: dict[Address, Declaration] = {}
    for exam in declared.exams:
        rival = exams.get(exam.address)
        if rival is None or _precedence(exam) < _precedence(rival):
            exams[exam.address] = exam
    return exams


def standing_of(declared: Declared, state: State) -> Standing:
    """Honour every block of `declared` that can be."""
    exams = exams_by_address(declared)
    routes = routes_of(declared.moves)
    refuted = _refuted(declared, state, exams, routes)
    doubts = {address: intent for address, intent in state.intents.items() if address not in refuted}
    known = state.exams.keys() | doubts.keys()
    stops = exams.keys() | known
    relocation = relocate(state.exams.keys(), routes, declared=exams, known=known)
    forgotten = _forgotten(declared, state, exams, relocation.seats)
    seats = {held: held if held in forgotten else relocation.seats.get(held, held) for held in state.exams}
    entries = {seat: state.exams[held] for held, seat in seats.items()}
    ends = {source: destinations(source, routes, stops) for source in routes.keys() & doubts.keys()}
    imported_at = _imported_at(declared, seats, exams, routes, known)
    wanted: dict[Address, set[ExamSid]] = {}
    for block in declared.imports:
        wanted.setdefault(imported_at[block.address], set()).add(block.sid)
    adopted = adopt(
        wanted,
        entries=entries,
        doubts=_doubted(doubts, {source: found for source, found in ends.items() if source not in exams}),
        declared=exams,
        leaving={block.address for block in declared.removals} | routes.keys(),
    )
    settled = {
        adoption.settles: address
        for address, adoption in adopted.adoptions.items()
        if adoption.settles is not None
    }
    return Standing(
        exams=exams,
        entries=entries,
        moved_from={seat: held for held, seat in seats.items() if seat != held},
        forgotten=forgotten,
        adoptions=adopted.adoptions,
        settled={address: doubts[source] for source, address in settled.items()},
        doubts={address: intent for address, intent in doubts.items() if address not in settled},
        # The first source by name wins: it is written last.
        blocked={
            end: source
            for source in sorted(ends.keys() - settled.keys(), reverse=True)
            for end in ends[source]
        },
        refuted=refuted,
        import_conflicts=adopted.conflicts,
        move_conflicts=relocation.conflicts,
        routes=routes,
        imported_at=imported_at,
    )


def _precedence(exam: Declaration) -> tuple[Position, str, str, str, str, str]:
    """Orders exams by their position, and in one place by what they say."""
    return (
        exam.declared_at,
        exam.digest,
        exam.install_sid,
        exam.course_sid,
        exam.course or "",
        exam.timezone or "",
    )


def _refuted(
    declared: Declared, state: State, exams: Collection[Address], routes: Routes
) -> dict[Address, Intent]:
    """The intents whose very attempt a person confirmed to have made nothing.

    An absence may name the address that the intent has, or one that its exam has moved to since.
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
    declared: Declared, state: State, exams: Collection[Address], seats: Mapping[Address, Address]
) -> frozenset[Address]:
    """The addresses that state holds and is to drop.

    What is still declared is kept, whatever `removed` says: forgotten, it would be created again.
    """
    removed = {block.address for block in declared.removals}
    return frozenset(
        held
        for held in (state.exams if removed else ())
        if (seat := seats.get(held, held)) not in exams and not removed.isdisjoint({held, seat})
    )


def _imported_at(
    declared: Declared,
    seats: Mapping[Address, Address],
    exams: Collection[Address],
    routes: Routes,
    known: Collection[Address],
) -> dict[Address, Address]:
    """For each address that an import names the one that the imported exam has after moves."""
    found: dict[Address, Address] = {}
    stops = {*exams, *known} if declared.imports else frozenset[Address]()
    for block in declared.imports:
        seat = seats.get(block.address)
        if seat is None and block.address not in exams:
            end = sole(destinations(block.address, routes, stops))
            seat = None if end in known else end
        found[block.address] = seat or block.address
    return found


def _doubted(
    doubts: Collection[Address], ends: Mapping[Address, Collection[Address]]
) -> dict[Address, Address]:
    """For an address the one whose intent is in doubt about it, where that is certainly one.

    `ends` gives the addresses that a doubted one has moved to.
    """
    sources: dict[Address, list[Address]] = {}
    for source, found in ends.items():
        if (end := sole(found)) is not None:
            sources.setdefault(end, []).append(source)
    moved = {end: found[0] for end, found in sources.items() if len(found) == 1}
    return {**moved, **{address: address for address in doubts}}
