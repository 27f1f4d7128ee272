"""Findings for GitHub Actions: workflow commands that make annotations, and a job summary that holds all.

A runner reads a command from each line that begins with `::`. No text of a manifest gets to the beginning of
a line: line breaks within it are spelt out before the command is made.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.outputs.diagnostics_text import counted
from reconciler.outputs.escapes import ELLIPSIS
from reconciler.outputs.finding_places import Checkout, Placed, placed
from reconciler.outputs.terminal import count_of

MOST_ANNOTATIONS: Final = 10
"""How many annotations of a kind GitHub shows for a step; it drops the others without a word."""

LARGEST_SUMMARY_BYTES: Final = 1_000_000
"""A step's summary may have 1 MiB; other commands of the step may want some of it."""

_IN_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY: Final = {**_IN_DATA, ":": "%3A", ",": "%2C"}
_LINE_BREAK: Final = "\n"


def github_commands(diagnostics: Sequence[Diagnostic], checkout: Checkout, *, has_summary: bool) -> str:
    """The first ten errors and the first ten warnings as commands, then a line that counts all of them.

    Empty where there is nothing to tell. `has_summary` says whether the rest is in the job's summary.
    """
    if not diagnostics:
        return ""
    chosen: dict[Severity, list[Diagnostic]] = {severity: [] for severity in Severity}
    for found in diagnostics:
        chosen[found.severity].append(found)
    shown = [found for kind in chosen.values() for found in kind[:MOST_ANNOTATIONS]]
    lines = [_command(one) for one in placed(shown, checkout)]
    lines.append(_last_line(chosen, diagnostics, has_summary=has_summary))
    return "".join(f"{line}\n" for line in lines)


def _last_line(
    chosen: Mapping[Severity, Sequence[Diagnostic]],
    diagnostics: Sequence[Diagnostic],
    *,
    has_summary: bool,
) -> str:
    left = {severity: len(kind) - MOST_ANNOTATIONS for severity, kind in chosen.items()}
    words = " and ".join(count_of(number, severity.value) for severity, number in left.items() if number > 0)
    if not words:
        return f"{counted(diagnostics)}."
    where = "the job summary lists them all" if has_summary else "`reconciler validate` lists them all"
    return f"{counted(diagnostics)}; {words} left out here, as GitHub shows ten of a kind: {where}."


def _command(one: Placed) -> str:
    start, end_line = one.span.start, one.span.end_line
    properties: dict[str, str] = {}
    if one.found.span is not None:
        properties |= {"file": one.shown_path, "line": str(start.line)}
        if end_line == start.line:  # GitHub takes columns within one line only
            properties["col"] = str(start.column)
        properties["endLine"] = str(end_line)
        if end_line == start.line:
            properties["endColumn"] = str(one.span.end_column)
    properties["title"] = one.name
    said = ",".join(f"{key}={_escaped(value, _IN_PROPERTY)}" for key, value in properties.items())
    text = f"{one.message}\n{one.hint}" if one.hint else one.message
    command = f"::{one.found.severity.value} {said}::{_escaped(text, _IN_DATA)}"
    # An older form of command, `##[…]`, may stand anywhere in a line.
    return command.replace("##[", "## [")


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)


def github_summary(diagnostics: Sequence[Diagnostic], checkout: Checkout) -> str:
    """All of `diagnostics` as a section of a job's summary, in Markdown; empty where there is none.

    They stand in one block of code, so that nothing in them is a link, a mention or HTML. What does not fit
    is counted.
    """
    if not diagnostics:
        return ""
    lines, left = _fitting([_line(one) for one in placed(diagnostics, checkout)])
    fence = "`" * (max((len(run) for line in lines for run in re.findall("`+", line)), default=0) + 3)
    more = f"\n{ELLIPSIS} and {left:,} more; `reconciler validate` lists them all.\n" if left else ""
    return "\n".join(
        [f"### reconciler validate: {counted(diagnostics)}", "", f"{fence}text", *lines, fence, more]
    )


def _line(one: Placed) -> str:
    return f"{one.line} ({one.hint})" if one.hint else one.line


def _fitting(lines: Sequence[str]) -> tuple[list[str], int]:
    """The lines that a summary has room for, and how many it has not."""
    kept: list[str] = []
    room = LARGEST_SUMMARY_BYTES
    for line in lines:
        room -= len(line.encode("utf-8")) + len(_LINE_BREAK)
        if room < 0:
            break
        kept.append(line)
    return kept, len(lines) - len(kept)
