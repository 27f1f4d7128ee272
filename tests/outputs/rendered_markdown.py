"""Markdown as a code host reads it: CommonMark with tables, strikethrough and links without markup."""

from collections.abc import Iterator
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER: Final = MarkdownIt("gfm-like")
OUR_HTML: Final = frozenset(
    {"<br>", "<sub>", "</sub>", "<code>", "</code>", "<details>", "</details>", "<summary>", "</summary>"}
)
"""The only HTML that a plan has, besides its marker."""


def tokens_of(markdown: str) -> list[Token]:
    """All tokens, those inside of lines among them."""
    return list(_flat(_PARSER.parse(markdown)))


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def texts_of(markdown: str) -> list[str]:
    """All text outside of code, as a host's search for mentions and the like gets it."""
    return [token.content for token in tokens_of(markdown) if token.type == "text"]


def tables_of(markdown: str) -> list[list[int]]:
    """For each table the number of cells of each row."""
    tables: list[list[int]] = []
    for token in tokens_of(markdown):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append(0)
        elif token.type in {"th_open", "td_open"}:
            tables[-1][-1] += 1
    return tables


def cell_of(markdown: str) -> str:
    """What a reader sees of the one cell of a table's one row, code included."""
    tokens = tokens_of(markdown)
    cells = [tokens[at + 1] for at, token in enumerate(tokens) if token.type == "td_open"]
    return "".join(child.content for cell in cells for child in cell.children or [])
