"""A plan as one page of HTML, which loads no other file and needs no network.

Its Content-Security-Policy allows only its own style and script, by their hashes. The template escapes every
value, and spells out unprintable characters.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape
from msgspec import Struct

from reconciler.model.identities import Address
from reconciler.model.plan import Action, Change, Plan
from reconciler.model.provenance import NO_PROVENANCE, Provenance
from reconciler.outputs.all_in_doubt import MOST_SINGLE, sheet_commands, support_message_about
from reconciler.outputs.escapes import printable
from reconciler.outputs.groups import GROUPS, Group
from reconciler.outputs.html.courses import Courses
from reconciler.outputs.in_doubt import in_doubt_report_of
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.listing import Listing
from reconciler.outputs.ordering import by_time
from reconciler.outputs.plan_summary import headline, is_for_foot, remarks, told_notes
from reconciler.outputs.section_groups import by_term

_TICKS: Final = re.compile(r"`([^`]+)`")
_TEMPLATES: Final = Path(__file__).parent / "templates"
MOST_OPEN: Final = 40
"""If a page has more exams, its courses are folded at first."""


class AllInDoubt(Struct, frozen=True, kw_only=True):
    """What helps with all exams in doubt; `commands` are those of a sheet, if there are many."""

    heading: str
    commands: tuple[str, ...]
    message: str


class Filter(Struct, frozen=True, kw_only=True):
    """A button that shows only the exams with one action; `count` is their number."""

    action: str
    group: Group
    count: int


def plan_page(
    plan: Plan,
    *,
    listing: Listing,
    invocation: Invocation = NO_OPTIONS,
    provenance: Mapping[Address, Provenance] = NO_PROVENANCE,
) -> str:
    """Return `plan` as an HTML page."""
    changes = by_time(listing.of(plan))
    view = Courses(plan, changes, invocation, provenance)
    courses = list(view)
    notes = told_notes(plan, listing)
    style, script = _asset("plan.css"), _asset("plan.js")
    return _template().render(
        plan=plan,
        headline=headline(plan),
        remarks=remarks(plan),
        notes=[note for note in notes if not is_for_foot(note)],
        foot_notes=[note for note in notes if is_for_foot(note)],
        filters=list(_filters(changes)),
        scale=view.scale,
        ticks=view.scale.axis.ticks() if view.scale.axis else [],
        terms=by_term(courses),
        clashing=sum(course.clashing for course in courses),
        is_whole=view.is_whole,
        in_doubt=_all_in_doubt(changes, invocation),
        is_open=len(changes) <= MOST_OPEN,
        policy=(
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        # Both are files of this package and hold nothing of the plan.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
    )


def _all_in_doubt(changes: Sequence[Change], invocation: Invocation) -> AllInDoubt | None:
    """Return what helps with all exams in doubt; None if there are none."""
    doubts = [doubt for change in changes if (doubt := in_doubt_report_of(change, invocation))]
    if not doubts:
        return None
    commands = sheet_commands(invocation) if len(doubts) > MOST_SINGLE else ()
    return AllInDoubt(
        heading=GROUPS[Action.IN_DOUBT].heading(len(doubts)),
        commands=commands,
        message=support_message_about(doubts),
    )


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the hash of `text` in the form of a Content-Security-Policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["ticked"] = _ticked
    return environment.get_template("plan.html.j2")


def _ticked(text: str) -> Markup:
    """Return `text` escaped, and as code what stands between two backticks."""
    return Markup(_TICKS.sub(r"<code>\1</code>", str(escape(printable(text)))))  # noqa: S704 - escaped just now


def _shown(value: object) -> object:
    """Return `value`; if it is text, with unprintable characters spelt out."""
    if isinstance(value, str) and not isinstance(value, Markup) and not value.isprintable():
        return "\n".join(printable(line) for line in value.split("\n"))
    return value


def _filters(changes: Sequence[Change]) -> Iterator[Filter]:
    counts = Counter(change.action for change in changes)
    for action, group in GROUPS.items():
        if counts[action]:
            yield Filter(action=action.value, group=group, count=counts[action])
