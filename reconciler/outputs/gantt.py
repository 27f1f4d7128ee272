"""The windows of new exams as a mermaid Gantt chart, which code hosts draw inside Markdown.

Mermaid's labels have no quotation marks: a colon ends one, `;` and `#` end a statement, and a word such as
`click` or a date at the beginning makes it another statement. So a label holds only characters that mean
nothing, and begins with one that begins nothing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.model.plan import Change
from reconciler.outputs.escapes import shorten
from reconciler.outputs.values import local_window, payload_of, title_of

_UNSAFE: Final = re.compile(r"[^\w ,.()'/+\u2236-]")
_SPACES: Final = re.compile(r" {2,}")
_COLON: Final = "\N{RATIO}"
_NO_KEYWORD: Final = "\u200b"
_LONGEST_LABEL: Final = 48
_FIRST_YEAR: Final = 1000  # mermaid reads years of four digits


class _Bar(Struct, frozen=True, kw_only=True):
    """One window: when it opens and closes in local time; one of them may be None."""

    course: str
    label: str
    tag: str
    opens: datetime | None
    closes: datetime | None

    @property
    def start(self) -> datetime | None:
        """The earlier of the two bounds that is known."""
        return self.opens if self.opens is not None else self.closes


def gantt_lines(creates: Sequence[Change]) -> list[str]:
    """A chart of the windows of `creates`, by course and then by time; empty where none has a window."""
    bars = [bar for change in creates for bar in _bars(change)]
    if not bars:
        return []
    return [
        "gantt",
        "    title New windows, in local time (grey: booking, blue: exam)",
        "    dateFormat YYYY-MM-DD HH:mm",
        "    axisFormat %b %d",
        *_sections(sorted(bars, key=_order)),
    ]


def label(text: str) -> str:
    """As much of `text` as a chart shows, with nothing in it that mermaid would obey."""
    safe = _UNSAFE.sub(" ", text.replace(":", _COLON))
    return _NO_KEYWORD + shorten(_SPACES.sub(" ", safe).strip() or "untitled", _LONGEST_LABEL)


def _bars(change: Change) -> Iterator[_Bar]:
    payload = payload_of(change)
    title = title_of(payload) or change.address
    for lead, tag in (("schedule", "done"), ("exam", "active")):
        opens, closes = local_window(payload, lead, change.timezone)
        bar = _Bar(
            course=change.course or change.course_sid,
            label=label(title if lead == "exam" else f"booking, {title}"),
            tag=tag,
            opens=opens,
            closes=closes,
        )
        if bar.start is not None and bar.start.year >= _FIRST_YEAR:
            yield bar


def _order(bar: _Bar) -> tuple[str, str, str]:
    return (bar.course, "" if bar.start is None else _spelt(bar.start), bar.label)


def _sections(bars: Iterable[_Bar]) -> Iterator[str]:
    course = None
    for bar in bars:
        if bar.course != course:
            course = bar.course
            yield f"    section {label(course)}"
        yield f"    {bar.label} :{_data(bar)}"


def _data(bar: _Bar) -> str:
    """When `bar` is; a window with one bound is a milestone there."""
    if bar.opens is not None and bar.closes is not None:
        return f"{bar.tag}, {_spelt(bar.opens)}, {_spelt(bar.closes)}"
    return f"milestone, {_spelt(bar.start)}, 0d" if bar.start is not None else ""


def _spelt(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "minutes")
