"""The lines of a plan: one change for each address."""

from collections.abc import Iterable

from msgspec.structs import replace

from reconciler.model.declarations import Declaration
from reconciler.model.identities import Address, ExamSid
from reconciler.model.plan import Action, Change, FieldDiff
from reconciler.model.secret_fingerprints import SecretComparisons
from reconciler.model.state import Entry, Intent
from reconciler.planning.blocks import AppliedBlocks
from reconciler.planning.differences import Recorded, diff_of
from reconciler.planning.secret_changes import value_diffs


def lines_of(applied: AppliedBlocks, comparisons: SecretComparisons | None) -> tuple[Change, ...]:
    """Return one change for each address, sorted by address.

    `comparisons` compare the present values of secrets with those that were sent; None leaves them out.
    """
    return tuple(_line(address, applied, comparisons) for address in sorted(applied.addresses))


def _line(address: Address, applied: AppliedBlocks, comparisons: SecretComparisons | None) -> Change:
    """Return the change of `address`. If its intent is in doubt, nothing else counts."""
    exam = applied.exams.get(address)
    if (doubt := applied.doubts.get(address)) is not None:
        return _change(address, Action.IN_DOUBT, exam, doubt, intent=doubt)
    if (adoption := applied.adoptions.get(address)) is not None:
        # What was sent is known only if the import ends an intent.
        sent = None if adoption.settles is None else applied.state.intents[adoption.settles]
        return _change(address, Action.IMPORT, exam, sent, sid=adoption.sid)
    if (entry := applied.entries.get(address)) is not None:
        return _change_of_entry(address, entry, exam, applied, comparisons)
    if exam is None:  # all that is left is an intent that an `absent` block ends
        return _change(address, Action.FORGET, None, applied.confirmed_absent[address])
    if (source := applied.pending_at_source.get(address)) is not None:
        doubt = applied.doubts[source]
        return _change(address, Action.IN_DOUBT, exam, doubt, intent=doubt, moved_from=source)
    return _change(address, Action.CREATE, exam, None)


def _change_of_entry(
    address: Address,
    entry: Entry,
    exam: Declaration | None,
    applied: AppliedBlocks,
    comparisons: SecretComparisons | None,
) -> Change:
    """Return the change of `address`, where state holds `entry`."""
    moved_from = applied.moved_from.get(address)
    diff = () if exam is None else _differences(entry, exam, comparisons)
    accepted = applied.accepted.get(address)
    if accepted is not None:
        action = Action.ACCEPT
    elif moved_from is not None:
        action = Action.MOVE
    elif exam is None:
        action = Action.FORGET if address in applied.forgotten else Action.ORPHANED
    else:
        action = Action.CHANGED if diff else Action.NOOP
    line = _change(address, action, exam, entry, sid=entry.sid, moved_from=moved_from, diff=diff)
    return line if accepted is None else replace(line, reason=accepted.reason)


def _differences(
    entry: Entry, exam: Declaration, comparisons: SecretComparisons | None
) -> tuple[FieldDiff, ...]:
    """Return every field that differs, and every secret whose value differs, ordered by path."""
    shown = diff_of(entry, exam)
    if comparisons is None:
        return shown
    hidden = [one for one in value_diffs(exam, comparisons) if not _is_shown(one.path, shown)]
    return tuple(sorted((*shown, *hidden), key=lambda one: one.path))


def _is_shown(path: str, diff: Iterable[FieldDiff]) -> bool:
    """Return whether `diff` has a difference at `path` or below it."""
    return any(one.path == path or one.path.startswith(f"{path}.") for one in diff)


def _change(  # noqa: PLR0913 - the fields that lines differ in
    address: Address,
    action: Action,
    exam: Declaration | None,
    recorded: Recorded | None,
    *,
    sid: ExamSid | None = None,
    moved_from: Address | None = None,
    intent: Intent | None = None,
    diff: tuple[FieldDiff, ...] | None = None,
) -> Change:
    """Return the change of `address`, which is declared as `exam`, `recorded` in state, or both."""
    described = recorded if exam is None else exam
    if described is None:
        raise AssertionError("an address of a plan is declared or recorded")
    if diff is None:
        diff = () if exam is None or recorded is None else diff_of(recorded, exam)
    return Change(
        address=address,
        action=action,
        install_sid=described.install_sid,
        course_sid=described.course_sid,
        sid=sid,
        digest=described.digest,
        source=None if exam is None else exam.declared_at,
        before=None if recorded is None else recorded.payload,
        after=None if exam is None else exam.payload,
        diff=diff,
        moved_from=moved_from,
        intent=intent,
        course=None if exam is None else exam.course,
        timezone=None if exam is None else exam.timezone,
        term=None if exam is None else exam.term,
        section=None if exam is None else exam.section,
        assignees=() if exam is None else exam.assignees,
    )
