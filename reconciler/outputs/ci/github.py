"""Diagnostics for GitHub Actions: workflow commands, which become annotations, and a job summary.

A runner obeys each line that begins with `::`. Line breaks in texts of a manifest are escaped, so that none
of these texts can begin a line.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.outputs.ci.places import Checkout, PlacedDiagnostic, place_diagnostics
from reconciler.outputs.escapes import ELLIPSIS
from reconciler.outputs.invocation import NO_OPTIONS, Invocation
from reconciler.outputs.markdown.escapes import block
from reconciler.outputs.text.console import count_of
from reconciler.outputs.text.diagnostics_text import counted

MOST_ANNOTATIONS: Final = 10
"""How many errors, and how many warnings, GitHub shows for a step. It drops the others silently."""

LARGEST_SUMMARY_BYTES: Final = 1_000_000
"""GitHub allows 1 MiB for all commands of a step."""

_IN_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY: Final = _IN_DATA | str.maketrans({":": "%3A", ",": "%2C"})


def github_commands(
    diagnostics: Sequence[Diagnostic],
    checkout: Checkout,
    *,
    has_summary: bool,
    invocation: Invocation = NO_OPTIONS,
) -> str:
    """Return commands for the first ten errors and the first ten warnings, and a line that counts all.

    Return an empty text for no diagnostics. `has_summary` says whether the job summary lists them all.
    """
    if not diagnostics:
        return ""
    by_severity = {
        severity: [found for found in diagnostics if found.severity is severity] for severity in Severity
    }
    shown = [found for kind in by_severity.values() for found in kind[:MOST_ANNOTATIONS]]
    lines = [_command(placed) for placed in place_diagnostics(shown, checkout)]
    left = {severity: len(kind) - MOST_ANNOTATIONS for severity, kind in by_severity.items()}
    lines.append(_last_line(diagnostics, left, "the job summary" if has_summary else _lister(invocation)))
    return "".join(f"{line}\n" for line in lines)


def _lister(invocation: Invocation) -> str:
    return invocation.completed("`reconciler validate`")


def _last_line(diagnostics: Sequence[Diagnostic], left: Mapping[Severity, int], lister: str) -> str:
    words = " and ".join(count_of(number, severity.value) for severity, number in left.items() if number > 0)
    if not words:
        return f"{counted(diagnostics)}."
    left_out = f"{words} left out here, as GitHub shows ten of a kind"
    return f"{counted(diagnostics)}; {left_out}: {lister} lists them all."


def _command(placed: PlacedDiagnostic) -> str:
    start, end_line = placed.span.start, placed.span.end_line
    properties: dict[str, str] = {}
    if placed.diagnostic.span is not None:
        properties |= {"file": placed.shown_path, "line": str(start.line)}
        if end_line == start.line:  # GitHub accepts columns within one line only
            properties["col"] = str(start.column)
        properties["endLine"] = str(end_line)
        if end_line == start.line:
            properties["endColumn"] = str(placed.span.end_column)
    properties["title"] = placed.name
    said = ",".join(f"{key}={value.translate(_IN_PROPERTY)}" for key, value in properties.items())
    text = f"{placed.message}\n{placed.hint}" if placed.hint else placed.message
    command = f"::{placed.diagnostic.severity.value} {said}::{text.translate(_IN_DATA)}"
    # Runners also obey an older form of command, `##[…]`, anywhere in a line.
    return command.replace("##[", "## [")


def github_summary(
    diagnostics: Sequence[Diagnostic], checkout: Checkout, *, invocation: Invocation = NO_OPTIONS
) -> str:
    """Return a section of Markdown that lists `diagnostics`; an empty text if there are none.

    They stand in one code block, so that nothing in them becomes a link, a mention or HTML. Those that do not
    fit are counted.
    """
    if not diagnostics:
        return ""
    lines = [_line(placed) for placed in place_diagnostics(diagnostics, checkout)]
    sizes = accumulate(len(line.encode()) + len("\n") for line in lines)
    shown = lines[: sum(size_bytes <= LARGEST_SUMMARY_BYTES for size_bytes in sizes)]
    left = len(lines) - len(shown)
    more = f"\n{ELLIPSIS} and {left:,} more; {_lister(invocation)} lists them all.\n" if left else ""
    return "\n".join([f"### reconciler validate: {counted(diagnostics)}", "", *block(shown, "text"), more])


def _line(placed: PlacedDiagnostic) -> str:
    return f"{placed.line} ({placed.hint})" if placed.hint else placed.line
