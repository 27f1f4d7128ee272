"""All values of one exam as Markdown, folded, each with the layer that it comes from."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from reconciler.model.identities import Address
from reconciler.model.provenance import Provenance
from reconciler.outputs.escapes import shorten
from reconciler.outputs.exam_values import order_of, values_of
from reconciler.outputs.markdown.escapes import code, escaped, folded, table
from reconciler.outputs.section_groups import ExamGroup, split
from reconciler.outputs.text.console import count_of

_LONGEST_VALUE: Final = 1_000
_LONGEST_PATH: Final = 200
_LONGEST_MARK: Final = 100
_LONGEST_TITLE: Final = 100


class _Told(Struct, frozen=True):
    """A value in words: its path and name, the text, and the mark of its layer."""

    path: str
    name: str
    text: str
    mark: str


def values_fold(
    group: ExamGroup, names: Mapping[str, str], provenance: Mapping[Address, Provenance]
) -> list[str]:
    """Return every value of the exam of `group` behind its address and title; last what differs by section.

    `names` are aliases by SID. The mark of a value that the exam itself has is empty.
    """
    shared, own = split(
        [
            [
                _Told(value.path, value.name, value.text, value.mark)
                for value in values_of(change, names, provenance.get(change.address, {}))
            ]
            for change in group.members
        ]
    )
    rows = ((_name(value.name), _text(value), _mark(value)) for value in shared)
    lines = table(("Field", "Value", "From"), rows)
    if len(group.members) > 1:
        lines += ["", *_own(group, own)]
    return folded(fold_summary(group, _LONGEST_TITLE), lines)


def _own(group: ExamGroup, own: Sequence[Sequence[_Told]]) -> list[str]:
    """Return a table with a row for each section, and a column for each field in which they differ."""
    columns = {value.path: value.name for values in own for value in values}
    paths = sorted(columns, key=order_of)
    rows = []
    for change, values in zip(group.members, own, strict=True):
        cells = {
            value.path: f"{_text(value)}{f'<br><sub>{mark}</sub>' if (mark := _mark(value)) else ''}"
            for value in values
        }
        rows.append((code(change.section or ""), *(cells.get(path, "") for path in paths)))
    return table(("Section", *(_name(columns[path]) for path in paths)), rows)


def _name(name: str) -> str:
    return code(shorten(name, _LONGEST_PATH))


def _text(value: _Told) -> str:
    return escaped(shorten(value.text, _LONGEST_VALUE))


def _mark(value: _Told) -> str:
    return escaped(shorten(value.mark, _LONGEST_MARK))


def fold_summary(group: ExamGroup, longest_title: int) -> str:
    """Return address, common title and number of sections of `group`, for the summary of a fold."""
    title = escaped(shorten(group.title, longest_title))
    count = f", {count_of(len(group.members), 'section')}" if len(group.members) > 1 else ""
    return f"<code>{escaped(group.address)}</code>{f' {title}' if title else ''}{count}"
