"""Findings for GitHub Actions: workflow commands that make annotations, and a job summary that holds all.

A runner reads a command from each line that begins with `::`. No text of a manifest gets to the beginning of
a line: line breaks within it are spelt out before the command is made.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.outputs.ci.places import Checkout, PlacedDiagnostic, place_diagnostics
from reconciler.outputs.escapes import ELLIPSIS
from reconciler.outputs.markdown.escapes import block
from reconciler.outputs.text.console import count_of
from reconciler.outputs.text.diagnostics_text import counted

MOST_ANNOTATIONS: Final = 10
"""How many annotations of a kind GitHub shows for a step; it drops the others without a word."""

LARGEST_SUMMARY_BYTES: Final = 1_000_000
"""A step's summary may have 1 MiB; other commands of the step may want some of it."""

_IN_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY: Final = _IN_DATA | str.maketrans({":": "%3A", ",": "%2C"})


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
    lines = [_command(placed) for placed in place_diagnostics(shown, checkout)]
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


def _command(placed: PlacedDiagnostic) -> str:
    start, end_line = placed.span.start, placed.span.end_line
    properties: dict[str, str] = {}
    if placed.diagnostic.span is not None:
        properties |= {"file": placed.shown_path, "line": str(start.line)}
        if end_line == start.line:  # GitHub takes columns within one line only
            properties["col"] = str(start.column)
        properties["endLine"] = str(end_line)
        if end_line == start.line:
            properties["endColumn"] = str(placed.span.end_column)
    properties["title"] = placed.name
    said = ",".join(f"{key}={value.translate(_IN_PROPERTY)}" for key, value in properties.items())
    text = f"{placed.message}\n{placed.hint}" if placed.hint else placed.message
    command = f"::{placed.diagnostic.severity.value} {said}::{text.translate(_IN_DATA)}"
    # An older form of command, `##[…]`, may stand anywhere in a line.
    return command.replace("##[", "## [")


def github_summary(diagnostics: Sequence[Diagnostic], checkout: Checkout) -> str:
    """All of `diagnostics` as a section of a job's summary, in Markdown; empty where there is none.

    They stand in one block of code, so that nothing in them is a link, a mention or HTML. What does not fit
    is counted.
    """
    if not diagnostics:
        return ""
    lines = [_line(placed) for placed in place_diagnostics(diagnostics, checkout)]
    sizes = accumulate(len(line.encode()) + len("\n") for line in lines)
    shown = lines[: sum(size_bytes <= LARGEST_SUMMARY_BYTES for size_bytes in sizes)]
    left = len(lines) - len(shown)
    more = f"\n{ELLIPSIS} and {left:,} more; `reconciler validate` lists them all.\n" if left else ""
    return "\n".join([f"### reconciler validate: {counted(diagnostics)}", "", *block(shown, "text"), more])


def _line(placed: PlacedDiagnostic) -> str:
    return f"{placed.line} ({placed.hint})" if placed.hint else placed.line
