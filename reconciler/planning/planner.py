"""The plan: what apply would make, what it would leave alone, and what stands in the way."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from reconciler.model.declarations import Declared
from reconciler.model.destination import UNSAID, Destination, ServiceUrl
from reconciler.model.plan import Plan
from reconciler.model.secret_marks import Sightings
from reconciler.model.state import State
from reconciler.planning.blocks import without_globs
from reconciler.planning.guards import guards_of
from reconciler.planning.lines import lines_of
from reconciler.planning.notes import notes_of
from reconciler.planning.service_guards import service_guards
from reconciler.planning.standing import standing_of
from reconciler.planning.targets import targeted
from reconciler.planning.tracking import tracking_notes


def make_plan(  # noqa: PLR0913 - declarations, state, and what a run says of itself
    declared: Declared,
    state: State,
    *,
    now: datetime,
    max_creates: int = 100,
    targets: Sequence[str] = (),
    sightings: Sightings | None = None,
    destination: Destination = UNSAID,
    service: ServiceUrl | None = None,
) -> Plan:
    """Compare what is declared with what state knows.

    Every declared and every known address has one line; one that an entry moves away from, or whose intent an
    import at its new address settles, is told by the line of the new address. `targets` narrow the lines to
    the addresses that they match; guards over what state holds are not narrowed. `now` is aware.
    `sightings` are what is known of the values of secrets; None where nothing can be. `destination` says
    where it goes, but for the installs, which are those of the exams. `service` says how its service was
    chosen; None where no guard is to judge that. Raises UsageError for a target that matches nothing.
    """
    plain = without_globs(declared, state, now=now)
    standing = standing_of(plain, state)
    lines = lines_of(standing, state, sightings)
    kept = targeted((line.address for line in lines), targets)
    installs = {exam.install_sid for address, exam in standing.exams.items() if address in kept}
    return Plan(
        lineage=state.lineage,
        serial=state.serial,
        destination=replace(destination, install_sids=tuple(sorted(installs))),
        changes=tuple(line for line in lines if line.address in kept),
        guards=(
            *service_guards(service, state, lines, kept=kept),
            *guards_of(lines, standing, state, declared=plain, kept=kept, now=now, max_creates=max_creates),
        ),
        notes=(
            *tracking_notes(standing.exams.values(), sightings),
            *notes_of(declared, plain, standing, state),
        ),
    )
