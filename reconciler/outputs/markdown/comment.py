"""A plan as Markdown, for a comment on a pull request or the summary of a job.

It never exceeds the size limit of a comment. Long parts are first folded, then shortened, then only counted;
the text says what is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from reconciler.model.destination import Destination
from reconciler.model.identities import Address
from reconciler.model.plan import Action, Guard, Note, Plan
from reconciler.model.provenance import NO_PROVENANCE, Provenance
from reconciler.outputs.escapes import ELLIPSIS, first_of, shorten
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.listing import Listing
from reconciler.outputs.markdown.diagnostics import warning_lines
from reconciler.outputs.markdown.escapes import code, escaped, ticked
from reconciler.outputs.markdown.exam_tables import Limits
from reconciler.outputs.markdown.plan_parts import parts_of
from reconciler.outputs.markdown.values import values_fold
from reconciler.outputs.ordering import by_time
from reconciler.outputs.plan_summary import headline, remarks, told_notes
from reconciler.outputs.section_groups import ExamGroup, groups_of
from reconciler.outputs.text.console import count_of

LONGEST: Final = 65_000
"""Size limit in bytes of UTF-8. A comment may have 65,536 characters, and a pipeline may add a line."""

# Limits to try, from the longest text to the shortest. The first that fits is taken.
_LIMITS: Final = (
    Limits(rows=None, text=200, doubts=10, bars=60),
    Limits(rows=None, text=60, doubts=3, bars=60, is_short=True),
    *(
        Limits(rows=rows, text=60, doubts=3, bars=min(rows, 60), is_short=True)
        for rows in (300, 200, 150, 100, 60, 40, 25)
    ),
    *(Limits(rows=rows, text=40, doubts=1, bars=rows, is_short=True) for rows in (10, 5, 2)),
    Limits(rows=0, text=40, doubts=0, bars=0, is_short=True),
)
_SHORTEST_ROW: Final = len("| `a` |  |  |\n")
_MOST_NOTES: Final = 10
_LONGEST_NOTE: Final = 300
_MOST_GUARDS: Final = 10
_GUARD_ADDRESSES: Final = 5
_LONGEST_GUARD: Final = 300
_LONGEST_HINT: Final = 2_000
_LONGEST_ENVIRONMENT: Final = 100
_LONGEST_URL: Final = 200
_MOST_INSTALLS: Final = 5
_FOLD_OF_FOLDS: Final = 100
"""Size in bytes of a fold around all others."""


def plan_markdown(
    plan: Plan,
    *,
    listing: Listing,
    invocation: Invocation = NO_OPTIONS,
    provenance: Mapping[Address, Provenance] = NO_PROVENANCE,
) -> str:
    """Return `plan` in at most LONGEST bytes. Its first line is a hidden marker: later runs find it.

    All values of an exam are shown for as many exams to be created as fit.
    """
    changes = by_time(listing.of(plan))
    groups = {action: groups_of(one for one in changes if one.action is action) for action in GROUPS}
    comment = _Comment(plan, groups, listing, invocation)
    for limits in _LIMITS:
        if limits.rows is None and len(changes) * _SHORTEST_ROW > LONGEST:
            continue  # too long in any case
        room = LONGEST - size_bytes(comment.text(limits, ()))
        if room >= 0:
            return comment.text(limits, _fitting(_folds(comment, provenance), room))
    return "\n".join((*_head(plan), *_counted(plan), *foot_lines(plan)))


class _Comment(Struct, frozen=True):
    """What does not depend on limits: the plan, and its exams that are listed, in order."""

    plan: Plan
    groups: Mapping[Action, Sequence[ExamGroup]]
    listing: Listing
    invocation: Invocation

    def text(self, limits: Limits, folds: Sequence[Sequence[str]]) -> str:
        """Return the whole text within `limits`, with the `folds` of the first exams."""
        return "\n".join((*_head(self.plan), *_body(self, limits, folds), *foot_lines(self.plan)))


def _folds(comment: _Comment, provenance: Mapping[Address, Provenance]) -> Iterator[list[str]]:
    """Yield the fold of each exam to be created; provenance is slow, so it is asked for only as needed."""
    for group in comment.groups[Action.CREATE]:
        yield values_fold(group, comment.plan.names, provenance)


def _fitting(folds: Iterator[list[str]], room: int) -> list[list[str]]:
    """Return the first `folds` that fit into `room` bytes."""
    fitting, size = [], _FOLD_OF_FOLDS
    for fold in folds:
        size += size_bytes("\n".join(fold)) + 1
        if size > room:
            break
        fitting.append(fold)
    return fitting


def size_bytes(text: str) -> int:
    """Return the size of `text` in UTF-8, in which a lone surrogate is an escape."""
    return len(text.encode("utf-8", "backslashreplace"))


def marker(plan: Plan, command: str = "plan") -> str:
    """Return an HTML comment with environment (percent-encoded, may be empty) and fingerprint."""
    # Two hyphens could end an HTML comment.
    name = quote(plan.destination.environment or "", safe="", errors="backslashreplace").replace("--", "-%2D")
    return f"<!-- reconciler:{command} environment={name} fingerprint={plan.fingerprint} -->"


def heading_lines(plan: Plan, command: str, title: str) -> Iterator[str]:
    """Yield the marker of `command`, and `title` with the environment as a heading."""
    name = plan.destination.environment
    place = "" if name is None else f" for {code(shorten(name, _LONGEST_ENVIRONMENT))}"
    yield marker(plan, command)
    yield f"### {title}{place}"
    yield ""


def _head(plan: Plan) -> Iterator[str]:
    yield from heading_lines(plan, "plan", "Exam plan")
    lead = "> " if plan.guards else ""
    if plan.guards:
        yield "> [!CAUTION]"
    yield f"{lead}{' '.join((f'**{escaped(headline(plan))}**', *remarks(plan)))}"
    yield ""


def foot_lines(plan: Plan) -> Iterator[str]:
    """Yield the destination in full, which state the plan was made from, and last the fingerprint."""
    yield from _destination(plan.destination)
    yield f"<sub>State {code(shorten(plan.lineage, _LONGEST_URL))}, serial {plan.serial}</sub><br>"
    yield f"<sub>Fingerprint `{plan.fingerprint}`</sub>"
    yield ""


def _destination(destination: Destination) -> Iterator[str]:
    """Yield the destination on one line; the heading names the environment."""
    shown = (("Service", destination.api_url), ("state", destination.state))
    parts = [f"{name} {code(shorten(url, _LONGEST_URL))}" for name, url in shown if url is not None]
    if destination.install_sids:
        parts.insert(1, f"install {first_of([*map(code, destination.install_sids)], _MOST_INSTALLS)}")
    if parts:
        yield f"<sub>{', '.join(parts)}</sub><br>"


def _guards(guards: Sequence[Guard], longest_hint: int) -> Iterator[str]:
    for guard in guards[:_MOST_GUARDS]:
        yield "> [!CAUTION]"
        yield f"> **Refused:** {code(guard.code)}: {ticked(shorten(guard.message, _LONGEST_GUARD))}"
        if guard.addresses:
            yield f"> Exams: {first_of([*map(code, guard.addresses)], _GUARD_ADDRESSES)}"
        remedies = [ticked(remedy) for remedy in shorten(guard.hint, longest_hint).split("\n")]
        if len(remedies) == 1:
            yield f"> Next: {remedies[0]}"
        else:
            yield from ("> Next:", ">", *(f"> - {remedy}" for remedy in remedies))
        yield ""
    if len(guards) > _MOST_GUARDS:
        yield f"{ELLIPSIS} and {len(guards) - _MOST_GUARDS:,} more guards refuse it."
        yield ""


def _body(comment: _Comment, limits: Limits, folds: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield what is wrong, then what is new, the notes, and last what is left out."""
    plan, left_out = comment.plan, list[str]()
    yield from _guards(plan.guards, _LONGEST_GUARD if limits.is_short else _LONGEST_HINT)
    yield from warning_lines(plan.warnings, limits.rows, limits.text)
    left = len(plan.warnings) - len(plan.warnings[: limits.rows])
    if left:
        left_out.append(f"{left:,} of {count_of(len(plan.warnings), 'warning')}")
    for part in parts_of(comment.groups, plan.names, comment.invocation, limits, folds):
        yield from part.lines
        left_out += part.left_out
    yield from _notes(told_notes(plan, comment.listing))
    if limits.is_short:
        left_out.insert(
            0, f"long texts are cut at {limits.text} characters, and UTC and sources are not repeated"
        )
    if left_out:
        yield "> [!NOTE]"
        yield f"> Left out, because the size of a comment is limited: {'; '.join(left_out)}."
        yield f"> All of it: {code(comment.invocation.command('plan', '--format', 'html'))}"
        yield ""


def _notes(notes: Sequence[Note]) -> Iterator[str]:
    """Yield the notes as a list. Items begin with a code, so that no text of a manifest begins a line."""
    if not notes:
        return
    yield f"#### {count_of(len(notes), 'note')}"
    yield ""
    for note in notes[:_MOST_NOTES]:
        place = "" if note.source is None else f" at {code(shorten(str(note.source), _LONGEST_NOTE))}"
        said = ticked(shorten(f"{note.message}. {note.hint}".strip(), _LONGEST_NOTE))
        yield f"- {code(note.code)}{place}: {said}"
    if len(notes) > _MOST_NOTES:
        yield f"- {ELLIPSIS} and {len(notes) - _MOST_NOTES:,} more; --format json has them all"
    yield ""


def _counted(plan: Plan) -> Iterator[str]:
    """Yield the guards and counts only, for a plan of which not even the shortest sections fit."""
    yield from _guards(plan.guards, _LONGEST_GUARD)
    counts = (GROUPS[action].heading(plan.count(action)) for action in GROUPS if plan.count(action))
    yield from (f"- {sentence}" for sentence in (*counts, "Nothing more fits into a comment."))
    yield ""
