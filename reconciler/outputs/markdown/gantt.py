"""The windows of new exams as a mermaid Gantt chart, which code hosts draw inside Markdown.

Mermaid's labels have no quotation marks: a colon ends one, `;` and `#` end a statement, and a word such as
`click` or a date at the beginning makes it another statement. So a label holds only characters that mean
nothing, and begins with one that begins nothing.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from reconciler.model.plan import Change
from reconciler.outputs.escapes import shorten
from reconciler.outputs.values import local_window, payload_of, title_of

_UNSAFE: Final = re.compile(r"[^\w ,.()'/+\u2236-]")
_SPACES: Final = re.compile(r" {2,}")
_COLON: Final = "\N{RATIO}"
_NO_KEYWORD: Final = "\u200b"
_LONGEST_LABEL: Final = 48
_FIRST_YEAR: Final = 1000  # mermaid reads years of four digits


class _Bar(NamedTuple):
    """One window, in the words of the chart; bars are in the order of their first three fields."""

    course: str
    start: str
    label: str
    data: str


def gantt_lines(creates: Sequence[Change]) -> list[str]:
    """A chart of the windows of `creates`, by course and then by time; empty where none has a window."""
    bars = sorted((bar for change in creates for bar in _bars(change)), key=itemgetter(0, 1, 2))
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
    """As much of `text` as a chart shows, with nothing in it that mermaid would obey."""
    safe = _UNSAFE.sub(" ", text.replace(":", _COLON))
    return _NO_KEYWORD + shorten(_SPACES.sub(" ", safe).strip() or "untitled", _LONGEST_LABEL)


def _bars(change: Change) -> Iterator[_Bar]:
    """The windows of one exam; one of which only one bound is known is a milestone there."""
    payload = payload_of(change)
    title = title_of(payload) or change.address
    for kind, tag, lead in (("schedule", "done", "booking, "), ("exam", "active", "")):
        known = [bound for bound in local_window(payload, kind, change.timezone) if bound is not None]
        if known and known[0].year >= _FIRST_YEAR:
            spelt = [bound.replace(tzinfo=None).isoformat(" ", "minutes") for bound in known]
            data = f"{tag}, {', '.join(spelt)}" if len(spelt) > 1 else f"milestone, {spelt[0]}, 0d"
            yield _Bar(change.course or change.course_sid, spelt[0], label(f"{lead}{title}"), data)
