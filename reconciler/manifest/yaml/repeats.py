"""Reports keys that a mapping has twice: each by itself, or together where a whole block comes again."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.fields import documented_fields
from reconciler.manifest.yaml.nodes import MERGE, OFFSETS_PER_ENTRY, TextRange, YamlMapping
from reconciler.model.identities import is_address

if TYPE_CHECKING:
    from array import array

_CODE: Final = "duplicate-key"
_OF_EXAMS: Final = frozenset({"course", "courseSid", "title", "url"})


class Repeat(NamedTuple):
    """A key that is there twice: where it comes again, where it was first, and what to do about it.

    `address` is that of an exam that seems to begin before it, in the place of a field, if there is one.
    """

    key: str
    at: TextRange
    first: int
    hint: str
    address: TextRange | None


def advice_on(key: str, node: YamlMapping) -> str:
    """Return what to do about `key`, which `node` has already."""
    if key == MERGE:
        return "Write one `<<: [*first, *second]`."
    if not isinstance(node[key], YamlMapping):
        return "Keep one of the two."
    if next(reversed(node)) == key:
        return "Remove this line; what is below it then belongs to the first."
    return "Move what is below it to the first, and remove this line."


def take_address(node: YamlMapping, offsets: "list[int] | array[int]", repeated: str) -> TextRange | None:
    """Remove an address without an exam, if that is the last that `node` holds, and return its text range.

    The key that is `repeated` stays: it is no exam between two others, but there twice itself.
    """
    starts = offsets[::OFFSETS_PER_ENTRY]
    last = max(range(len(starts)), key=starts.__getitem__, default=-1)  # merged fields stand behind it
    key = list(node)[last] if starts else ""
    value = node.get(key)
    if isinstance(value, YamlMapping):
        return take_address(value, value.offsets, repeated)
    if value is not None or key == repeated or "/" not in key or not is_address(key):
        return None
    entry = slice(last * OFFSETS_PER_ENTRY, (last + 1) * OFFSETS_PER_ENTRY)
    at = TextRange(*offsets[entry][:2])
    del node[key], offsets[entry]
    return at


def cut_off(node: YamlMapping, offsets: list[int], at: int) -> None:
    """Remove the entries of `node` that stand behind the offset `at`."""
    kept = bisect_left(offsets[::OFFSETS_PER_ENTRY], at)
    for key in list(node)[kept:]:
        del node[key]
    del offsets[kept * OFFSETS_PER_ENTRY :]


def report_repeats(repeats: Sequence[Repeat], diagnostics: FileDiagnostics) -> int | None:
    """Report the keys that one mapping repeats; return the offset where another block begins, if one does."""
    if (address := repeats[0].address) is not None:
        message = "a second exam begins here, and its address is indented too far"
        diagnostics.add(_CODE, address, message, "Line it up with the address of the exam above.")
        return address.start
    if _is_block(repeats):
        what, name = ("exam", "address") if _OF_EXAMS & {each.key for each in repeats} else ("block", "name")
        line = diagnostics.source.position(min(each.first for each in repeats)).line
        message = f"a second {what} seems to begin here: {len(repeats)} fields from line {line} on come again"
        hint = f"The line with its {name} is missing above, or is indented too far."
        diagnostics.add(_CODE, repeats[0].at, message, hint)
        return repeats[0].at.start
    for each in repeats:
        place = diagnostics.source.position(each.first)
        message = f"the key {diagnostics.echo(each.key)} is here twice"
        where = f"it is first in line {place.line}, column {place.column}"
        diagnostics.add(_CODE, each.at, f"{message}; {where}", each.hint)
    return None


def _is_block(repeats: Sequence[Repeat]) -> bool:
    """Return whether several fields come again, all of them behind the first ones."""
    return (
        len(repeats) > 1
        and max(each.first for each in repeats) < repeats[0].at.start
        and all(each.key in documented_fields() for each in repeats)
    )
