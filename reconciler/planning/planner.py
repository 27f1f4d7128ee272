"""The plan: what apply would make, what it would leave alone, and what stands in the way."""

from collections.abc import Sequence
from datetime import datetime

from reconciler.model.declarations import Declared
from reconciler.model.plan import Plan
from reconciler.model.secret_marks import Sightings
from reconciler.model.state import State
from reconciler.planning.guards import guards_of
from reconciler.planning.lines import lines_of
from reconciler.planning.notes import notes_of
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
    environment: str | None = None,
) -> Plan:
    """Compare what is declared with what state knows.

    Every declared and every known address has one line; one that an entry moves away from, or whose intent an
    import at its new address settles, is told by the line of the new address. `targets` narrow the lines to
    the addresses that they match; guards over what state holds are not narrowed. `now` is aware.
    `sightings` are what is known of the values of secrets; None where nothing can be. `environment` is the
    name of the one that it is made for. Raises UsageError for a target that matches nothing.
    """
    standing = standing_of(declared, state)
    lines = lines_of(standing, state, sightings)
    kept = targeted((line.address for line in lines), targets)
    return Plan(
        lineage=state.lineage,
        serial=state.serial,
        environment=environment,
        changes=tuple(line for line in lines if line.address in kept),
        guards=guards_of(lines, standing, declared=declared, kept=kept, now=now, max_creates=max_creates),
        notes=(*tracking_notes(standing.exams.values(), sightings), *notes_of(declared, standing, state)),
    )
