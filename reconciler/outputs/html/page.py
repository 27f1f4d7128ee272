"""A plan as one page of HTML, which loads no other file and needs no network.

Its Content-Security-Policy allows only its own style and script, by their hashes. The template escapes every
value, and spells out unprintable characters.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape
from msgspec import Struct

from reconciler.model.plan import Change, Plan
from reconciler.outputs.accepting import AcceptingAdvice, accepting_advice_of
from reconciler.outputs.escapes import printable, shorten
from reconciler.outputs.exam_facts import ExamFacts, facts_of_change, sides_of
from reconciler.outputs.groups import GROUPS, Group
from reconciler.outputs.html.timeline import (
    Bar,
    Picture,
    TimeAxis,
    TimelineExam,
    axis_of,
    exam_of,
    overlap_counts,
    picture_of,
    strip_of,
)
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_report_of
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.listing import Listing
from reconciler.outputs.plan_summary import headline, remarks, told_notes

_TICKS: Final = re.compile(r"`([^`]+)`")
_TEMPLATES: Final = Path(__file__).parent / "templates"
MOST_OPEN: Final = 40
"""If a page has more exams, its courses are folded at first."""

_LONGEST_NAME: Final = 80
_LONGEST_SOURCE: Final = 200


class Row(Struct, frozen=True, kw_only=True):
    """One exam of the table; `overlaps` counts exams of its course whose exam windows overlap its own."""

    number: int
    change: Change
    group: Group
    facts: ExamFacts
    source: str
    overlaps: int
    differences: tuple[tuple[str, str, str], ...]
    accepting: AcceptingAdvice | None
    doubt: InDoubtReport | None


class Course(Struct, frozen=True, kw_only=True):
    """The exams of one course, the earliest first; `picture` is None if no exam has a window."""

    name: str
    rows: tuple[Row, ...]
    picture: Picture | None
    strip: tuple[tuple[int, str, Bar], ...]

    @property
    def overlapping(self) -> int:
        """The number of exams that overlap another one."""
        return sum(row.overlaps > 0 for row in self.rows)


class Filter(Struct, frozen=True, kw_only=True):
    """A button that shows only the exams with one action; `count` is their number."""

    action: str
    group: Group
    count: int


def plan_page(plan: Plan, *, listing: Listing, invocation: Invocation = NO_OPTIONS) -> str:
    """Return `plan` as an HTML page."""
    changes = listing.of(plan)
    exams = [exam_of(change, number) for number, change in enumerate(changes)]
    zones = Counter(change.timezone or "UTC" for change in changes)
    zone = zones.most_common(1)[0][0] if zones else "UTC"
    in_zone = sorted(range(len(changes)), key=lambda number: (changes[number].timezone or "UTC") != zone)
    moments = [side for at in in_zone for period in exams[at].periods for side in (period.start, period.end)]
    axis = axis_of(moments)
    style, script = _asset("plan.css"), _asset("plan.js")
    return _template().render(
        plan=plan,
        headline=headline(plan),
        remarks=remarks(plan),
        notes=told_notes(plan, listing),
        filters=list(_filters(changes)),
        courses=list(_courses(changes, exams, axis, invocation)),
        is_open=len(changes) <= MOST_OPEN,
        zone=zone,
        ticks=axis.ticks() if axis else [],
        policy=(
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        # Both are files of this package and hold nothing of the plan.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
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


def _courses(
    changes: Sequence[Change], exams: Sequence[TimelineExam], axis: TimeAxis | None, invocation: Invocation
) -> Iterator[Course]:
    by_course: dict[str, list[int]] = {}
    for number, change in enumerate(changes):
        by_course.setdefault(change.course_sid, []).append(number)
    # A saved plan knows the alias of a course from some of its exams only.
    aliases: dict[str, str] = {change.course_sid: change.course for change in changes if change.course}
    for name, numbers in sorted((aliases.get(sid, sid), numbers) for sid, numbers in by_course.items()):
        held = [exams[number] for number in numbers]
        overlaps = overlap_counts(held)
        ordered = sorted(numbers, key=lambda number: _order(exams[number]))
        yield Course(
            name=shorten(printable(name), _LONGEST_NAME),
            rows=tuple(
                _row(changes[number], number, overlaps.get(number, 0), invocation) for number in ordered
            ),
            picture=picture_of(held, axis) if axis else None,
            strip=strip_of(held, axis) if axis else (),
        )


def _order(exam: TimelineExam) -> tuple[bool, float, int]:
    """Return a sort key: the earliest first, exams without a window last."""
    first = exam.exam or exam.booking
    return first is None, 0.0 if first is None else first.start.timestamp(), exam.number


def _row(change: Change, number: int, overlaps: int, invocation: Invocation) -> Row:
    sides = ((difference.path, sides_of(difference, change.timezone)) for difference in change.diff)
    return Row(
        number=number,
        change=change,
        group=GROUPS[change.action],
        facts=facts_of_change(change),
        source="" if change.source is None else shorten(str(change.source), _LONGEST_SOURCE),
        overlaps=overlaps,
        differences=tuple((path, before, after) for path, (before, after) in sides),
        accepting=accepting_advice_of(change, invocation),
        doubt=in_doubt_report_of(change, invocation),
    )
