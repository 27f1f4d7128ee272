"""The parts of a plan as Markdown, one for each action, within given limits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias, assert_never

from msgspec import Struct, field

from reconciler.model.plan import Action, Change
from reconciler.model.terms import manifest_for
from reconciler.outputs.accepting import accepting_advice_of, block_of
from reconciler.outputs.all_in_doubt import MOST_SINGLE, sheet_commands, support_message_about
from reconciler.outputs.escapes import ELLIPSIS, shorten
from reconciler.outputs.exam_facts import sides_of
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_report_of
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.markdown.escapes import block, code, escaped, fenced, folded, table, ticked
from reconciler.outputs.markdown.exam_tables import (
    Limits,
    by_term_lines,
    known_exams,
    known_sections,
    name_of,
    new_exams,
    new_sections,
    sections_left,
    window_cell,
)
from reconciler.outputs.markdown.gantt import gantt_lines
from reconciler.outputs.markdown.values import fold_summary
from reconciler.outputs.section_groups import ExamGroup, groups_of, size_of, split
from reconciler.outputs.text.console import count_of

MOST_OPEN: Final = 25
"""Tables with more lines are folded."""

MOST_FOLDS: Final = 10
"""More folds than these are in one fold themselves."""

_OF_SECTIONS: Final = "What differs between the sections"

_Cells: TypeAlias = tuple[str, ...]


class Part(Struct, frozen=True):
    """Lines of Markdown, and in words what is left out."""

    lines: Sequence[str]
    left_out: Sequence[str] = field(default=())


def parts_of(
    groups: Mapping[Action, Sequence[ExamGroup]],
    names: Mapping[str, str],
    invocation: Invocation,
    limits: Limits,
    folds: Sequence[Sequence[str]],
) -> Iterator[Part]:
    """Yield a part for each action of `groups`; after the creates, their windows and values.

    `names` are aliases by SID. `folds` hold all values of the first creates.
    """
    for action, chosen in groups.items():
        if not chosen:
            continue
        yield _part(action, chosen, names, invocation, limits)
        if action is Action.CREATE:
            yield _chart(chosen, limits)
            yield _values(chosen, folds)


def _part(
    action: Action,
    groups: Sequence[ExamGroup],
    names: Mapping[str, str],
    invocation: Invocation,
    limits: Limits,
) -> Part:
    shown, folds = groups[: limits.rows], list[list[str]]()
    match action:
        case Action.IN_DOUBT:
            return _doubts([change for group in groups for change in group.members], invocation, limits)
        case Action.CHANGED | Action.ACCEPT:
            lines = [*_differences(shown, names, limits), *_accepting(shown, invocation)]
        case Action.CREATE | Action.IMPORT:
            lines, folds = new_exams(shown, limits), new_sections(shown, limits)
        case Action.MOVE:
            lines, folds = known_exams(shown, limits, "Was"), known_sections(shown, limits)
        case Action.ORPHANED | Action.FORGET | Action.NOOP:
            lines, folds = known_exams(shown, limits), known_sections(shown, limits)
        case _:
            assert_never(action)
    count = size_of(groups)
    titled = [*_titled(action, count, lines), *_folded_if_many(folds, _OF_SECTIONS)]
    left_out = [
        *_left(action, count - size_of(shown), count),
        *(sections_left(shown, limits) if folds else []),
    ]
    return Part(titled, left_out)


def _titled(action: Action, count: int, lines: Sequence[str]) -> list[str]:
    """Return `lines` about `count` exams below heading and advice, folded if there are many."""
    group = GROUPS[action]
    advice = [group.advice, ""] if group.advice else []
    heading = group.heading(count)
    if action is not Action.NOOP and len(lines) <= MOST_OPEN + 2:
        return [f"#### {heading}", "", *advice, *lines, *([""] if lines else [])]
    return [f"#### {heading}", "", *advice, *folded("Show them", lines)]


def _left(action: Action, left: int, count: int) -> list[str]:
    verb = "to " if action.is_made_by_apply else ""
    return [f"{left:,} of {count:,} exams {verb}{GROUPS[action].label}"] if left else []


def _folded_if_many(folds: Sequence[Sequence[str]], heading: str) -> list[str]:
    """Return the lines of `folds`, if there are many in a fold with `heading`."""
    lines = [line for fold in folds for line in fold]
    return lines if len(folds) <= MOST_FOLDS else folded(heading, lines)


def _differences(groups: Sequence[ExamGroup], names: Mapping[str, str], limits: Limits) -> list[str]:
    """Return a table with a row for each differing field; the first row of an exam or section names it."""
    heads = ("Exam", "Field", "As created", "As declared")
    return by_term_lines(
        groups,
        lambda held: table(heads, (row for group in held for row in _differing(group, names, limits))),
    )


def _differing(group: ExamGroup, names: Mapping[str, str], limits: Limits) -> Iterator[_Cells]:
    """Yield the rows of what all members of `group` share and, if they are several, of each of these."""
    told = [
        [(one.path, *sides_of(one, change.timezone, names)) for one in change.diff]
        for change in group.members
    ]
    shared, own = split(told)
    is_alone = len(group.members) == 1
    name = name_of(group, limits)
    yield from _difference_rows(
        f"{name}{_reasons(group.first, limits)}" if is_alone else name, shared, limits
    )
    for change, differences in zip(group.members, own, strict=True):
        if not is_alone:
            sid = "" if change.sid is None or limits.is_short else f"<br>{code(change.sid)}"
            name = f"{code(change.section or '')}{sid}{_reasons(change, limits)}"
            yield from _difference_rows(name, differences, limits)


def _reasons(change: Change, limits: Limits) -> str:
    """Return the former address, and why the exam is accepted."""
    was = "" if change.moved_from is None else f"<br>was {code(change.moved_from)}"
    why = "" if change.reason is None else f"<br>{escaped(shorten(change.reason, limits.text))}"
    return f"{was}{why}"


def _difference_rows(
    name: str, differences: Sequence[tuple[str, str, str]], limits: Limits
) -> Iterator[_Cells]:
    for number, (path, *sides) in enumerate(differences[: limits.rows]):
        before, after = (escaped(shorten(side, limits.text)) for side in sides)
        yield "" if number else name, code(shorten(path, limits.text)), before, after
    left = len(differences) - len(differences[: limits.rows])
    if left:
        yield "", f"{ELLIPSIS} and {count_of(left, 'more field')}", "", ""
    elif not differences:
        yield name, "", "", ""


def _accepting(groups: Sequence[ExamGroup], invocation: Invocation) -> list[str]:
    """Return how to accept those of `groups` that are `changed`, folded."""
    changes = [change for group in groups for change in group.members]
    found = [advice for change in changes if (advice := accepting_advice_of(change, invocation)) is not None]
    if not found:
        return []
    lines = fenced([advice.command for advice in found])
    if accepted := block_of(found):
        place = manifest_for(*(advice.term for advice in found))
        lines += ["", f"Or through review, in {place}:", "", *fenced(accepted, "yaml")]
    return ["", *folded("To accept those that were changed by hand to this", lines)[:-1]]


def _doubts(changes: Sequence[Change], invocation: Invocation, limits: Limits) -> Part:
    """Return the first in-doubt reports, each folded, a table of the others, and how to settle all."""
    known = [(change, doubt) for change in changes if (doubt := in_doubt_report_of(change, invocation))]
    shown = known[: limits.doubts]
    whole = [
        line
        for change, doubt in shown
        for line in folded(fold_summary(ExamGroup([change]), limits.text), doubt_lines(doubt, limits))
    ]
    named = {change.address for change, _ in shown}
    others = groups_of(change for change in changes if change.address not in named)[: limits.rows]
    folds = _folded_if_many(known_sections(others, limits), _OF_SECTIONS)
    lines = [*whole, *known_exams(others, limits), *([""] if folds else []), *folds]
    if others or not whole:
        lines += ["", f"To show one of them: {code(invocation.command('state', 'show', 'ADDRESS'))}", ""]
    doubts = [doubt for _, doubt in known]
    if doubts and limits.doubts:
        lines += together(doubts, invocation)
    left = len(changes) - len(shown) - size_of(others)
    group = GROUPS[Action.IN_DOUBT]
    said = [f"{size_of(others):,} of {len(changes):,} in-doubt reports"] if others else []
    return Part(
        [f"#### {group.heading(len(changes))}", "", group.advice, "", *lines, ""],
        [*said, *_left(Action.IN_DOUBT, left, len(changes)), *sections_left(others, limits)],
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
        yield ("Exam window" if label == "exam" else "Booking window"), window_cell(window, limits)
    yield "Attempt", code(doubt.intent.attempt)
    yield "Sent", window_cell(doubt.sent, limits)
    yield "By", escaped(shorten(doubt.intent.by, limits.text))
    yield "Answer", escaped(shorten(doubt.answer_words, limits.text))
    yield "Request", code(shorten(doubt.answer.request_id or "", limits.text))
    if doubt.doubted_at != doubt.address:
        yield "State holds it at", code(doubt.doubted_at)


def _values(creates: Sequence[ExamGroup], folds: Sequence[Sequence[str]]) -> Part:
    """Return the `folds`, behind one if there are many; the first of `creates` have one."""
    heading = f"Every value of {count_of(size_of(creates[: len(folds)]), 'exam')}"
    left, count = size_of(creates[len(folds) :]), size_of(creates)
    said = [f"the list of all values for {left:,} of {count:,} new exams"] if left else []
    return Part(_folded_if_many(folds, heading), said)


def _chart(creates: Sequence[ExamGroup], limits: Limits) -> Part:
    """Return the chart of the first `creates`."""
    chart = gantt_lines(creates[: limits.bars])
    left = size_of(creates[limits.bars :])
    said = [f"the windows of {left:,} exams in the chart"] if left else []
    return Part(folded("Calendar of the new exams", block(chart, "mermaid")) if chart else [], said)
