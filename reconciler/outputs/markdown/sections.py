"""The sections of a plan as Markdown, one for each action, within given limits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, assert_never

from msgspec import Struct, field

from reconciler.model.plan import Action, Change
from reconciler.outputs.accepting import accepting_advice_of
from reconciler.outputs.all_in_doubt import MOST_SINGLE, sheet_commands, support_message_about
from reconciler.outputs.badges import badges_of, place_of
from reconciler.outputs.escapes import ELLIPSIS, shorten
from reconciler.outputs.exam_facts import Window, facts_of_change, payload_of, sides_of, title_of
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_report_of
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.markdown.escapes import block, code, escaped, fenced, folded, table, ticked
from reconciler.outputs.markdown.gantt import gantt_lines
from reconciler.outputs.markdown.values import fold_summary
from reconciler.outputs.text.console import count_of

MOST_OPEN: Final = 25
"""Tables with more lines are folded."""

MOST_FOLDS: Final = 10
"""More folds than these are in one fold themselves."""


class Limits(Struct, frozen=True, kw_only=True):
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


def sections_of(
    changes: Sequence[Change],
    names: Mapping[str, str],
    invocation: Invocation,
    limits: Limits,
    folds: Sequence[Sequence[str]],
) -> Iterator[Section]:
    """Yield a section for each action of `changes`; after the creates, their windows and values.

    `names` are aliases by SID. `folds` hold all values of the first creates.
    """
    for action in GROUPS:
        chosen = [change for change in changes if change.action is action]
        if not chosen:
            continue
        yield _section(action, chosen, names, invocation, limits)
        if action is Action.CREATE:
            yield _chart(chosen, limits)
            yield _values(len(chosen), folds)


def _section(
    action: Action,
    changes: Sequence[Change],
    names: Mapping[str, str],
    invocation: Invocation,
    limits: Limits,
) -> Section:
    shown = changes[: limits.rows]
    match action:
        case Action.IN_DOUBT:
            return _doubts(changes, invocation, limits)
        case Action.CHANGED | Action.ACCEPT:
            lines = [*_differences(shown, names, limits), *_accepting(shown, invocation)]
        case Action.CREATE | Action.IMPORT:
            lines = _exams(shown, limits)
        case Action.MOVE:
            lines = _named(shown, limits, "Was")
        case Action.ORPHANED | Action.FORGET | Action.NOOP:
            lines = _named(shown, limits)
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
    return [f"#### {heading}", "", *advice, *folded("Show them", lines)]


def _left(action: Action, left: int, count: int) -> list[str]:
    verb = "to " if action.is_made_by_apply else ""
    return [f"{left:,} of {count:,} exams {verb}{GROUPS[action].label}"] if left else []


def _exams(changes: Sequence[Change], limits: Limits) -> list[str]:
    heads = ("Exam", "Course", "When", "How long", "Where", "Special")
    return table(heads, (_exam(change, limits) for change in changes))


def _exam(change: Change, limits: Limits) -> tuple[str, ...]:
    facts, payload = facts_of_change(change), payload_of(change)
    return (
        _name(change, limits),
        code(shorten(facts.course, limits.text)),
        _window(facts.exam, limits),
        escaped(facts.duration),
        escaped(shorten(place_of(payload), limits.text)),
        ", ".join(f"**{escaped(badge)}**" for badge in badges_of(payload)),
    )


def _name(change: Change, limits: Limits) -> str:
    """Return title, address, SID and source for one cell of a table."""
    title = _title(change, limits)
    sid = "" if change.sid is None or limits.is_short else f"<br>{code(change.sid)}"
    source = "" if change.source is None or limits.is_short else f"<br><sub>{code(str(change.source))}</sub>"
    return f"{f'{title}<br>' if title else ''}{code(change.address)}{sid}{source}"


def _window(window: Window | None, limits: Limits) -> str:
    if window is None:
        return ""
    utc = f"<br><sub>{escaped(window.utc)}</sub>" if window.utc and not limits.is_short else ""
    return f"{escaped(shorten(window.local, limits.text))}{utc}"


def _named(changes: Sequence[Change], limits: Limits, *more: str) -> list[str]:
    """Return a table that names the exams; `more` is the heading of a column of former addresses."""
    heads = ("Exam", "Course", "Address", "SID", *more)
    rows = (
        (
            _title(change, limits),
            code(shorten(change.course_name, limits.text)),
            code(change.address),
            code(change.sid or ""),
            code(change.moved_from or ""),
        )
        for change in changes
    )
    return table(heads, (row[: len(heads)] for row in rows))


def _title(change: Change, limits: Limits) -> str:
    return escaped(shorten(title_of(payload_of(change)), limits.text))


def _differences(changes: Sequence[Change], names: Mapping[str, str], limits: Limits) -> list[str]:
    """Return a table with a row for each differing field; the first row of an exam names it."""
    rows = (row for change in changes for row in _difference_rows(change, names, limits))
    return table(("Exam", "Field", "As created", "As declared"), rows)


def _difference_rows(change: Change, names: Mapping[str, str], limits: Limits) -> Iterator[tuple[str, ...]]:
    was = "" if change.moved_from is None else f"<br>was {code(change.moved_from)}"
    why = "" if change.reason is None else f"<br>{escaped(shorten(change.reason, limits.text))}"
    name = f"{_name(change, limits)}{was}{why}"
    for number, difference in enumerate(change.diff[: limits.rows]):
        before, after = (
            escaped(shorten(side, limits.text)) for side in sides_of(difference, change.timezone, names)
        )
        yield "" if number else name, code(shorten(difference.path, limits.text)), before, after
    left = len(change.diff) - len(change.diff[: limits.rows])
    if left:
        yield "", f"{ELLIPSIS} and {count_of(left, 'more field')}", "", ""
    elif not change.diff:
        yield name, "", "", ""


def _accepting(changes: Sequence[Change], invocation: Invocation) -> list[str]:
    """Return how to accept those of `changes` that are `changed`, folded."""
    found = [advice for change in changes if (advice := accepting_advice_of(change, invocation)) is not None]
    if not found:
        return []
    items = [f"  - {advice.item}" for advice in found if advice.item is not None]
    lines = fenced([advice.command for advice in found])
    if items:
        place = max((advice.place for advice in found), key=len)
        lines += ["", f"Or through review, in {place}:", "", *fenced(["accepted:", *items], "yaml")]
    return ["", *folded("To accept those that were changed by hand to this", lines)[:-1]]


def _doubts(changes: Sequence[Change], invocation: Invocation, limits: Limits) -> Section:
    """Return the first in-doubt reports, each folded, a table of the others, and how to settle all."""
    known = [(change, doubt) for change in changes if (doubt := in_doubt_report_of(change, invocation))]
    shown = known[: limits.doubts]
    whole = [
        line
        for change, doubt in shown
        for line in folded(fold_summary(change, limits.text), doubt_lines(doubt, limits))
    ]
    named = {change.address for change, _ in shown}
    others = [change for change in changes if change.address not in named][: limits.rows]
    lines = [*whole, *_named(others, limits)]
    if others or not whole:
        lines += ["", f"To show one of them: {code(invocation.command('state', 'show', 'ADDRESS'))}", ""]
    doubts = [doubt for _, doubt in known]
    if doubts and limits.doubts:
        lines += together(doubts, invocation)
    left = len(changes) - len(shown) - len(others)
    group = GROUPS[Action.IN_DOUBT]
    said = [f"{len(others):,} of {len(changes):,} in-doubt reports"] if others else []
    return Section(
        [f"#### {group.heading(len(changes))}", "", group.advice, "", *lines, ""],
        [*said, *_left(Action.IN_DOUBT, left, len(changes))],
    )


def together(doubts: Sequence[InDoubtReport], invocation: Invocation) -> list[str]:
    """Return the commands of a sheet for `doubts`, if they are many, and one message to support."""
    how = ["To settle them with one sheet, fill in its column `sid`:", ""]
    sheet = [*how, *fenced(sheet_commands(invocation), "sh"), ""] if len(doubts) > MOST_SINGLE else []
    message = fenced(support_message_about(doubts).split("\n"), "text")
    return [*sheet, *folded("A message to the vendor's support", message)]


def doubt_lines(doubt: InDoubtReport, limits: Limits) -> list[str]:
    """Return the facts of a create in doubt, how to look for the exam, and how to settle the doubt."""
    return [
        *table(("", ""), ((f"**{name}**", fact) for name, fact in _known(doubt, limits) if fact)),
        "",
        *(f"{number}. {ticked(sentence)}" for number, sentence in enumerate(doubt.look, 1)),
        "",
        "If it is there, and if it is not:",
        "",
        *fenced(doubt.commands, "sh"),
        "",
        f"Or through review, in {doubt.place}:",
        "",
        *fenced(doubt.manifest, "yaml"),
    ]


def _known(doubt: InDoubtReport, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "Course", code(doubt.course_words)
    for label, window in doubt.windows:
        yield ("Exam window" if label == "exam" else "Booking window"), _window(window, limits)
    yield "Attempt", code(doubt.intent.attempt)
    yield "Sent", _window(doubt.sent, limits)
    yield "By", escaped(shorten(doubt.intent.by, limits.text))
    yield "Answer", escaped(shorten(doubt.answer_words, limits.text))
    yield "Request", code(shorten(doubt.answer.request_id or "", limits.text))
    if doubt.doubted_at != doubt.address:
        yield "State holds it at", code(doubt.doubted_at)


def _values(creates: int, folds: Sequence[Sequence[str]]) -> Section:
    """Return the `folds`, behind one if there are many; the first of `creates` exams have one."""
    lines = [line for fold in folds for line in fold]
    heading = f"Every value of {count_of(len(folds), 'exam')}"
    left = creates - len(folds)
    said = [f"the list of all values for {left:,} of {creates:,} new exams"] if left else []
    return Section(lines if len(folds) <= MOST_FOLDS else folded(heading, lines), said)


def _chart(creates: Sequence[Change], limits: Limits) -> Section:
    """Return the chart of the first `creates`."""
    shown = creates[: limits.bars]
    chart = gantt_lines(shown)
    left = len(creates) - len(shown)
    said = [f"the windows of {left:,} exams in the chart"] if left else []
    return Section(folded("Calendar of the new exams", block(chart, "mermaid")) if chart else [], said)
