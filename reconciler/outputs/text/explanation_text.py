"""Explanations in Markdown: laid out for a terminal, unchanged elsewhere."""

import re
from collections.abc import Iterator
from typing import Final

from reconciler.outputs.escapes import printable
from reconciler.outputs.text.console import Console, Piece, put, put_wrapped

_FENCE: Final = "```"
_INLINE: Final = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\([^)]*\)")
"""Code, strong text, and links, which are shown without their targets."""


def print_explanation(markdown: str, console: Console) -> None:
    """Print `markdown`, which a plug-in may have written."""
    if not console.is_terminal:
        console.file.write("".join(f"{printable(line)}\n" for line in markdown.splitlines()))
        return
    is_code = False
    for line in _unwrapped(markdown):
        if line.startswith(_FENCE):
            is_code = not is_code
        elif is_code:
            put(console, "  ", (line, "cyan"))
        elif line.startswith("#"):
            put(console, (line.lstrip("# "), "bold"))
        else:
            put_wrapped(console, *_pieces(line), hanging=2 if line.startswith("- ") else 0)


def _unwrapped(markdown: str) -> Iterator[str]:
    """Yield the lines of `markdown`, with each paragraph joined into one line."""
    paragraph = ""
    is_code = False
    for line in markdown.splitlines():
        is_code ^= line.startswith(_FENCE)
        if paragraph and not is_code and line and not line.startswith(("- ", "#", "|", _FENCE)):
            paragraph += f" {line.strip()}"
            continue
        if paragraph:
            yield paragraph
        paragraph = ""
        if is_code or not line or line.startswith(("#", _FENCE)):
            yield line
        else:
            paragraph = line
    if paragraph:
        yield paragraph


def _pieces(line: str) -> Iterator[Piece]:
    end = 0
    for found in _INLINE.finditer(line):
        code, strong, link = found.groups()
        yield line[end : found.start()]
        yield (code, "cyan") if code else (strong, "bold") if strong else link
        end = found.end()
    yield line[end:]
