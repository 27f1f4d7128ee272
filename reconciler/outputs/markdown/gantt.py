"""The windows of new exams as a mermaid Gantt chart, which code hosts draw inside Markdown.

Labels of mermaid cannot be quoted: a colon ends a label, `;` and `#` end a statement, and a label that begins
with a keyword such as `click`, or with a date, becomes another statement. So labels hold only characters that
have no meaning in mermaid, and begin with a zero-width space.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from reconciler.model.plan import Change
from reconciler.outputs.escapes import shorten
from reconciler.outputs.exam_facts import local_window, payload_of
from reconciler.outputs.section_groups import ExamGroup

_UNSAFE: Final = re.compile(r"[^\w ,.()'/+\u2236-]")
_SPACES: Final = re.compile(r" {2,}")
_COLON: Final = "\N{RATIO}"
_NO_KEYWORD: Final = "\u200b"
_LONGEST_LABEL: Final = 48
_FIRST_YEAR: Final = 1000  # mermaid reads years of four digits


class _Bar(NamedTuple):
    """One window of the chart; `data` is in the syntax of mermaid."""

    course: str
    start: str
    label: str
    data: str


def gantt_lines(creates: Sequence[ExamGroup]) -> list[str]:
    """Return a chart of the windows of `creates`, by course, then by time; empty if there are no windows."""
    bars = sorted((bar for group in creates for bar in _bars(group)), key=itemgetter(0, 1, 2))
    if not bars:
        return []
    lines = [
        "gantt",
        "    title New windows, in local time (grey: booking, blue: exam)",
        "    dateFormat YYYY-MM-DD HH:mm",
        "    axisFormat %b %d",
    ]
    for course, held in groupby(bars, key=itemgetter(0)):
        lines += [f"    section {label(course)}", *(f"    {bar.label} :{bar.data}" for bar in held)]
    return lines


def label(text: str) -> str:
    """Return `text`, shortened, without characters that have a meaning in mermaid."""
    safe = _UNSAFE.sub(" ", text.replace(":", _COLON))
    return _NO_KEYWORD + shorten(_SPACES.sub(" ", safe).strip() or "untitled", _LONGEST_LABEL)


def _bars(group: ExamGroup) -> Iterator[_Bar]:
    """Yield the windows of one exam, one that several sections have once.

    A window with only one known bound becomes a milestone.
    """
    for kind, tag, lead in (("schedule", "done", "booking, "), ("exam", "active", "")):
        alike: dict[tuple[str, ...], list[Change]] = {}
        for change in group.members:
            alike.setdefault(_bounds(change, kind), []).append(change)
        for bounds, changes in alike.items():
            if bounds:
                data = f"{tag}, {', '.join(bounds)}" if len(bounds) > 1 else f"milestone, {bounds[0]}, 0d"
                held = ExamGroup(changes)
                yield _Bar(group.course_name, bounds[0], label(f"{lead}{held.label}"), data)


def _bounds(change: Change, kind: str) -> tuple[str, ...]:
    """Return the known bounds of a window in the syntax of mermaid; none if it cannot read the first."""
    known = [one for one in local_window(payload_of(change), kind, change.timezone) if one is not None]
    if not known or known[0].year < _FIRST_YEAR:
        return ()
    return tuple(bound.replace(tzinfo=None).isoformat(" ", "minutes") for bound in known)
