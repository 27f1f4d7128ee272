"""The exams in state as Markdown: what is created, and what a person has to look for, course by course."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from reconciler.model.instants import instant_in_words
from reconciler.model.plan import Action
from reconciler.model.state import State
from reconciler.outputs.all_in_doubt import LOOK_FOR_ALL
from reconciler.outputs.exam_facts import title_of
from reconciler.outputs.groups import GROUPS
from reconciler.outputs.in_doubt import InDoubtReport, in_doubt_reports_of_state
from reconciler.outputs.invocation import Invocation
from reconciler.outputs.markdown.escapes import code, escaped, table, ticked
from reconciler.outputs.markdown.plan_parts import together
from reconciler.outputs.text.console import count_of

_COLUMNS: Final = ("Exam", "Exam window", "Sent, as attempt", "Answer, and what it names", "SID or `absent`")
_ANSWER: Final = ("Answer", "Request id", "SIDs in it")


def state_markdown(state: State, invocation: Invocation) -> str:
    """Return the exams of `state`, and how to settle those in doubt."""
    doubts = list(in_doubt_reports_of_state(state, invocation).values())
    return "\n".join([*_created(state), *_doubts(doubts, invocation)])


def _created(state: State) -> Iterator[str]:
    if state.intents and not state.exams:
        return
    yield f"#### {count_of(len(state.exams), 'exam')}"
    yield ""
    rows = (
        (
            escaped(title_of(entry.payload)),
            code(address),
            code(entry.sid),
            code(entry.course_sid),
            escaped(instant_in_words(entry.created_at)),
        )
        for address, entry in sorted(state.exams.items())
    )
    yield from table(("Exam", "Address", "SID", "Course", "Created"), rows)
    yield ""


def _doubts(doubts: Sequence[InDoubtReport], invocation: Invocation) -> Iterator[str]:
    """Yield how to look for `doubts`, a table to work from for each course, and how to settle them."""
    if not doubts:
        return
    yield f"#### {GROUPS[Action.IN_DOUBT].heading(len(doubts))}"
    yield ""
    yield from (f"{number}. {ticked(sentence)}" for number, sentence in enumerate(LOOK_FOR_ALL, start=1))
    for course, group in groupby(sorted(doubts, key=_course), key=_course):
        yield ""
        yield f"Course {code(course)}:"
        yield ""
        yield from table(_COLUMNS, map(_row, group))
    yield ""
    yield from together(doubts, invocation)


def _row(doubt: InDoubtReport) -> tuple[str, ...]:
    facts = doubt.support_facts
    return (
        f"{escaped(doubt.title)}<br>{code(doubt.doubted_at)}",
        escaped(facts["Exam window"]),
        f"{escaped(facts['Sent at'])}<br>{code(facts['Our attempt'])}",
        "<br>".join(code(fact) for name in _ANSWER if (fact := facts[name])),
        "",
    )


def _course(doubt: InDoubtReport) -> str:
    return doubt.intent.course_sid
