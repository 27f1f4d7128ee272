"""Declarations, blocks and states that the tests of the planning room share."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from reconciler.model.declarations import (
    Absence,
    AcceptedChange,
    Declaration,
    Declared,
    Distinction,
    ExamElsewhere,
    Import,
    Move,
    Removal,
)
from reconciler.model.destination import Destination, ServiceUrl
from reconciler.model.diagnostics import Position
from reconciler.model.identities import Address, AttemptId, CourseSid, ExamSid, InstallSid
from reconciler.model.payloads import Json, Payload, digest_of
from reconciler.model.plan import Action, Change, Guard, Plan
from reconciler.model.state import Entry, Intent, State
from reconciler.planning.block_globs import apply_all_blocks
from reconciler.planning.blocks import AppliedBlocks
from reconciler.planning.planner import make_plan

INSTALL = InstallSid("AI" + "1" * 32)
OTHER_INSTALL = InstallSid("AI" + "2" * 32)
COURSE = CourseSid("CU" + "1" * 32)
OTHER_COURSE = CourseSid("CU" + "2" * 32)
SERVICE = "https://api.example.edu"
LINEAGE = "0d4c2f7e-6a53-4d0c-9b6e-3a8f1c2b7d10"
NOW = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
HERE = Position("exams.yaml", 7, 3)


def sid(number: int) -> ExamSid:
    """A SID that shows `number`."""
    return ExamSid(f"EX{number:032x}")


def payload(title: str, **configuration: Json) -> Payload:
    """A small body with `title`."""
    return {"title": title, "configuration": {"duration": 60, "proctorTypes": ["live"], **configuration}}


def exam(  # noqa: PLR0913 - each names a part that a test may vary
    address: str,
    body: Payload | None = None,
    *,
    install: InstallSid = INSTALL,
    course: CourseSid = COURSE,
    at: Position = HERE,
    alias: str | None = None,
) -> Declaration:
    """A declaration of `address`, titled after it."""
    body = payload(f"Exam {address}") if body is None else body
    return Declaration(
        address=Address(address),
        install_sid=install,
        course_sid=course,
        payload=body,
        digest=digest_of(body),
        secrets=(),
        declared_at=at,
        course=alias,
    )


def entry(number: int, declaration: Declaration) -> Entry:
    """The entry of `declaration`, created as `number`."""
    return Entry(
        sid=sid(number),
        install_sid=declaration.install_sid,
        course_sid=declaration.course_sid,
        digest=declaration.digest,
        payload=declaration.payload,
        created_at=NOW,
    )


def intent(attempt: str, declaration: Declaration) -> Intent:
    """The intent of a create of `declaration`."""
    return Intent(
        attempt=AttemptId(attempt),
        digest=declaration.digest,
        install_sid=declaration.install_sid,
        course_sid=declaration.course_sid,
        payload=declaration.payload,
        started_at=NOW,
        by="a test",
    )


def state(exams: Mapping[str, Entry] | None = None, intents: Mapping[str, Intent] | None = None) -> State:
    """A state of `exams` and `intents`."""
    return State(
        lineage=LINEAGE,
        serial=3,
        exams={Address(address): held for address, held in (exams or {}).items()},
        intents={Address(address): held for address, held in (intents or {}).items()},
    )


def created(*addresses: str) -> dict[str, Entry]:
    """Entries of `addresses` as `exam` declares them, numbered from 1."""
    return {address: entry(number, exam(address)) for number, address in enumerate(addresses, start=1)}


def doubted(*addresses: str) -> dict[str, Intent]:
    """Intents of `addresses` as `exam` declares them, each attempt named after its address."""
    return {address: intent(f"try-{address}", exam(address)) for address in addresses}


def adopts(address: str, number: int) -> Import:
    """An import of SID `number` as `address`."""
    return Import(address=Address(address), sid=sid(number), declared_at=HERE)


def moves(*pairs: tuple[str, str]) -> tuple[Move, ...]:
    """Moves from the first of each pair to the second."""
    return tuple(
        Move(source=Address(source), address=Address(target), declared_at=HERE) for source, target in pairs
    )


def removes(*addresses: str) -> tuple[Removal, ...]:
    """Removals of `addresses`."""
    return tuple(Removal(address=Address(address), declared_at=HERE) for address in addresses)


def absent(address: str, attempt: str | None = None) -> Absence:
    """An absence of an attempt at `address`: of the one that `doubted` makes, or of `attempt`."""
    return Absence(address=Address(address), attempt=AttemptId(attempt or f"try-{address}"), declared_at=HERE)


def accepts(address: str, body: Payload, reason: str | None = None, *, at: Position = HERE) -> AcceptedChange:
    """A statement that the exam at `address` was changed to `body`."""
    digest = digest_of(body)
    return AcceptedChange(address=Address(address), digest=digest, declared_at=at, reason=reason)


def tells_apart(*pairs: tuple[str, str]) -> tuple[Distinction, ...]:
    """Distinctions of the two addresses, or globs, of each pair."""
    return tuple(
        Distinction(address=Address(one), other=Address(other), declared_at=HERE) for one, other in pairs
    )


def declaring(  # noqa: PLR0913 - one for each block
    *exams: Declaration | str,
    imports: Sequence[Import] = (),
    moved: Sequence[Move] = (),
    removed: Sequence[Removal] = (),
    absences: Sequence[Absence] = (),
    accepted: Sequence[AcceptedChange] = (),
    distinct: Sequence[Distinction] = (),
    elsewhere: Sequence[str] = (),
) -> Declared:
    """What declares `exams` (of an address alone, as `exam` does), those `elsewhere`, and the blocks."""
    return Declared(
        exams=tuple(exam(one) if isinstance(one, str) else one for one in exams),
        imports=tuple(imports),
        moves=tuple(moved),
        removals=tuple(removed),
        absences=tuple(absences),
        accepted=tuple(accepted),
        distinctions=tuple(distinct),
        elsewhere=tuple(
            ExamElsewhere(address=Address(one), environments=("production",), declared_at=HERE)
            for one in elsewhere
        ),
    )


def blocks_applied(declared: Declared, known: State | None = None) -> AppliedBlocks:
    """Where the state `known`, or an empty one, stands at NOW."""
    return apply_all_blocks(declared, state() if known is None else known, now=NOW)


def planned(
    declared: Declared,
    known: State | None = None,
    *,
    max_creates: int = 100,
    targets: Sequence[str] = (),
    service: ServiceUrl | None = None,
) -> Plan:
    """The plan at NOW, of exams at a service of which no guard has anything to say, or at `service`."""
    url = SERVICE if service is None else service.url
    return make_plan(
        blocks_applied(declared, known),
        now=NOW,
        max_creates=max_creates,
        targets=targets,
        destination=Destination(api_url=url, state="file:exams.state.json"),
        service=service,
    )


def actions(plan: Plan) -> dict[str, Action]:
    """The action of each address; fails where an address has two lines."""
    assert len({change.address for change in plan.changes}) == len(plan.changes)
    return {change.address: change.action for change in plan.changes}


def line(plan: Plan, address: str) -> Change:
    """The one line of `address`."""
    (found,) = (change for change in plan.changes if change.address == address)
    return found


def codes(plan: Plan) -> list[str]:
    """The codes of the plan's guards, in order."""
    return [guard.code for guard in plan.guards]


def guard(plan: Plan, code: str) -> Guard:
    """The one guard with `code`."""
    (found,) = (one for one in plan.guards if one.code == code)
    return found
