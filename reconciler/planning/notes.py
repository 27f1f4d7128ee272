"""Notes on lifecycle blocks: which are done, which do nothing, and which leave a doubt open.

A block that the plan carries out has a line in it, and one that contradicts state has a guard; neither needs
a note. Only an absence that is carried out gets one, because no line shows it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from msgspec.structs import replace

from reconciler.model.commands import command
from reconciler.model.declarations import (
    Absence,
    AcceptedChange,
    Declaration,
    Distinction,
    ExamElsewhere,
    Import,
    Move,
    Removal,
)
from reconciler.model.diagnostics import Position
from reconciler.model.distinctions import Distinctions
from reconciler.model.globs import is_glob, matches
from reconciler.model.identities import Address, as_yaml
from reconciler.model.instants import instant_in_words
from reconciler.model.plan import DONE, Note
from reconciler.model.renames import onward
from reconciler.model.state import Entry, State
from reconciler.model.words import first_few, nearest
from reconciler.planning.acceptances import address_now, done_before, is_same_place
from reconciler.planning.blocks import Adoption, AppliedBlocks
from reconciler.planning.likeness import twins_of

POINTS_NOWHERE: Final = "points-nowhere"
NOT_FORGOTTEN: Final = "not-forgotten"
NOT_ACCEPTED: Final = "not-accepted"
TOLD_APART: Final = "told-apart"
SETTLES_DOUBT: Final = "settles-doubt"
DOUBT_REMAINS: Final = "doubt-remains"
ELSEWHERE: Final = "declared-elsewhere"

_IDLE: Final = frozenset({DONE, POINTS_NOWHERE})

_MAY_GO: Final = "It may be removed."
_LIKENESS: Final = 0.8
_MOST_COMPARED: Final = 1_000


def notes_of(applied: AppliedBlocks) -> tuple[Note, ...]:
    """Return a note on each block that the plan does not carry out, one on all that are done, by place."""
    declared = applied.written
    elsewhere = {exam.address: exam for exam in declared.elsewhere}
    blocks = (declared.imports, declared.moves, declared.removals, declared.absences, declared.accepted)
    if not any((*blocks, declared.distinctions)):
        return tuple(_of_elsewhere(elsewhere, applied))
    found = {
        *_of_imports(declared.imports, applied),
        *_ended(_of_moves([move for move in declared.moves if not is_glob(move.source)], applied), applied),
        *_of_removals(_named_or_in_doubt(applied), applied),
        *_of_globs(applied),
        *_of_absences(declared.absences, applied),
        *_ended(_of_accepted(declared.accepted, applied), applied),
        *_ended(_of_distinctions(declared.distinctions, applied), applied),
        *_of_wide_distinctions(applied),
    }
    # What a block has not done here for an exam of other environments, it may have to do there.
    told = [note for note in found if note.code not in _IDLE or elsewhere.keys().isdisjoint(note.addresses)]
    return tuple(_folded(sorted([*told, *_of_elsewhere(elsewhere, applied)], key=_order)))


def _of_elsewhere(elsewhere: Mapping[Address, ExamElsewhere], applied: AppliedBlocks) -> Iterator[Note]:
    """Yield a note on each exam in state, and on each import, of an exam for other environments only."""
    for block in lost_imports(applied.written.imports, applied):
        if block.address in elsewhere:
            message = f"the import of {block.address} does nothing: {elsewhere[block.address]}"
            yield _note(ELSEWHERE, block, message, "Move it to a manifest that only these read.")
    for address, exam in elsewhere.items():
        if address in applied.doubts or (address in applied.entries and address not in applied.forgotten):
            yield Note(
                code=ELSEWHERE,
                message=f"{exam}, and is in this state",
                hint="If it is meant here too, name this environment in its `environments`. If not, have "
                f"state forget it, by `removed: [{{exam: {as_yaml(address)}}}]` in a manifest that only this "
                "environment reads.",
                source=exam.declared_at,
                addresses=(address,),
            )


def _named_or_in_doubt(applied: AppliedBlocks) -> Iterator[Removal]:
    """Yield the removals by name, and of those by a glob the ones of exams in doubt, which stay."""
    written = applied.written.removals
    yield from (block for block in written if not is_glob(block.address))
    named = frozenset(written)
    yield from (
        block for block in applied.declared.removals if block.address in applied.doubts and block not in named
    )


def _folded(notes: Sequence[Note]) -> Iterator[Note]:
    """Yield `notes`, with one in place of all on blocks that are done."""
    done = [note for note in notes if note.code == DONE]
    for note in notes:
        if note.code != DONE or len(done) == 1:
            yield note
        elif note is done[0]:
            places = first_few([f"{each.source}" for each in done], between=", ")
            yield Note(
                code=DONE,
                message=f"{len(done)} blocks are done: {places}",
                hint="They may be removed.",
                source=note.source,
                addresses=tuple(sorted({address for each in done for address in each.addresses})),
            )


def _ended(notes: Iterable[Note], applied: AppliedBlocks) -> Iterator[Note]:
    """Yield `notes`, with blocks as done that point nowhere because `removed` covers what they name.

    An import is none of them: it may be meant for an exam that would be created.
    """
    removals = [block.address for block in applied.written.removals]
    for note in notes:
        is_ended = note.code == POINTS_NOWHERE and any(
            matches(address, removed) for address in note.addresses for removed in removals
        )
        yield replace(note, code=DONE, hint=_MAY_GO) if is_ended else note


def like(address: Address, known: Iterable[Address]) -> Address | None:
    """Return the one of `known` that `address` may be a misspelling of, if any."""
    some = sorted(known)[:_MOST_COMPARED]
    found = nearest(address, (one for one in some if one != address), likeness=_LIKENESS)
    return Address(found[0]) if found else None


def lost_imports(imports: Iterable[Import], applied: AppliedBlocks) -> Iterator[Import]:
    """Yield the imports of which neither address nor SID is declared or in state."""
    held = {entry.sid for entry in applied.entries.values()}
    for block in imports:
        address_now = applied.imported_at[block.address]
        if address_now not in applied.addresses and block.sid not in held:
            yield block


def _order(note: Note) -> tuple[Position, str, str]:
    return (note.source or Position("", 0, 0), note.code, note.message)


def _note(
    code: str,
    block: Import | Move | Removal | Absence | AcceptedChange | Distinction,
    message: str,
    hint: str = _MAY_GO,
    *more: Address,
) -> Note:
    addresses = tuple(dict.fromkeys((block.address, *more)))
    return Note(code=code, message=message, hint=hint, source=block.declared_at, addresses=addresses)


def _of_imports(imports: Collection[Import], applied: AppliedBlocks) -> Iterator[Note]:
    holders = {entry.sid: address for address, entry in applied.entries.items()}
    declared = applied.exams if imports else ()
    for block in imports:
        holder = holders.get(block.sid)
        if holder is not None:
            if holder == applied.imported_at[block.address] or block.address not in applied.exams:
                yield _note(DONE, block, f"the import is done: {block.sid} is {holder} in state")
        elif applied.imported_at[block.address] not in applied.addresses:
            near = like(block.address, declared)
            yield _note(
                POINTS_NOWHERE,
                block,
                f"the import of {block.address} does nothing: nothing declares it, and state does not know "
                f"{block.sid}",
                f"Did you mean {near}? Otherwise remove it." if near else "Remove it, or declare the exam.",
            )


def _of_moves(moves: Iterable[Move], applied: AppliedBlocks) -> Iterator[Note]:
    state = applied.state
    known = state.exams.keys() | state.intents.keys()
    orphans = applied.entries.keys() - applied.exams.keys()
    for block in moves:
        if block.source in known or block.source == block.address:
            continue
        met = onward(block.source, applied.routes)
        if met & applied.adoptions.keys():
            continue
        if met & known:
            there = min(met & known)
            yield _note(
                DONE,
                block,
                f"the move from {block.source} to {block.address} is done: {there} is in state, "
                f"and {block.source} is not",
            )
            continue
        near = like(block.source, orphans)
        yield _note(
            POINTS_NOWHERE,
            block,
            f"the move from {block.source} to {block.address} does nothing: state knows neither",
            f"Did you mean from {near}? Otherwise remove it." if near else _MAY_GO,
            block.source,
        )


def _of_removals(removals: Iterable[Removal], applied: AppliedBlocks) -> Iterator[Note]:
    addresses_now = {held: address_now for address_now, held in applied.moved_from.items()}
    orphans = applied.entries.keys() - applied.exams.keys()
    for block in removals:
        address = block.address
        held = applied.moved_from.get(address, address)
        if {address, held} & applied.forgotten or address in applied.confirmed_absent:
            continue
        if address in applied.doubts:
            yield _note(
                DOUBT_REMAINS,
                block,
                f"{address} is not forgotten: it is in doubt, as attempt {applied.doubts[address].attempt}",
                f"Settle that first: {command('state', 'show', address)} says how.",
            )
        elif held in applied.state.exams:
            address_now = addresses_now.get(held, held)
            yield _note(
                NOT_FORGOTTEN,
                block,
                f"{address} is not forgotten: it is declared as {address_now}",
                "Remove this block, or the exam from the manifest as well.",
                address_now,
            )
        elif (near := like(address, orphans)) is not None:
            yield _note(
                POINTS_NOWHERE,
                block,
                f"the removal of {address} does nothing: state does not know it",
                f"Did you mean {near}? Otherwise remove it.",
            )
        else:
            yield _note(DONE, block, f"the removal of {address} is done: state does not know it")


def _of_absences(absences: Iterable[Absence], applied: AppliedBlocks) -> Iterator[Note]:
    settled = {one.attempt: one for one in applied.state.resolutions} if absences else {}
    # Should two attempts share a name, the first address is told, in whatever order state is read.
    sources = {
        applied.confirmed_absent[address].attempt: address
        for address in sorted(applied.confirmed_absent, reverse=True)
    }
    for block in absences:
        doubt = applied.doubts.get(block.address)
        if (source := sources.get(block.attempt)) is not None:
            yield _note(
                SETTLES_DOUBT,
                block,
                f"attempt {block.attempt} of {source} is settled: it made no exam, as `absent` confirms",
                "Apply records that. Be sure of it: what is declared is then sent anew.",
                source,
            )
        elif doubt is not None:
            yield _note(
                DOUBT_REMAINS,
                block,
                f"{block.address} REMAINS IN DOUBT: `absent` names attempt {block.attempt}, and in doubt is "
                f"attempt {doubt.attempt}",
                f"Find out what that attempt did. Only if it made no exam, write attempt: {doubt.attempt}",
            )
        elif (resolution := settled.get(block.attempt)) is not None:
            yield _note(
                DONE,
                block,
                f"the doubt about attempt {block.attempt} of {resolution.address} was settled by "
                f"`{resolution.how.value}`",
            )
        else:
            yield _note(
                POINTS_NOWHERE,
                block,
                f"`absent` does nothing: attempt {block.attempt} of {block.address} is not in doubt, "
                "and never was in this state",
                "Remove it, or copy exam and attempt from what `plan` shows in doubt.",
            )


def _of_accepted(blocks: Iterable[AcceptedChange], applied: AppliedBlocks) -> Iterator[Note]:
    """Yield notes on acceptances that are not carried out. For other courses, a guard says why."""
    for block in blocks:
        address = address_now(block, applied.exams, applied.routes)
        exam, entry = applied.exams.get(address), applied.entries.get(address)
        doubt = applied.doubts.get(applied.pending_at_source.get(address, address))
        if exam is None:
            yield _of_undeclared(block, address, applied)
        elif doubt is not None:
            yield _note(
                DOUBT_REMAINS,
                block,
                f"{address} is not accepted: it is in doubt, as attempt {doubt.attempt}",
                f"Settle that first: {command('state', 'show', address)} says how.",
            )
        elif entry is None:
            yield _of_newcomer(block, address, applied.adoptions.get(address))
        elif applied.accepted.get(address) is not block and is_same_place(entry, exam):
            yield _of_unaccepted(block, entry, exam, applied.state)


def _of_undeclared(block: AcceptedChange, address: Address, applied: AppliedBlocks) -> Note:
    if any(one.digest == block.digest for one in applied.state.acceptances_of(address)):
        return _note(DONE, block, f"{address} was accepted, and is not declared any more")
    near = like(address, applied.exams)
    hint = f"Did you mean {near}? Otherwise remove it." if near else _MAY_GO
    return _note(POINTS_NOWHERE, block, f"{address} is not accepted: nothing declares it", hint)


def _of_newcomer(block: AcceptedChange, address: Address, adoption: Adoption | None) -> Note:
    if adoption is None:
        hint = f"If it exists, adopt it: `imports: [{{exam: {as_yaml(address)}, sid: EX…}}]`"
        return _note(POINTS_NOWHERE, block, f"{address} is not accepted: state does not know it", hint)
    if adoption.settles is None:
        return _note(DONE, block, f"the acceptance of {address} is done: it is adopted as declared")
    message = f"{address} is not accepted yet: it is adopted first, as it was sent"
    return _note(NOT_ACCEPTED, block, message, "The plan after that accepts it.")


def _of_unaccepted(block: AcceptedChange, entry: Entry, exam: Declaration, state: State) -> Note:
    if entry.digest == exam.digest:
        return _note(DONE, block, f"the acceptance of {exam.address} is done: state has what is declared")
    if block.digest != exam.digest:
        return _note(
            NOT_ACCEPTED,
            block,
            f"{exam.address} is not accepted: its block has the digest {block.digest}, which is not the "
            "declared one",
            f"If the exam was changed to what is declared now, write digest: {exam.digest}",
            exam.address,
        )
    earlier = done_before(block, entry, state)
    when = "" if earlier is None else f" by {earlier.by}, on {instant_in_words(earlier.at)}"
    return _note(
        NOT_ACCEPTED,
        block,
        f"{exam.address} is not accepted again: its block was applied{when}",
        f"If the exam was changed to this once more, run {command('accept', exam.address)}, or give the "
        "block another `reason`.",
        exam.address,
    )


def _of_globs(applied: AppliedBlocks) -> Iterator[Note]:
    """Yield notes on globs that match nothing any more. Where one leaves an exam out, a guard says why."""
    state, declared = applied.state, applied.written
    left = [address for address in (*state.exams, *state.intents) if address not in applied.exams]
    blocks: list[tuple[Move | Removal, Address, str]] = [
        *((one, one.source, f"the move from {one.source} to {one.address}") for one in declared.moves),
        *((one, one.address, f"the removal of {one.address}") for one in declared.removals),
    ]
    for block, glob, what in blocks:
        if is_glob(glob) and not any(matches(address, glob) for address in left):
            message = f"{what} is done: it covers no exam in state"
            yield _note(DONE, block, message)


def _of_distinctions(blocks: Iterable[Distinction], applied: AppliedBlocks) -> Iterator[Note]:
    """Yield notes on blocks of `distinct` by name: those about creates, and those about nothing."""
    creates = {exam.address for exam in applied.creates} if blocks else set[Address]()
    state = applied.state
    known = {*applied.addresses, *state.exams, *state.intents, *applied.routes} if blocks else set[Address]()
    for block in blocks:
        ends = (block.address, block.other)
        lost = [end for end in ends if not _is_known(end, known, applied.exams)]
        if lost:
            near = like(lost[0], known.difference(ends))
            yield _note(
                POINTS_NOWHERE if near else DONE,
                block,
                f"`distinct` tells {block.address} from {block.other}: {lost[0]} is neither declared nor "
                "in state",
                f"Did you mean {near}? Otherwise remove it." if near else _MAY_GO,
                block.other,
            )
        elif not creates.isdisjoint(ends):
            reason = f": {block.reason}" if block.reason else ""
            yield _note(
                TOLD_APART,
                block,
                f"{block.address} and {block.other} are two exams, as `distinct` says{reason}",
                "Be sure of it: both will exist.",
                block.other,
            )


def _of_wide_distinctions(applied: AppliedBlocks) -> Iterator[Note]:
    """Yield notes on globs in `distinct` that allow creates with the course and title of another exam."""
    declared = applied.written
    wide = [block for block in declared.distinctions if is_glob(block.address) or is_glob(block.other)]
    if not wide:
        return
    creates = {exam.address for exam in applied.creates}
    named = replace(Distinctions.of(declared), globs=())
    pairs = twins_of(applied, declared, named, creates=creates)
    for block in wide:
        told = [pair for pair in pairs if _tells_apart(block, *pair)]
        if told:
            (one, two), more = told[0], len(told) - 1
            yield _note(
                TOLD_APART,
                block,
                f"{one} and {two}{f' (and {more} more)' if more else ''} have one course and title, and are "
                f"two exams, as `distinct` of {block.address} and {block.other} says",
                "Be sure of it: both will exist. Name them in full if only some are meant.",
                *chain.from_iterable(told),
            )


def _tells_apart(block: Distinction, one: Address, two: Address) -> bool:
    """Return whether `block` is about `one` and `two`, in either order."""
    return any(
        matches(here, block.address) and matches(there, block.other)
        for here, there in ((one, two), (two, one))
    )


def _is_known(end: Address, known: Collection[Address], declared: Collection[Address]) -> bool:
    """Return whether `end` is a known address, or a glob that matches a declared exam."""
    return any(matches(address, end) for address in declared) if is_glob(end) else end in known
