"""Escapes for untrusted text in Markdown, as code hosts render it.

Hosts look for mentions, issues, links and emoji after they have rendered Markdown, so neither backslashes nor
character references hide these. A zero-width space inside them does.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.outputs.escapes import printable

_ACTIVE: Final = re.compile(r"[\\`*_{}\[\]<>#!|~&@$]")
_BREAK: Final = "&#8203;"
_CODE: Final = re.compile(r"[\w ,;:./=()@+…-]*", re.ASCII)
_TICKED: Final = re.compile(r"`([^`]+)`")
_FENCE: Final = re.compile(r"`{3,}")

# Positions where a host would recognise a mention, issue, label, emoji, formula, web address, mail address or
# commit.
_TRIGGERS: Final = re.compile(
    r"(?<=[@#!$%~^])(?=[\w/+`\"-])"
    r"|(?<=:)(?=[\w/+-])(?!(?<=\d\d:)\d\d(?!\d))"  # but not the time of a day
    r"|(?<=&)(?=\d)"
    r"|(?<=\w\.)(?=[^\W\d_])"
    r"|(?<=www)(?=\.)"
    r"|(?<=\bGH-)(?=\d)"
    r"|(?<=\b[0-9a-f]{4})(?=[0-9a-f]{3,36}\b)",
    re.IGNORECASE,
)
_MARK: Final = "\u200b"


def escaped(text: str) -> str:
    """Return `text` on one line, escaped so that it is rendered as plain text.

    Do not put it at the beginning of a line, where `-`, `1.` and `/` have a meaning.
    """
    marked = _TRIGGERS.sub(_MARK, printable(text))
    return _ACTIVE.sub(_reference, marked).replace(_MARK, _BREAK)


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"


def code(text: str) -> str:
    """Return `text` as code if that is possible inside a table, else escaped."""
    is_plain = _CODE.fullmatch(text) is not None and text.strip() == text
    return f"`{text}`" if text and is_plain else escaped(text)


def ticked(text: str) -> str:
    """Return `text` escaped; what stands between two backticks becomes `code`."""
    # Every second part was between two backticks. A single backtick is text.
    parts = _TICKED.split(text)
    return "".join(code(part) if at % 2 else escaped(part) for at, part in enumerate(parts))


def fenced(lines: Iterable[str], language: str = "") -> list[str]:
    """Return `lines`, made printable, as a code block that no line can end."""
    return block([printable(line) for line in lines], language)


def block(lines: Sequence[str], language: str) -> list[str]:
    """Return `lines`, which are printable, as a code block that no line can end."""
    longest = max((len(run) for line in lines for run in _FENCE.findall(line)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", *lines, fence]


def folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Return `lines` folded behind `summary`, which is escaped; nothing if there are none."""
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>", ""] if lines else []


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return a table. Cells are escaped Markdown without line breaks. Without rows there is no table."""
    titles, lines = list(heads), list(map(_row, rows))
    return [_row(titles), _row(["---"] * len(titles)), *lines] if lines else []


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
