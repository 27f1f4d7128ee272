"""All exams in doubt together: one sheet to fill in, and one message to the vendor's support."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from reconciler.model.commands import shell_word
from reconciler.outputs.in_doubt import LOOK_FURTHER, InDoubtReport
from reconciler.outputs.invocation import Invocation

LOOK_FOR_ALL: Final = (
    "In SmarterProctoring's web console, open each course, and look among its exams for those below.",
    "Each has the title and the exam window below, and was created at about the time when it was sent.",
    *LOOK_FURTHER,
)
"""How to look for many exams, in sentences."""

MOST_SINGLE: Final = 3
"""If more exams are in doubt, outputs show the commands for a sheet, and the first reports only."""

_MOST_NAMED: Final = 50
"""A message about more exams has the sheet attached."""

_SHEET: Final = "doubts.csv"
_OF_A_COURSE: Final = ("Install SID", "Course SID")
_ASKED: Final = (
    "Which of these exams exist, and what are their SIDs (EX and 32 characters)?",
    "Please confirm of the others that they were not created and will not be.",
)


def sheet_commands(invocation: Invocation) -> tuple[str, str]:
    """Return the commands that write a sheet of all in doubt, and that settle what a person filled in.

    The shell knows nothing of --chdir, below which `resolve` looks for the sheet.
    """
    listing = invocation.command("state", "list", "--in-doubt", "--format", "csv")
    sheet = invocation.below_chdir(_SHEET)
    return f"{listing} > {shell_word(sheet)}", invocation.command("resolve", "--from", _SHEET)


def support_message_about(doubts: Sequence[InDoubtReport]) -> str:
    """Return one message to the vendor's support about all of `doubts`, at least one."""
    if len(doubts) == 1:
        return doubts[0].support_message
    return "\n".join(
        (
            f"Subject: Were these {len(doubts):,} exams created?",
            "",
            f"We sent you {len(doubts):,} Create Exam requests, and do not know their outcomes.",
            "",
            *_named(doubts),
            *_ASKED,
        )
    )


def _named(doubts: Sequence[InDoubtReport]) -> Iterator[str]:
    """Yield the facts of each exam, by course, or a sentence about the sheet if there are many."""
    if len(doubts) > _MOST_NAMED:
        yield f"The attached table {_SHEET} has course, title and exam window of each, and when it was sent."
        yield ""
        return
    by_course = sorted((doubt.support_facts for doubt in doubts), key=_course)
    for _, group in groupby(by_course, key=_course):
        facts = list(group)
        yield from (f"{f'{name}:':14}{facts[0][name]}" for name in _OF_A_COURSE)
        for number, fact in enumerate(facts, start=1):
            yield f"{number}. {fact['Title']}"
            yield f"   Exam window: {fact['Exam window']}"
            others = list(fact.items())[4:]
            yield f"   {'; '.join(f'{name}: {value}' for name, value in others if value)}"
        yield ""


def _course(facts: dict[str, str]) -> tuple[str, ...]:
    return tuple(facts[name] for name in _OF_A_COURSE)
