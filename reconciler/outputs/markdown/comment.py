"""A plan as Markdown, for a comment on a pull request or the summary of a job.

It never exceeds the size limit of a comment. Long parts are first folded, then shortened, then only counted;
the text says what is left out.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from reconciler.model.destination import Destination
from reconciler.model.plan import Action, Guard, Note, Plan
from reconciler.outputs.escapes import ELLIPSIS, first_of, shorten
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.listing import Listing
from reconciler.outputs.markdown.escapes import code, escaped, ticked
from reconciler.outputs.markdown.sections import Limits, sections_of
from reconciler.outputs.plan_summary import headline, remarks, told_notes
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
_LONGEST_ENVIRONMENT: Final = 100
_LONGEST_URL: Final = 200
_MOST_INSTALLS: Final = 5


def plan_markdown(plan: Plan, *, listing: Listing, invocation: Invocation = NO_OPTIONS) -> str:
    """Return `plan` in at most LONGEST bytes. Its first line is a hidden marker: later runs find it."""
    head, foot = "\n".join(_head(plan)), f"<sub>Fingerprint `{plan.fingerprint}`</sub>"
    for limits in _LIMITS:
        if limits.rows is None and len(listing.of(plan)) * _SHORTEST_ROW > LONGEST:
            continue  # too long in any case
        body = "\n".join(_body(plan, listing, invocation, limits))
        text = f"{head}\n{body}\n{foot}\n"
        if len(text) <= LONGEST and len(text.encode("utf-8", "backslashreplace")) <= LONGEST:
            return text
    return f"{head}\n{_counted(plan)}\n\n{foot}\n"


def marker(plan: Plan) -> str:
    """Return an HTML comment with environment (percent-encoded, may be empty) and fingerprint."""
    # Two hyphens could end an HTML comment.
    name = quote(plan.destination.environment or "", safe="", errors="backslashreplace").replace("--", "-%2D")
    return f"<!-- reconciler:plan environment={name} fingerprint={plan.fingerprint} -->"


def _head(plan: Plan) -> Iterator[str]:
    name = plan.destination.environment
    place = "" if name is None else f" for {code(shorten(name, _LONGEST_ENVIRONMENT))}"
    yield marker(plan)
    yield f"### Exam plan{place}"
    yield ""
    yield " ".join((f"**{escaped(headline(plan))}**", *remarks(plan)))
    yield ""
    yield from _destination(plan.destination)
    for guard in plan.guards[:_MOST_GUARDS]:
        yield from _guard(guard)
    if len(plan.guards) > _MOST_GUARDS:
        yield f"{ELLIPSIS} and {len(plan.guards) - _MOST_GUARDS:,} more guards refuse it."
        yield ""


def _destination(destination: Destination) -> Iterator[str]:
    """Yield the destination on one line; the heading names the environment."""
    shown = (("Service", destination.api_url), ("state", destination.state))
    parts = [f"{name} {code(shorten(url, _LONGEST_URL))}" for name, url in shown if url is not None]
    if destination.install_sids:
        parts.insert(1, f"install {first_of([*map(code, destination.install_sids)], _MOST_INSTALLS)}")
    if parts:
        yield f"{', '.join(parts)}."
        yield ""


def _guard(guard: Guard) -> Iterator[str]:
    yield "> [!CAUTION]"
    yield f"> **Refused:** {code(guard.code)}: {ticked(shorten(guard.message, _LONGEST_GUARD))}"
    if guard.addresses:
        yield f"> Exams: {first_of([*map(code, guard.addresses)], _GUARD_ADDRESSES)}"
    yield f"> Next: {ticked(shorten(guard.hint, _LONGEST_GUARD))}"
    yield ""


def _body(plan: Plan, listing: Listing, invocation: Invocation, limits: Limits) -> Iterator[str]:
    left_out: list[str] = []
    for section in sections_of(plan, listing, invocation, limits):
        yield from section.lines
        left_out += section.left_out
    yield from _notes(told_notes(plan, listing))
    if limits.is_short:
        left_out.insert(
            0, f"long texts are cut at {limits.text} characters, and UTC and sources are not repeated"
        )
    if left_out:
        yield "> [!NOTE]"
        yield f"> Left out, because the size of a comment is limited: {'; '.join(left_out)}."
        yield f"> All of it: {code(invocation.command('plan', '--format', 'html'))}"
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


def _counted(plan: Plan) -> str:
    """Return the counts only, for a plan of which not even the shortest sections fit."""
    counts = (GROUPS[action].heading(plan.count(action)) for action in Action if plan.count(action))
    return "\n".join(f"- {sentence}" for sentence in (*counts, "Nothing more fits into a comment."))
