"""All values of one exam as Markdown, folded, each with the layer that it comes from."""

from collections.abc import Mapping
from typing import Final

from reconciler.model.plan import Change
from reconciler.model.provenance import Provenance
from reconciler.outputs.escapes import shorten
from reconciler.outputs.exam_facts import payload_of, title_of
from reconciler.outputs.exam_values import values_of
from reconciler.outputs.markdown.escapes import code, escaped, folded, table

_LONGEST_VALUE: Final = 1_000
_LONGEST_PATH: Final = 200
_LONGEST_MARK: Final = 100
_LONGEST_TITLE: Final = 100


def values_fold(change: Change, names: Mapping[str, str], provenance: Provenance) -> list[str]:
    """Return every value of the exam of `change` behind its address and title.

    `names` are aliases by SID. The last column is empty for a value that the exam itself has.
    """
    rows = (
        (
            code(shorten(value.name, _LONGEST_PATH)),
            escaped(shorten(value.text, _LONGEST_VALUE)),
            escaped(shorten(value.mark, _LONGEST_MARK)),
        )
        for value in values_of(change, names, provenance)
    )
    return folded(fold_summary(change, _LONGEST_TITLE), table(("Field", "Value", "From"), rows))


def fold_summary(change: Change, longest_title: int) -> str:
    """Return address and title of the exam of `change`, for the summary of a fold."""
    title = escaped(shorten(title_of(payload_of(change)), longest_title))
    return f"<code>{escaped(change.address)}</code>{f' {title}' if title else ''}"
