"""Likeness: exams to be created that may exist already under another address."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from msgspec import Struct

from reconciler.model.declarations import Declaration, Declared
from reconciler.model.distinctions import Distinctions, imported_addresses
from reconciler.model.identities import Address, exam_address_of
from reconciler.model.instants import spell_instant
from reconciler.model.payloads import Payload, configuration_of
from reconciler.model.renames import onward
from reconciler.model.sameness import Trait, section_trait, sharing_a_title, traits_of
from reconciler.planning.blocks import AppliedBlocks
from reconciler.planning.differences import Recorded, is_same

_MOST: Final = 5
"""Most likenesses that are reported for one create."""
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", re.ASCII)


class Held(Struct, frozen=True, kw_only=True):
    """An exam that state holds or has in doubt: its `address` in the plan, and its address in state.

    `terms` are those of its declarations, if it `is_declared`.
    """

    address: Address
    held_at: Address
    is_in_doubt: bool
    is_declared: bool
    terms: frozenset[str | None] = frozenset()


class Likeness(Struct, frozen=True, kw_only=True):
    """A create, an exam of state that may be the same, and the kind of the trait that they share."""

    create: Address
    held: Held
    kind: str


def has_closed(payload: Payload, now: datetime) -> bool:
    """Return whether an exam's window is over at `now`, which is aware; False if its end is no instant."""
    closes = configuration_of(payload).get("examCloseDate")
    # Both sides have one width and one zone, so that their order as text is their order in time.
    spelt_now = spell_instant(now)
    return isinstance(closes, str) and closes <= spelt_now and _INSTANT.fullmatch(closes) is not None


def likenesses(
    creates: Sequence[Declaration],
    applied: AppliedBlocks,
    distinctions: Distinctions,
    *,
    now: datetime,
    forgiven: Collection[Address],
) -> Iterator[Likeness]:
    """Yield the likenesses of `creates` to exams that state holds or has in doubt.

    Left out are exams whose own declaration still has the shared trait, that are declared in another term or
    accepted as declared, whose recorded window has closed (unless they are in doubt), that state holds at an
    address in `forgiven`, and that `distinct` tells from the create by name.
    """
    if not creates:
        return
    by_trait = _by_trait(applied, now, forgiven)
    for create in creates if by_trait else ():
        known = distinctions.named.get(create.address, frozenset())
        alike: dict[Address, Likeness] = {}
        for trait in sorted(_traits_of_create(create) & by_trait.keys()):
            others = (
                one
                for one in by_trait[trait]
                if known.isdisjoint(_names(one, applied)) and not _is_of_another_term(one, create)
            )
            for held in islice(others, _MOST):
                found = Likeness(create=create.address, held=held, kind=trait.kind)
                alike.setdefault(held.held_at, found)
        yield from islice(alike.values(), _MOST)


def twins_of(
    applied: AppliedBlocks, declared: Declared, distinctions: Distinctions, *, creates: Collection[Address]
) -> list[tuple[Address, Address]]:
    """Return the pairs of declared exams, sorted, that have one course and title and are not distinct.

    At least one of each is in `creates`.
    """
    pairs = sharing_a_title(
        applied.exams.values(), imported=imported_addresses(declared), distinctions=distinctions
    )
    ends = (sorted((one.address, other.address)) for one, other in pairs if one.address in creates)
    return sorted({(first, second) for first, second in ends})


def _traits_of_create(create: Declaration) -> frozenset[Trait]:
    """Return the traits of `create`, and that of its exam: it may have sections, or have had some."""
    exam = exam_address_of(create.address, create.section)
    return traits_of(create) | {section_trait(create.course_sid, exam)}


def _traits_held(held: Held, recorded: Recorded) -> frozenset[Trait]:
    """Return the traits of an exam of state; one that is not declared may be a section, or have them now."""
    if held.is_declared:
        return traits_of(recorded)
    exams = (held.address, held.address.rpartition("/")[0])
    return traits_of(recorded) | {section_trait(recorded.course_sid, exam) for exam in exams}


def _is_of_another_term(held: Held, create: Declaration) -> bool:
    """Return whether `held` is declared, and only in other terms than `create`."""
    return held.is_declared and not held.is_in_doubt and create.term not in held.terms


def _names(held: Held, applied: AppliedBlocks) -> set[Address]:
    """Return all addresses of an exam of state: former, present and future."""
    return {held.address, held.held_at, *onward(held.held_at, applied.routes)}


def _by_trait(
    applied: AppliedBlocks, now: datetime, forgiven: Collection[Address]
) -> Mapping[Trait, list[Held]]:
    """Return the exams of state that a create may resemble, by trait."""
    by_trait: dict[Trait, list[Held]] = {}
    for held, recorded, own in sorted(_held(applied), key=lambda one: (one[0].address, one[0].held_at)):
        if held.held_at in forgiven or held.address in applied.accepted:
            continue
        if own and all(is_same(recorded, exam) for exam in own):
            continue
        if not held.is_in_doubt and has_closed(recorded.payload, now):
            continue
        for trait in _traits_held(held, recorded).difference(*map(traits_of, own)):
            by_trait.setdefault(trait, []).append(held)
    return by_trait


def _held(applied: AppliedBlocks) -> Iterable[tuple[Held, Recorded, list[Declaration]]]:
    """Yield each exam of state, what was sent, and the declarations that may be of it."""
    ends: dict[Address, list[Address]] = {}
    for end, source in applied.pending_at_source.items():
        ends.setdefault(source, []).append(end)
    created: dict[Address, Recorded] = {**applied.entries, **applied.settled}
    for address, recorded in created.items():
        adoption = applied.adoptions.get(address)
        held_at = adoption.settles if adoption is not None else applied.moved_from.get(address)
        own = [applied.exams[address]] if address in applied.exams else []
        yield _held_one(address, held_at or address, own, is_in_doubt=False), recorded, own
    for address, intent in applied.doubts.items():
        own = [applied.exams[end] for end in (address, *ends.get(address, ())) if end in applied.exams]
        yield _held_one(address, address, own, is_in_doubt=True), intent, own


def _held_one(address: Address, held_at: Address, own: Sequence[Declaration], *, is_in_doubt: bool) -> Held:
    return Held(
        address=address,
        held_at=held_at,
        is_in_doubt=is_in_doubt,
        is_declared=bool(own),
        terms=frozenset(exam.term for exam in own),
    )
