"""Makes the plan: its lines, guards and notes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from reconciler.model.declarations import ExamElsewhere
from reconciler.model.destination import UNSAID, Destination, ServiceUrl
from reconciler.model.errors import UsageError
from reconciler.model.globs import selected
from reconciler.model.identities import Address
from reconciler.model.plan import Action, Change, Plan
from reconciler.model.secret_fingerprints import SecretComparisons
from reconciler.planning.blocks import AppliedBlocks
from reconciler.planning.changes import lines_of
from reconciler.planning.guards import guards_of
from reconciler.planning.notes import notes_of
from reconciler.planning.secret_changes import secret_notes

_NO_NAMES: Final[Mapping[str, str]] = {}


def make_plan(  # noqa: PLR0913 - declarations, state, and what a run says of itself
    applied: AppliedBlocks,
    *,
    now: datetime,
    max_creates: int = 100,
    targets: Sequence[str] = (),
    comparisons: SecretComparisons | None = None,
    destination: Destination = UNSAID,
    service: ServiceUrl | None = None,
    names: Mapping[str, str] = _NO_NAMES,
) -> Plan:
    """Return the plan for `applied`: what is declared, compared with what state knows.

    Every declared or known address has one line. An address that an entry moves away from, or whose intent is
    settled by an import at a new address, is covered by the line of the new address. `targets` narrow the
    plan to the addresses that they match; guards about state are not narrowed. `now` is aware. `comparisons`
    are those of secrets; None without a state key. The installs of `destination` are replaced by those of the
    exams. `service` says how the service was chosen; with None no guard checks it. Of `names`, the plan keeps
    those of SIDs in its changes. Raises UsageError for a target that matches nothing.
    """
    lines = lines_of(applied, comparisons)
    kept = _targeted((line.address for line in lines), targets, applied.declared.elsewhere)
    installs = {exam.install_sid for address, exam in applied.exams.items() if address in kept}
    changes = tuple(_named(line, names) for line in lines if line.address in kept)
    return Plan(
        lineage=applied.state.lineage,
        serial=applied.state.serial,
        destination=replace(destination, install_sids=tuple(sorted(installs))),
        changes=changes,
        guards=guards_of(lines, applied, service=service, kept=kept, now=now, max_creates=max_creates),
        notes=(*secret_notes(applied.exams.values(), comparisons), *notes_of(applied)),
        names={sid: names[sid] for sid in sorted(_named_sids(changes) & names.keys())},
    )


def _named(line: Change, names: Mapping[str, str]) -> Change:
    """Return `line` with a name for its course, if any alias is known."""
    if line.course is not None or line.course_sid not in names:
        return line
    return replace(line, course=names[line.course_sid])


def _named_sids(changes: Iterable[Change]) -> set[str]:
    """Return the SIDs of courses and users in `changes` that differ."""
    found: set[str] = set()
    for change in changes:
        if change.action is not Action.NOOP:
            found.add(change.course_sid)
            for payload in (change.before, change.after):
                for name in ("courseSid", "contactUserSid"):
                    sid = (payload or {}).get(name)
                    if isinstance(sid, str):
                        found.add(sid)
    return found


def _targeted(
    addresses: Iterable[Address], targets: Sequence[str], elsewhere: Iterable[ExamElsewhere]
) -> frozenset[Address]:
    """Return those of `addresses` that any of `targets` matches; all of them without targets.

    Raises UsageError for a target that matches nothing.
    """
    candidates = frozenset(addresses)
    if not targets:
        return candidates
    for exam in elsewhere:
        if exam.address in targets and exam.address not in candidates:
            hint = f"{exam} ({exam.declared_at})."
            raise UsageError(f"the target {str(exam.address)!r} matches no address", hint=hint)
    return frozenset().union(*(selected(candidates, target, "target") for target in sorted(set(targets))))
