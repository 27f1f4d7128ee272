"""Diagnostics as text: place, message, line of source, and a marker below what is wrong."""

from collections.abc import Sequence
from typing import Final

from reconciler.model.diagnostics import Diagnostic, Severity, Span
from reconciler.outputs.escapes import ELLIPSIS, printable
from reconciler.outputs.text.console import (
    Console,
    columns_of,
    count_of,
    keep_left,
    keep_right,
    put,
    put_wrapped,
    width_of,
)

MOST_PRINTED: Final = 200
"""Maximum number of diagnostics that are printed."""

_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}
_TAB: Final = "    "
_MIN_EXCERPT: Final = 20


def print_diagnostics(diagnostics: Sequence[Diagnostic], console: Console) -> None:
    """Print the first MOST_PRINTED of `diagnostics`, and count all of them.

    If there are more, errors take precedence over warnings.
    """
    printed = _most_important(diagnostics)
    for found in printed:
        _print_one(found, console)
    left = len(diagnostics) - len(printed)
    if left:
        put(console, (f"{ELLIPSIS} and {left:,} more; mend these first", "dim"))
    if diagnostics:
        put(console, (counted(diagnostics), "bold"))


def counted(diagnostics: Sequence[Diagnostic]) -> str:
    """Return the numbers of errors and warnings in words."""
    errors = sum(found.severity is Severity.ERROR for found in diagnostics)
    warnings = len(diagnostics) - errors
    parts = [(errors, "error"), (warnings, "warning")]
    return ", ".join(count_of(number, noun) for number, noun in parts if number)


def _most_important(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    if len(diagnostics) <= MOST_PRINTED:
        return list(diagnostics)
    ranked = sorted(enumerate(diagnostics), key=lambda pair: pair[1].severity is not Severity.ERROR)
    return [found for _, found in sorted(ranked[:MOST_PRINTED], key=lambda pair: pair[0])]


def _print_one(found: Diagnostic, console: Console) -> None:
    style = _STYLES[found.severity]
    place = "" if found.span is None else f"{found.span.start}: "
    label = f"{found.severity.value}[{found.code}]"
    put(console, (place, "bold"), (label, style), ": ", (found.message, "bold"))
    if found.excerpt is None or found.span is None:
        _print_hint(found.hint, console, gutter=0)
    else:
        _print_excerpt(found, found.excerpt, found.span, console)


def _print_excerpt(found: Diagnostic, excerpt: str, span: Span, console: Console) -> None:
    number = str(span.start.line)
    gutter = max(len(number), 2)
    room = max(width_of(console) - gutter - 5, _MIN_EXCERPT)
    before, marked, after = _fit_excerpt(excerpt, span, room)
    put(console, (f"  {number:>{gutter}} | ", "dim"), before, marked, after)
    offset = columns_of(before)
    marker = "^" * max(columns_of(marked), 1)
    fits = offset + len(marker) + 1 + columns_of(printable(found.hint)) <= room
    beside = f" {found.hint}" if fits else ""
    style = _STYLES[found.severity]
    put(console, (f"  {'':>{gutter}} | ", "dim"), " " * offset, (marker + beside, style))
    if not fits:
        _print_hint(found.hint, console, gutter=gutter)


def _print_hint(hint: str, console: Console, *, gutter: int) -> None:
    if hint:
        put_wrapped(console, ("= ", "dim"), hint, indent=gutter + 3, hanging=gutter + 5)


def _fit_excerpt(excerpt: str, span: Span, room: int) -> tuple[str, str, str]:
    """Return text before, inside and after `span` that fits in `room` columns; inside begins with `span`."""
    start = min(span.start.column - 1, len(excerpt))
    is_one_line = span.end_line == span.start.line
    end = max(min(span.end_column - 1, len(excerpt)), start) if is_one_line else len(excerpt.rstrip())
    # Only combining characters are narrower than a column: a slice limits the work on a huge line.
    before = _source(excerpt[max(start - room * 2, 0) : start])
    marked = keep_left(_source(excerpt[start:end][: room * 2]), room * 2 // 3)
    after = "" if marked.endswith(ELLIPSIS) else _source(excerpt[end : end + room * 2])
    left = max(room // 3, room - columns_of(marked) - columns_of(after))
    before = keep_right(before, left)
    after = keep_left(after, room - columns_of(before) - columns_of(marked))
    return before, marked, after


def _source(text: str) -> str:
    return printable(text.replace("\t", _TAB))
