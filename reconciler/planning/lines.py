"""The lines of a plan: one change for each address of a standing."""

from collections.abc import Iterable

from reconciler.model.declarations import Declaration
from reconciler.model.identities import Address, ExamSid
from reconciler.model.plan import Action, Change, FieldDiff
from reconciler.model.secret_marks import Sightings
from reconciler.model.state import Entry, Intent, State
from reconciler.planning.differences import Recorded, diff_of, is_same
from reconciler.planning.standing import Adoption, Standing
from reconciler.planning.tracking import value_diffs


def lines_of(standing: Standing, sightings: Sightings | None) -> tuple[Change, ...]:
    """What the plan says of each address, sorted by address; `sightings` are what is known of secrets."""
    return tuple(_line(address, standing, sightings) for address in sorted(standing.addresses))


def _line(address: Address, standing: Standing, sightings: Sightings | None) -> Change:
    """What the plan says of `address`: a doubt about it outweighs all else."""
    exam = standing.exams.get(address)
    if (doubt := standing.doubts.get(address)) is not None:
        return _in_doubt(address, doubt, exam)
    if (adoption := standing.adoptions.get(address)) is not None:
        return _adopted(address, adoption, exam, standing.state)
    if (entry := standing.entries.get(address)) is not None:
        return _held(address, entry, exam, standing, sightings)
    if exam is None:
        return _undeclared(address, Action.FORGET, standing.confirmed_absent[address])
    if (source := standing.pending_at_source.get(address)) is not None:
        return _in_doubt(address, standing.doubts[source], exam, moved_from=source)
    return _declared(exam, Action.CREATE)


def _in_doubt(
    address: Address, intent: Intent, exam: Declaration | None, *, moved_from: Address | None = None
) -> Change:
    """A line that `intent` blocks; `moved_from` is the address of the intent, where that is another."""
    if exam is None:
        return _undeclared(address, Action.IN_DOUBT, intent, intent=intent, moved_from=moved_from)
    return _declared(exam, Action.IN_DOUBT, intent, intent=intent, moved_from=moved_from)


def _adopted(address: Address, adoption: Adoption, exam: Declaration | None, state: State) -> Change:
    """An import; the intent that it settles says what the exam is, else the declaration."""
    sent = None if adoption.settles is None else state.intents[adoption.settles]
    if exam is not None:
        return _declared(exam, Action.IMPORT, sent, sid=adoption.sid)
    return _undeclared(address, Action.IMPORT, state.intents[adoption.settles or address], sid=adoption.sid)


def _held(
    address: Address,
    entry: Entry,
    exam: Declaration | None,
    standing: Standing,
    sightings: Sightings | None,
) -> Change:
    """What the plan says of an exam that state knows."""
    moved_from = standing.moved_from.get(address)
    if exam is None:
        action = Action.FORGET if address in standing.forgotten else Action.ORPHANED
        if moved_from is not None:
            action = Action.MOVE
        return _undeclared(address, action, entry, sid=entry.sid, moved_from=moved_from)
    diff = _differences(entry, exam, sightings)
    action = Action.CHANGED if diff else Action.NOOP
    if moved_from is not None:
        action = Action.MOVE
    return _declared(exam, action, entry, sid=entry.sid, moved_from=moved_from, diff=diff)


def _differences(entry: Entry, exam: Declaration, sightings: Sightings | None) -> tuple[FieldDiff, ...]:
    """Every field that differs, and every secret whose value does, ordered by path."""
    shown = () if is_same(entry, exam) else diff_of(entry, exam)
    if sightings is None:
        return shown
    hidden = [one for one in value_diffs(exam, sightings) if not _is_shown(one.path, shown)]
    return tuple(sorted((*shown, *hidden), key=lambda one: one.path))


def _is_shown(path: str, diff: Iterable[FieldDiff]) -> bool:
    """Whether a difference at `path` or below it is in `diff`."""
    return any(one.path == path or one.path.startswith(f"{path}.") for one in diff)


def _declared(  # noqa: PLR0913 - the fields that such lines differ in
    exam: Declaration,
    action: Action,
    recorded: Recorded | None = None,
    *,
    sid: ExamSid | None = None,
    moved_from: Address | None = None,
    intent: Intent | None = None,
    diff: tuple[FieldDiff, ...] | None = None,
) -> Change:
    """The line of a declared address; `recorded` is what it is compared with, where `diff` is not given."""
    if diff is None:
        diff = () if recorded is None or is_same(recorded, exam) else diff_of(recorded, exam)
    return Change(
        address=exam.address,
        action=action,
        install_sid=exam.install_sid,
        course_sid=exam.course_sid,
        sid=sid,
        digest=exam.digest,
        source=exam.declared_at,
        before=None if recorded is None else recorded.payload,
        after=exam.payload,
        diff=diff,
        moved_from=moved_from,
        intent=intent,
        course=exam.course,
        timezone=exam.timezone,
    )


def _undeclared(  # noqa: PLR0913 - the fields that such lines differ in
    address: Address,
    action: Action,
    recorded: Recorded,
    *,
    sid: ExamSid | None = None,
    moved_from: Address | None = None,
    intent: Intent | None = None,
) -> Change:
    """The line of an address that only state knows, as `recorded`."""
    return Change(
        address=address,
        action=action,
        install_sid=recorded.install_sid,
        course_sid=recorded.course_sid,
        sid=sid,
        digest=recorded.digest,
        source=None,
        before=recorded.payload,
        after=None,
        moved_from=moved_from,
        intent=intent,
    )
