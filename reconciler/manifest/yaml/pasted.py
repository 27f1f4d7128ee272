"""Finds what was pasted in around the YAML: markers of a merge or of Markdown, and parts of an e-mail.

It is told by its form alone, without a trial, because no YAML begins a line so.
"""

import re
from collections.abc import Iterator
from typing import Final

from reconciler.manifest.fields import documented_fields
from reconciler.manifest.yaml.line_repairs import Slip

_CONFLICT: Final = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: |$)")
_FENCE: Final = re.compile(r"(?:```|~~~)")
_MAIL_QUOTE: Final = re.compile(r">(?: |$)")
_FAREWELL: Final = re.compile(r"(?:--[ \t]*|[^\W\d_][^:{}\[\]\"'#]*)?")
"""A line of the text below an e-mail; it may be blank."""


def take_out(lines: list[str]) -> Iterator[Slip]:
    """Yield what was pasted around the YAML of `lines`, and take it out of them."""
    yield from _markers(lines)
    quoted = [index for index, line in enumerate(lines) if line[:1] == ">" and _MAIL_QUOTE.match(line)]
    if quoted:
        more = f", and before {len(quoted) - 1} more" if len(quoted) > 1 else ""
        message = f"the '>' of a quoted e-mail stands before this line{more}"
        yield Slip(quoted[0], 0, 1, message, "Remove each `> `.", "", is_spelt=False)
    for index in quoted:
        lines[index] = lines[index][2:]
    end = next((at for at in range(len(lines), 0, -1) if not _is_farewell(lines[at - 1])), 0)
    farewell = [index for index in range(end, len(lines)) if lines[index].strip()]
    if len(farewell) > 1 or (farewell and lines[farewell[0]].startswith("--")):
        hint = (
            "Remove the lines from here on, or begin each with `#`; indent them if they go on the text above."
        )
        size = len(lines[farewell[0]].rstrip())
        yield Slip(farewell[0], 0, size, "the file ends in text that has no keys", hint, "", is_spelt=False)
        lines[end:] = [""] * (len(lines) - end)


def _is_farewell(line: str) -> bool:
    return bool(_FAREWELL.fullmatch(line)) and not documented_fields().keys() & set(line.split()[:1])


def _markers(lines: list[str]) -> Iterator[Slip]:
    """Yield and take out the lines of a merge conflict, and those around a code block."""
    sides, has_fence = "", False
    for index, line in enumerate(lines):
        if line[:1] in {"<", "=", ">", "|"} and _CONFLICT.match(line):
            if not sides or line[0] == "<":
                hint = "Keep one side, and remove the marker lines."
                yield Slip(index, 0, len(line), "a merge conflict was left here", hint, "", is_spelt=False)
            sides = "" if line[0] == ">" else line[0]
        elif line[:1] in {"`", "~"} and _FENCE.match(line):
            if not has_fence:
                hint = "Remove the lines that begin with ``` or ~~~."
                yield Slip(index, 0, len(line), "a Markdown fence is no YAML", hint, "", is_spelt=False)
            has_fence = True
        elif sides in {"", "<"}:
            continue
        lines[index] = ""
