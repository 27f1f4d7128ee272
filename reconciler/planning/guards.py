"""Guards: why apply refuses a plan as a whole, before anything is sent."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, count
from typing import Final

from reconciler.model.commands import command
from reconciler.model.destination import URL_VARIABLE, NamedBy, ServiceUrl
from reconciler.model.distinctions import Distinctions
from reconciler.model.identities import MAX_ADDRESS, Address, as_yaml
from reconciler.model.plan import Action, Change, Guard
from reconciler.model.state import Entry, State
from reconciler.model.terms import manifest_for
from reconciler.model.words import first_few
from reconciler.planning.acceptances import is_same_place
from reconciler.planning.blocks import AppliedBlocks, Conflict
from reconciler.planning.likeness import Likeness, has_closed, likenesses, twins_of
from reconciler.planning.suspicious_blocks import SuspiciousBlock, suspicious_blocks
from reconciler.service_url import may_be_one_service

_NAMED: Final = 5
_PASTED: Final = 25


def guards_of(  # noqa: PLR0913 - all that a guard may look at
    lines: Sequence[Change],
    applied: AppliedBlocks,
    *,
    service: ServiceUrl | None,
    kept: Collection[Address],
    now: datetime,
    max_creates: int,
) -> tuple[Guard, ...]:
    """Return every guard that refuses a plan of `lines`, in a fixed order.

    `service` is None if no guard is to check it. `kept` are the addresses that the plan is narrowed to:
    other creates will not happen, so guards ignore them.
    """
    creates = [line for line in lines if line.action is Action.CREATE and line.address in kept]
    return (
        *(() if service is None else _service(service, applied.state, creates)),
        *_too_many_creates(creates, max_creates),
        *_window_closed(creates, now),
        *_other_course([line for line in lines if line.address in kept], applied),
        *_same_exam(creates, applied, now),
        *_blocks(
            "import-conflict",
            "imports contradict the state",
            "Mend or remove these `imports`. For an exam that only has a new address, use `moved`.",
            applied.import_conflicts,
        ),
        *_blocks(
            "move-conflict",
            "moves cannot be made",
            "Remove the entry of `moved` that no longer holds.",
            applied.move_conflicts,
        ),
        *_blocks(
            "points-nowhere",
            "a block names no known exam, but almost one that would be created",
            "Mend the address in the block. If it is right, the block is done or does nothing: remove it.",
            suspicious_blocks(lines, creates, applied),
        ),
    )


def _service(service: ServiceUrl, state: State, creates: Sequence[Change]) -> Iterator[Guard]:
    """Refuse a plan for another service than is meant, or than the exams in state are at."""
    if service.contradiction is not None:
        yield Guard(
            code="contradicting-url",
            message=f"{URL_VARIABLE} is {service.contradiction}, and the apiUrl of the environment is "
            f"{service.url}",
            hint="Unset the variable, or say with --api-url which of the two is meant.",
            addresses=(),
        )
    holds_some = bool(state.exams or state.intents)
    if holds_some and state.service is not None and state.service != service.url:
        yield Guard(
            code="other-service",
            message=f"the state is of exams at {state.service}, and this plan goes to {service.url}",
            hint=f"Check --env, --state and apiUrl. {_about_address(state.service, service.url)}",
            addresses=(),
        )
    if holds_some and state.service is None and service.named_by is not NamedBy.CHOICE and creates:
        yield Guard(
            code="unbound-service",
            message="the state holds exams and does not say at which service; this plan would create more at "
            f"{service.url}",
            hint="Say which service it is: with apiUrl in reconciler.yaml, with --api-url, or with "
            "`reconciler state rebind --api-url URL`.",
            addresses=(),
        )


def _about_address(before: str, after: str) -> str:
    """Return what to do about the state of the service at `before`, for exams that go to `after`."""
    if not may_be_one_service(before, after):
        return "The sandbox and SmarterProctoring hold different exams: give each a state of its own."
    return (
        "Only if it is the same service under a new address: "
        f"{command('state', 'rebind', '--api-url', after)}."
    )


def _too_many_creates(creates: Sequence[Change], max_creates: int) -> Iterator[Guard]:
    """Refuse more creates than are allowed at once."""
    count = len(creates)
    if count > max_creates:
        exams = "1 exam" if count == 1 else f"{count} exams"
        yield Guard(
            code="too-many-creates",
            message=f"{exams} would be created, and {max_creates} are allowed at once",
            hint="Check that the state is the right one. If all are meant, write "
            f"`maxCreates: {count}` in reconciler.yaml, or pass --max-creates {count}.",
            addresses=_addresses(creates),
        )


def _window_closed(creates: Sequence[Change], now: datetime) -> Iterator[Guard]:
    """Refuse creates of exams that no student can sit any more."""
    closed = [line for line in creates if has_closed(line.after or {}, now)]
    if not closed:
        return
    yield Guard(
        code="window-closed",
        message=f"the exam window has closed already: {first_few([line.address for line in closed])}",
        hint="Mend configuration.examCloseDate, or take the exam out of the manifest. If it was created by "
        "other means, add it to `imports`.",
        addresses=_addresses(closed),
    )


def _other_course(lines: Iterable[Change], applied: AppliedBlocks) -> Iterator[Guard]:
    """Refuse existing exams that are declared for another course or install: those would be other exams."""
    moved = [line for line in lines if line.after is not None and _is_elsewhere(line, applied)]
    if not moved:
        return
    taken = {*applied.addresses, *applied.state.exams, *applied.state.intents}
    proposals = [(line.address, _free_address(line.address, taken)) for line in moved]
    yield Guard(
        code="other-course",
        message="an exam stays in the course and install that it was created in: "
        + first_few([_elsewhere(line, applied.entries[line.address]) for line in moved]),
        hint="Put course and install back. If another exam is meant, declare it under a new address: "
        f"{first_few([f'{new} in place of {old}' for old, new in proposals])}. The one that exists stays "
        "declared as it was, or `removed` names it.",
        addresses=_addresses(moved),
    )


def _is_elsewhere(line: Change, applied: AppliedBlocks) -> bool:
    entry = applied.entries.get(line.address)
    return entry is not None and not is_same_place(entry, line)


def _elsewhere(line: Change, entry: Entry) -> str:
    """Return in words where the exam of `line` is, and is not."""
    differing = [
        f"{before}, not {after}"
        for before, after in (
            (entry.course_sid, line.course_sid),
            (entry.install_sid, line.install_sid),
        )
        if before != after
    ]
    return f"{line.address} is in {' and in '.join(differing)}"


def _free_address(address: Address, taken: set[Address]) -> Address:
    """Return a free address like `address`, and add it to `taken`."""
    for number in count(2):
        ending = f"-{number}"
        free = Address(f"{address[: MAX_ADDRESS - len(ending)].rstrip('./')}{ending}")
        if free not in taken:
            break
    taken.add(free)
    return free


def _same_exam(creates: Sequence[Change], applied: AppliedBlocks, now: datetime) -> Iterator[Guard]:
    """Refuse creates that resemble another declared exam, or one that exists or may exist."""
    if not creates:
        return
    declared = applied.declared
    distinctions, planned = Distinctions.of(declared), {line.address for line in creates}
    twins = twins_of(applied, declared, distinctions, creates=planned)
    conflicting = set(chain.from_iterable(conflict.addresses for conflict in applied.move_conflicts))
    alike = tuple(
        likenesses(
            [applied.exams[address] for address in sorted(planned - conflicting)],
            applied,
            distinctions,
            now=now,
            forgiven=applied.forgotten,
        )
    )
    if not twins and not alike:
        return
    place = manifest_for(*(applied.exams[line.address].term for line in creates))
    claims = [*(f"{one} and {other} have one course and title" for one, other in twins), *map(_claim, alike)]
    yield Guard(
        code="same-exam",
        message=f"an exam to be created looks like one that exists or is declared: {first_few(claims)}",
        hint="\n".join((*_advice_on_held(alike, place), _advice_on_two(twins, alike, place))),
        addresses=tuple(
            sorted(
                {
                    *chain.from_iterable(twins),
                    *(end for one in alike for end in (one.create, one.held.address)),
                }
            )
        ),
    )


def _claim(found: Likeness) -> str:
    """Return in words what a create shares with an exam that state holds, or has in doubt."""
    held = found.held
    if held.is_in_doubt:
        status = "is in doubt"
    elif held.is_declared:
        status = "was created with it and is declared otherwise now"
    else:
        status = "exists and is not declared any more"
    return f"{found.create} has the {found.kind} of {held.address}, which {status}"


def _advice_on_held(alike: Sequence[Likeness], place: str) -> Iterator[str]:
    """Yield what to write to `place` if the exam in state is the one to be created, or is to be forgotten."""
    undeclared = [one for one in alike if not one.held.is_declared]
    pairs = _shared_out(undeclared)
    if pairs:
        moved = _block("moved", [f"{{from: {as_yaml(old)}, to: {as_yaml(new)}}}" for old, new in pairs])
        yield f"If it was renamed, add {moved} to {place}."
    reused = [one for one in alike if one.held.is_declared and not one.held.is_in_doubt]
    for old, new in _shared_out(reused)[:_NAMED]:
        yield f"If {old} is declared as {new} now, run {command('state', 'mv', old, new)}."
    orphans = sorted({one.held.address for one in undeclared if not one.held.is_in_doubt})
    if orphans:
        removed = _block("removed", [f"{{exam: {as_yaml(address)}}}" for address in orphans])
        yield f"If state is to forget the one that exists, add {removed} to {place}."


def _shared_out(alike: Iterable[Likeness]) -> list[tuple[Address, Address]]:
    """Return pairs of an old and a new address, each address in one pair only."""
    taken: dict[Address, Address] = {}
    for one in alike:
        if one.create not in taken.values():
            taken.setdefault(one.held.address, one.create)
    return list(taken.items())


def _advice_on_two(twins: Iterable[tuple[Address, Address]], alike: Iterable[Likeness], place: str) -> str:
    """Return what to write to `place` if two exams are meant, and if one of them was created by hand."""
    pairs = dict.fromkeys([*twins, *((one.create, one.held.address) for one in alike)])
    distinct = _block(
        "distinct", [f"{{exam: {as_yaml(one)}, from: {as_yaml(other)}}}" for one, other in pairs]
    )
    return (
        f"If two exams are meant, add {distinct} to {place}.\n"
        "If one was created by other means, name it under `imports`."
    )


def _block(name: str, items: Sequence[str]) -> str:
    """Return a block to paste, with the first of `items`, and how many more there are."""
    more = len(items) - _PASTED
    left = f" and {more} more like these (globs name many at once)" if more > 0 else ""
    return f"`{name}: [{', '.join(items[:_PASTED])}]`{left}"


def _blocks(code: str, claim: str, hint: str, found: Sequence[Conflict | SuspiciousBlock]) -> Iterator[Guard]:
    """Refuse all blocks that are `found`, with one guard."""
    if found:
        yield Guard(
            code=code,
            message=f"{claim}: {first_few([one.reason for one in found])}",
            hint=hint,
            addresses=tuple(sorted(set(chain.from_iterable(one.addresses for one in found)))),
        )


def _addresses(lines: Iterable[Change]) -> tuple[Address, ...]:
    """Return the addresses of `lines`, in order."""
    return tuple(line.address for line in lines)
