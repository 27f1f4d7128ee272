"""Warnings of the manifests as Markdown, by file."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from reconciler.model.diagnostics import Diagnostic
from reconciler.outputs.escapes import shorten
from reconciler.outputs.markdown.escapes import code, escaped, folded, ticked
from reconciler.outputs.text.console import count_of

_MOST_OPEN: Final = 5
_LONGEST_PLACE: Final = 200


def warning_lines(warnings: Sequence[Diagnostic], most: int | None, longest: int) -> Iterator[str]:
    """Yield the first `most` of `warnings` as lists; if there are many, folded for each file.

    `longest` limits the characters of a message and of a hint.
    """
    if not warnings:
        return
    yield f"#### {count_of(len(warnings), 'warning')}"
    yield ""
    shown = warnings[:most]
    if len(warnings) <= _MOST_OPEN:
        yield from (_item(warning, longest) for warning in shown)
        yield ""
        return
    for file, found in groupby(shown, key=_file):
        items = [_item(warning, longest) for warning in found]
        place = f"<code>{escaped(shorten(file, _LONGEST_PLACE))}</code>" if file else "In no file"
        yield from folded(f"{place}: {count_of(len(items), 'warning')}", items)


def _file(warning: Diagnostic) -> str:
    return "" if warning.span is None else warning.span.start.file


def _item(warning: Diagnostic, longest: int) -> str:
    """Return `warning` as an item that begins with a code, so that no text of a manifest begins a line."""
    place = "" if warning.span is None else f" at {code(shorten(str(warning.span.start), _LONGEST_PLACE))}"
    hint = f" {ticked(shorten(warning.hint, longest))}" if warning.hint else ""
    return f"- {code(warning.code)}{place}: {ticked(shorten(warning.message, longest))}.{hint}"
