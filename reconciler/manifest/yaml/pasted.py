"""Finds what was pasted in around the YAML: markers of a merge or of Markdown, and parts of an e-mail.

It is told by its form alone, without a trial, because no YAML begins a line so.
"""

import re
from collections.abc import Iterator
from typing import Final

from reconciler.manifest.fields import documented_fields
from reconciler.manifest.yaml.line_repairs import Slip
from reconciler.manifest.yaml.lines import CONFLICT, FENCE

_CONFLICT: Final = re.compile(rf"(?:{CONFLICT})(?: |$)")
_FENCE: Final = re.compile(FENCE)
_MAIL_QUOTE: Final = re.compile(r">(?: ?>)* ?")
_LETTER: Final = re.compile(r"(?:--[ \t]*|[^\W\d_][^:{}\[\]\"'#]*)?")
"""A line of the text around what an e-mail quotes; it may be blank."""


def take_out(lines: list[str]) -> Iterator[Slip]:
    """Yield what was pasted around the YAML of `lines`, and take it out of them."""
    yield from _markers(lines)
    quoted = [index for index, line in enumerate(lines) if line[:1] == ">"]
    if quoted:
        more = f", and before {len(quoted) - 1} more" if len(quoted) > 1 else ""
        message = f"the '>' of a quoted e-mail stands before this line{more}"
        yield Slip(quoted[0], 0, 1, message, "Remove each `> `.", "", is_spelt=False)
    for index in quoted:
        lines[index] = _MAIL_QUOTE.sub("", lines[index], count=1)
    start = next((at for at, line in enumerate(lines) if not _is_letter(line)), 0)
    end = next((at for at in range(len(lines), start, -1) if not _is_letter(lines[at - 1])), len(lines))
    yield from _letter(lines, range(start), "begins with")
    yield from _letter(lines, range(end, len(lines)), "ends in")


def _letter(lines: list[str], rows: range, where: str) -> Iterator[Slip]:
    """Yield the text of an e-mail in `rows`, at the start or the end of `lines`, and take it out."""
    written = [index for index in rows if lines[index].strip()]
    if not written[1:] and not (written and lines[written[0]].rstrip().endswith(("--", ","))):
        return  # one line may go on a text
    hint = "Remove its lines, or begin each with `#`; indent them if they go on a text above."
    size, message = len(lines[written[0]].rstrip()), f"the file {where} text that has no keys"
    yield Slip(written[0], 0, size, message, hint, "", is_spelt=False)
    for index in written:
        lines[index] = ""


def _is_letter(line: str) -> bool:
    return bool(_LETTER.fullmatch(line)) and not documented_fields().keys() & set(line.split()[:1])


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
