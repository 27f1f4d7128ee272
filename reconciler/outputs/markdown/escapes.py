"""Untrusted text, made harmless for Markdown as code hosts render it.

Hosts look for mentions, issues, links and emoji in the text that is left after Markdown is done, so that
neither a backslash nor a character reference hides them. A zero-width space within them does.
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

# Where a host would begin to read a mention, an issue, a label, an emoji, mathematics, an address of the
# web or of mail, or the name of a commit.
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
    """`text` on one line that reads the same once rendered, and does nothing but be read.

    It must not stand at the beginning of a line, where `-`, `1.` and `/` have a meaning.
    """
    marked = _TRIGGERS.sub(_MARK, printable(text))
    return _ACTIVE.sub(_reference, marked).replace(_MARK, _BREAK)


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"


def code(text: str) -> str:
    """`text` as code if a table can hold it so, else escaped; empty where it is."""
    is_plain = _CODE.fullmatch(text) is not None and text.strip() == text
    return f"`{text}`" if text and is_plain else escaped(text)


def ticked(text: str) -> str:
    """`text` escaped, but for what stands between two backticks, which is code if a table can hold it so."""
    # Every other part was between two backticks; one that is left alone is text.
    parts = _TICKED.split(text)
    return "".join(code(part) if at % 2 else escaped(part) for at, part in enumerate(parts))


def fenced(lines: Iterable[str], language: str = "") -> list[str]:
    """`lines` as a block of code that none of them ends."""
    return block([printable(line) for line in lines], language)


def block(lines: Sequence[str], language: str) -> list[str]:
    """`lines`, in which nothing is unprintable that is not meant to be, as a block that none of them ends."""
    longest = max((len(run) for line in lines for run in _FENCE.findall(line)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", *lines, fence]


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table of cells that are Markdown already, without a bare pipe or a line break; empty without rows."""
    titles, lines = list(heads), list(map(_row, rows))
    return [_row(titles), _row(["---"] * len(titles)), *lines] if lines else []


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
