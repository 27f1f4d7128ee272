"""The sections of a plan as Markdown, one for each action, within given limits."""

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from msgspec import Struct, field

from reconciler.model.plan import Action, Change, Plan
from reconciler.outputs.escapes import ELLIPSIS, shorten
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_report_of
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.listing import Listing
from reconciler.outputs.markdown.escapes import block, code, escaped, fenced, table, ticked
from reconciler.outputs.markdown.gantt import gantt_lines
from reconciler.outputs.text.console import count_of
from reconciler.outputs.values import Window, facts_of_change, payload_of, sides_of, title_of

MOST_OPEN: Final = 25
"""Tables with more lines are folded."""


class Room(Struct, frozen=True, kw_only=True):
    """Limits for the text of a plan.

    `rows` limits each table (None: no limit), `text` the characters of a title or value, `doubts` the
    in-doubt reports that are shown whole, `bars` the exams in the chart. `is_short` leaves out UTC, SIDs and
    sources.
    """

    rows: int | None
    text: int
    doubts: int
    bars: int
    is_short: bool = False


class Section(Struct, frozen=True):
    """Lines of Markdown, and in words what is left out."""

    lines: Sequence[str]
    left_out: Sequence[str] = field(default=())


def sections_of(plan: Plan, listing: Listing, invocation: Invocation, room: Room) -> Iterator[Section]:
    """Yield a section for each action of `plan`, in order; after the creates, the chart of their windows."""
    listed = listing.of(plan)
    for action in GROUPS:
        changes = [change for change in listed if change.action is action]
        if not changes:
            continue
        yield _section(action, changes, invocation, room)
        if action is Action.CREATE:
            yield _chart(changes, room)


def _section(action: Action, changes: Sequence[Change], invocation: Invocation, room: Room) -> Section:
    shown = changes[: room.rows]
    match action:
        case Action.IN_DOUBT:
            return _doubts(changes, invocation, room)
        case Action.CHANGED | Action.ACCEPT:
            lines = _differences(shown, room)
        case Action.CREATE | Action.IMPORT:
            lines = _exams(shown, room)
        case Action.MOVE:
            lines = _named(shown, room, "Was")
        case Action.ORPHANED | Action.FORGET | Action.NOOP:
            lines = _named(shown, room)
        case _:
            assert_never(action)
    return Section(_titled(action, changes, lines), _left(action, len(changes) - len(shown), len(changes)))


def _titled(action: Action, changes: Sequence[Change], lines: Sequence[str]) -> list[str]:
    """Return `lines` below heading and advice, folded if there are many."""
    group = GROUPS[action]
    advice = [group.advice, ""] if group.advice else []
    heading = group.heading(len(changes))
    if action is not Action.NOOP and len(lines) <= MOST_OPEN + 2:
        return [f"#### {heading}", "", *advice, *lines, *([""] if lines else [])]
    return [f"#### {heading}", "", *advice, *_folded("Show them", lines)]


def _folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Return `lines` folded behind `summary`; nothing if there are none."""
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>", ""] if lines else []


def _left(action: Action, left: int, count: int) -> list[str]:
    verb = "to " if action.is_made_by_apply else ""
    return [f"{left:,} of {count:,} exams {verb}{GROUPS[action].label}"] if left else []


def _exams(changes: Sequence[Change], room: Room) -> list[str]:
    heads = ("Title", "Course", "Exam window", "Booking window", "Duration", "Proctoring")
    return table(heads, (_exam(change, room) for change in changes))


def _exam(change: Change, room: Room) -> tuple[str, ...]:
    facts = facts_of_change(change)
    return (
        _name(change, room),
        code(facts.course),
        _window(facts.exam, room),
        _window(facts.booking, room),
        escaped(facts.duration),
        escaped(shorten(facts.proctoring, room.text)),
    )


def _name(change: Change, room: Room) -> str:
    """Return title, address, SID and source for one cell of a table."""
    title = _title(change, room)
    sid = "" if change.sid is None or room.is_short else f"<br>{code(change.sid)}"
    source = "" if change.source is None or room.is_short else f"<br><sub>{code(str(change.source))}</sub>"
    return f"{f'{title}<br>' if title else ''}{code(change.address)}{sid}{source}"


def _window(window: Window | None, room: Room) -> str:
    if window is None:
        return ""
    utc = f"<br><sub>{escaped(window.utc)}</sub>" if window.utc and not room.is_short else ""
    return f"{escaped(shorten(window.local, room.text))}{utc}"


def _named(changes: Sequence[Change], room: Room, *more: str) -> list[str]:
    """Return a table that names the exams; `more` is the heading of a column of former addresses."""
    heads = ("Exam", "Address", "SID", *more)
    rows = (
        (_title(change, room), code(change.address), code(change.sid or ""), code(change.moved_from or ""))
        for change in changes
    )
    return table(heads, (row[: len(heads)] for row in rows))


def _title(change: Change, room: Room) -> str:
    return escaped(shorten(title_of(payload_of(change)), room.text))


def _differences(changes: Sequence[Change], room: Room) -> list[str]:
    """Return a table with a row for each differing field; the first row of an exam names it."""
    rows = (row for change in changes for row in _difference_rows(change, room))
    return table(("Exam", "Field", "As created", "As declared"), rows)


def _difference_rows(change: Change, room: Room) -> Iterator[tuple[str, ...]]:
    name = _name(change, room)
    for number, difference in enumerate(change.diff[: room.rows]):
        before, after = (escaped(shorten(side, room.text)) for side in sides_of(difference, change.timezone))
        yield "" if number else name, code(shorten(difference.path, room.text)), before, after
    left = len(change.diff) - len(change.diff[: room.rows])
    if left:
        yield "", f"{ELLIPSIS} and {count_of(left, 'more field')}", "", ""
    elif not change.diff:
        yield name, "", "", ""


def _doubts(changes: Sequence[Change], invocation: Invocation, room: Room) -> Section:
    """Return the first in-doubt reports, each folded, and a table of the others."""
    doubts = [(change, in_doubt_report_of(change, invocation)) for change in changes[: room.doubts]]
    whole = [
        line
        for change, doubt in doubts
        if doubt is not None
        for line in _folded(_summary(change, room), _doubt(doubt, room))
    ]
    others = changes[room.doubts :][: room.rows]
    lines = [*whole, *_named(others, room)]
    if others or not whole:
        lines += [
            "",
            f"To show one of them: {code(invocation.command('state', 'show'))} ADDRESS",
        ]
    left = len(changes) - len(doubts) - len(others)
    group = GROUPS[Action.IN_DOUBT]
    said = [f"{len(others):,} of {len(changes):,} in-doubt reports"] if others else []
    return Section(
        [f"#### {group.heading(len(changes))}", "", group.advice, "", *lines, ""],
        [*said, *_left(Action.IN_DOUBT, left, len(changes))],
    )


def _summary(change: Change, room: Room) -> str:
    title = _title(change, room)
    return f"<code>{escaped(change.address)}</code>{f' {title}' if title else ''}"


def _doubt(doubt: InDoubtReport, room: Room) -> list[str]:
    """Return the facts of a create in doubt, how to look for the exam, and how to settle the doubt."""
    return [
        *table(("", ""), ((f"**{name}**", fact) for name, fact in _known(doubt, room) if fact)),
        "",
        *(f"{number}. {ticked(sentence)}" for number, sentence in enumerate(doubt.look, 1)),
        "",
        "If it is there, and if it is not:",
        "",
        *fenced(doubt.commands, "sh"),
        "",
        "Or through review, in a manifest:",
        "",
        *fenced(doubt.manifest, "yaml"),
        "",
        "Or ask the vendor's support:",
        "",
        *fenced(doubt.support_message.split("\n"), "text"),
    ]


def _known(doubt: InDoubtReport, room: Room) -> Iterator[tuple[str, str]]:
    yield "Course", code(doubt.course_words)
    for label, window in doubt.windows:
        yield ("Exam window" if label == "exam" else "Booking window"), _window(window, room)
    yield "Attempt", code(doubt.intent.attempt)
    yield "Sent", _window(doubt.sent, room)
    yield "By", escaped(shorten(doubt.intent.by, room.text))
    yield "Answer", escaped(shorten(doubt.answer_words, room.text))
    yield "Request", code(shorten(doubt.answer.request_id or "", room.text))
    if doubt.doubted_at != doubt.address:
        yield "State holds it at", code(doubt.doubted_at)


def _chart(creates: Sequence[Change], room: Room) -> Section:
    """Return the chart of the first `creates`."""
    shown = creates[: room.bars]
    chart = gantt_lines(shown)
    left = len(creates) - len(shown)
    said = [f"the windows of {left:,} exams in the chart"] if left else []
    return Section(_folded("Calendar of the new exams", block(chart, "mermaid")) if chart else [], said)
