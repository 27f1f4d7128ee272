"""An apply report as Markdown: what became of each exam, for the pull request that was merged."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from reconciler.model.identities import Address
from reconciler.model.instants import instant_in_words
from reconciler.model.plan import Change, Plan
from reconciler.model.report import ExamOutcome, Outcome, Report
from reconciler.model.state import Intent, State
from reconciler.model.words import first_few
from reconciler.outputs.assigning import ADVICE, Assignment, assignments_of
from reconciler.outputs.escapes import ELLIPSIS, shorten
from reconciler.outputs.exam_facts import facts_of_change, payload_of, title_of
from reconciler.outputs.in_doubt import InDoubtReport, still_in_doubt
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.markdown.comment import LONGEST, foot_lines, heading_lines, size_bytes
from reconciler.outputs.markdown.escapes import code, escaped, folded, table, ticked
from reconciler.outputs.markdown.exam_tables import BY_SECTION, Limits
from reconciler.outputs.markdown.plan_parts import MOST_OPEN, doubt_lines, together
from reconciler.outputs.markdown.values import fold_summary
from reconciler.outputs.ordering import by_time
from reconciler.outputs.section_groups import ExamGroup, common, group_key, groups_of
from reconciler.outputs.text.console import count_of
from reconciler.outputs.text.report_text import EDITS, label_of, next_steps, summary_sentences

_ROWS: Final = (1_000, 500, 300, 200, 100, 50, 20, 5)
"""Limits of each table to try; the first that fits is taken."""

_LONGEST: Final = 200
_WHOLE: Final = Limits(rows=None, text=_LONGEST, doubts=10, bars=0)
_Cells: TypeAlias = tuple[str, ...]
_MISSED: Final = (Outcome.FAILED, Outcome.NOT_ATTEMPTED)


class _Applied(Struct, frozen=True, kw_only=True):
    report: Report
    plan: Plan
    state: State
    doubts: Mapping[Address, InDoubtReport]
    invocation: Invocation
    ending: str

    def ended(self, *outcomes: Outcome) -> list[tuple[Change, ExamOutcome]]:
        """Return the creates that ended with one of `outcomes`, by course and time."""
        exams = {exam.address: exam for exam in self.report.exams if exam.outcome in outcomes}
        changes = by_time(change for change in self.plan.changes if change.address in exams)
        return [(change, exams[change.address]) for change in changes]


def report_markdown(  # noqa: PLR0913 - the result of a run, and what is said of it
    report: Report,
    *,
    plan: Plan,
    state: State,
    doubts: Mapping[Address, InDoubtReport],
    invocation: Invocation = NO_OPTIONS,
    ending: str = "",
) -> str:
    """Return `report` in at most LONGEST bytes. Its first line is a hidden marker: later runs find it.

    `plan` is the one that was applied, `state` the one after it. `doubts` are in-doubt reports by address.
    `ending` is a sentence about the exit code.
    """
    applied = _Applied(
        report=report, plan=plan, state=state, doubts=doubts, invocation=invocation, ending=ending
    )
    head, foot = [*heading_lines(plan, "apply", "Apply"), *_verdict(applied)], [*foot_lines(plan)]
    for rows in _ROWS:
        text = "\n".join((*head, *_body(applied, rows), *foot))
        if size_bytes(text) <= LONGEST:
            return text
    return "\n".join((*head, "The log of the run has the exams.", "", *foot))


def _verdict(applied: _Applied) -> Iterator[str]:
    """Yield the sums in sentences, in a red box if something is left to a person."""
    earlier = still_in_doubt(applied.report, applied.state)
    sentences = (*summary_sentences(applied.report, applied.plan, earlier), applied.ending)
    first, *others = map(escaped, filter(None, sentences))
    is_good = not applied.ending and not earlier
    if not is_good:
        yield "> [!CAUTION]"
    yield f"{'' if is_good else '> '}{' '.join((f'**{first}**', *others))}"
    yield ""


def _body(applied: _Applied, rows: int) -> Iterator[str]:
    for step in next_steps(applied.report, applied.invocation):
        yield f"- {ticked(step)}"
    yield ""
    yield from _missed(applied.ended(*_MISSED), rows)
    yield from _doubts(applied, rows)
    yield from _assignments(list(assignments_of(applied.report, applied.plan)), rows)
    yield from _created(applied.ended(Outcome.CREATED), rows)
    yield from _edited(applied.plan, rows)


def _missed(found: Sequence[tuple[Change, ExamOutcome]], rows: int) -> Iterator[str]:
    told = [(change, (_reason(exam), code(exam.sid or ""))) for change, exam in found]
    yield from _exams(("Exam", "Course", "Not created", "SID"), told, rows)


def _reason(exam: ExamOutcome) -> str:
    return escaped(shorten(f"{label_of(exam.outcome)}: {exam.message}", _LONGEST))


def _doubts(applied: _Applied, rows: int) -> Iterator[str]:
    """Yield the in-doubt reports of this run, then a table of all doubts, those of earlier runs included.

    State lacks the doubts of this run if it could not be read again.
    """
    new = applied.ended(Outcome.IN_DOUBT)
    for change, exam in new[: min(rows, _WHOLE.doubts)]:
        doubt = applied.doubts.get(exam.address)
        if doubt is not None:
            yield from folded(
                f"In doubt: {fold_summary(ExamGroup([change]), _LONGEST)}", doubt_lines(doubt, _WHOLE)
            )
    addresses = sorted({*applied.report.in_doubt, *applied.state.intents})
    lines = [_doubt(address, applied.state.intents.get(address)) for address in addresses[:rows]]
    yield from _list(("In doubt", "Attempt", "Since"), lines, len(addresses), len(lines))
    if addresses:
        yield f"To list what is in doubt: {code(applied.invocation.command('state', 'list', '--in-doubt'))}"
        yield ""
    if applied.doubts:
        yield from together(list(applied.doubts.values()), applied.invocation)


def _doubt(address: Address, intent: Intent | None) -> tuple[str, str, str]:
    if intent is None:
        return code(address), "", ""
    return code(address), code(intent.attempt), escaped(instant_in_words(intent.started_at))


def _assignments(found: Sequence[Assignment], rows: int) -> Iterator[str]:
    """Yield who is to be assigned to which exam."""
    told = []
    for one in found:
        names = [escaped(shorten(assignee, _LONGEST)) for assignee in one.change.assignees]
        told.append((one.change, (first_few(names, between="<br>"), code(one.sid))))
    if told:
        yield ADVICE
        yield ""
    yield from _exams(("To assign", "Course", "Who", "SID"), told, rows)


def _created(found: Sequence[tuple[Change, ExamOutcome]], rows: int) -> Iterator[str]:
    told = [(change, (_when(change), code(exam.sid or ""))) for change, exam in found]
    yield from _exams(("Created", "Course", "When", "SID"), told, rows)


def _edited(plan: Plan, rows: int) -> Iterator[str]:
    """Yield what was changed in state alone."""
    found = [(word, change) for action, word in EDITS.items() for change in by_time(plan.having(action))]
    told = [(change, (word, code(change.sid or ""))) for word, change in found]
    yield from _exams(("In state", "Course", "What", "SID"), told, rows)


def _exams(heads: Sequence[str], told: Sequence[tuple[Change, _Cells]], rows: int) -> Iterator[str]:
    """Yield a table of the first `rows` exams of `told`, which has the cells behind name and course."""
    sizes = Counter(group_key(change) for change, _ in told)
    cells = {change.address: (_course(change), *its) for change, its in told[:rows]}
    lines = [
        line
        for group in groups_of(change for change, _ in told[:rows])
        for line in _lines(
            group, [cells[one.address] for one in group.members], sizes[group_key(group.first)]
        )
    ]
    yield from _list(heads, lines, len(told), len(cells))


def _lines(group: ExamGroup, cells: Sequence[_Cells], sections: int) -> Iterator[_Cells]:
    """Yield the row of an exam or, below one with what they share, those of its sections."""
    if sections == 1:
        yield f"{_titled(group.title)}{code(group.address)}", *cells[0]
        return
    same = common([dict(enumerate(its)) for its in cells])
    *columns, last = range(len(cells[0]))
    shared = (same.get(column, BY_SECTION) for column in columns)
    exam = code(group.first.exam_address)
    yield f"{_titled(group.title)}{exam}<br>{count_of(sections, 'section')}", *shared, same.get(last, "")
    for change, its in zip(group.members, cells, strict=True):
        title = "" if group.title else _titled(title_of(payload_of(change)))
        own = ("" if column in same else cell for column, cell in enumerate(its))
        yield f"{title}{code(change.section or '')}", *own


def _list(heads: Sequence[str], lines: Sequence[Sequence[str]], count: int, shown: int) -> Iterator[str]:
    """Yield a table of `lines`, folded if there are many; `shown` of `count` exams are in it."""
    left = count - shown
    rest = [(f"{ELLIPSIS} and {left:,} more", *[""] * (len(heads) - 1))] if left else []
    made = table(heads, (*lines, *rest))
    if len(lines) > MOST_OPEN:
        yield from folded(f"{heads[0]}: {count:,}", made)
    elif made:
        yield from (*made, "")


def _titled(title: str) -> str:
    """Return `title` as the first line of a cell."""
    return f"{escaped(shorten(title, _LONGEST))}<br>" if title else ""


def _course(change: Change) -> str:
    return code(shorten(change.course_name, _LONGEST))


def _when(change: Change) -> str:
    window = facts_of_change(change).exam
    return "" if window is None else escaped(shorten(window.local, _LONGEST))
