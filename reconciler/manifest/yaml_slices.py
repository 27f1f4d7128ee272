"""A large text cut into slices that can be parsed one by one, and what they hold put together again.

A manifest's size is in the entries of `exams`, so it is cut between these: before lines indented exactly as
the first entry is, which begin with a letter or digit. Parsed on its own below a line `exams:`, a slice gives
the same events as in its place, provided that the slice before it was complete there: that no quotes,
brackets or block of text were open. Whatever was open makes that slice itself unreadable, or something other
than a mapping, so where every slice gives a mapping and nothing is wrong with any, the cuts were right.
Anchors reach from one slice into another; where there is one, as where a key is in two slices, nothing is put
together, and the text is to be parsed whole.
"""

import re
from array import array
from collections.abc import Iterator
from collections.abc import Sequence as ReadOnlySequence
from typing import Final

from msgspec import Struct

from reconciler.manifest.comments import may_ignore
from reconciler.manifest.ground import Ground
from reconciler.manifest.yaml_documents import Document
from reconciler.manifest.yaml_nodes import Mapping, Stretch
from reconciler.manifest.yaml_parcels import Parsed, Piece
from reconciler.manifest.yaml_walker import MAX_WRITTEN

BLOCK: Final = "exams"
WRAPPER: Final = f"{BLOCK}:\n"
_LINE_AT: Final = f"\n{BLOCK}:"
_OPENED: Final = re.compile(rf"{BLOCK}:[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*")
_FIRST: Final = re.compile(r"( +)[A-Za-z0-9]")
# Both begin with a line end, which is soon found; `^` would be tried before every character.
_OUTSIDE: Final = re.compile(r"\n[^ \t\n#]")
_UNCUT: Final = ("\r", "<<")
"""What keeps a text whole: other line ends, and keys that merge. So do comments that ignore rules."""


class Cut(Struct, frozen=True):
    """A text in pieces: its head, up to the first entry of `exams`, and slices."""

    head: bytes
    slices: tuple[Piece, ...]


def cut(text: str, size: int) -> Cut | None:
    """`text` in slices of about `size` characters, at least one; None where it is not clear how."""
    opened = _OPENED.match(text, text.find(_LINE_AT) + 1)
    entry = None if opened is None else _FIRST.match(text, opened.end())
    if (
        entry is None
        or _OUTSIDE.search(text, entry.end())
        or any(each in text for each in _UNCUT)
        or may_ignore(text)
    ):
        return None
    first, indent = entry.start(), len(entry[1])
    starts = [first, *_starts(text, first, indent, size)]
    head = text[:first].encode()
    slices = (
        # The indentation of the entry behind it lets a slice end where its last entry ends in the whole.
        Piece(text, start, end + indent, WRAPPER, head)
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True)
    )
    return Cut(head, tuple(slices))


def is_head(head: Parsed, text: str) -> bool:
    """Whether `text`, which holds what `head` does, is a head: it ends with `exams:`."""
    root = head.document.root
    if root.get(BLOCK, root) is not None:
        return False
    return _OPENED.fullmatch(text, root.key_at(BLOCK).start) is not None


def entries_of(part: Parsed) -> Mapping | None:
    """The entries of one slice; None where it holds something else, or anchors."""
    root = part.document.root
    held = root.get(BLOCK)
    return held if len(root) == 1 and isinstance(held, Mapping) and not part.has_anchors else None


def joined(
    head: Parsed, parts: ReadOnlySequence[Parsed | None], ground: Ground | None = None
) -> Parsed | None:
    """What a whole text holds, given what its head and its slices do; None where that cannot be told.

    `ground` is what its exams stand on, if nothing is to be said about its head.
    """
    slices = [part for part in parts if part is not None]
    if len(slices) < len(parts):
        return None
    entries = entries_of(slices[0]) if len(slices) == 1 else _all_entries(slices)
    written = head.document.written + sum(part.document.written for part in slices)
    if entries is None or written > MAX_WRITTEN:
        return None
    ends = [part.document.root.value_at(BLOCK) for part in slices]
    root = Mapping()
    root.update(head.document.root)
    root[BLOCK] = entries
    root.marks = head.document.root.marks[:-2] + array("I", (ends[0].start, ends[-1].end))
    document = Document(
        root,
        Stretch(head.document.at.start, ends[-1].end),
        written=written,
        ready={address: ready for part in slices for address, ready in part.document.ready.items()},
        ground=ground,
    )
    secrets = (*head.secrets, *(secret for part in slices for secret in part.secrets))
    values = head.secret_values.union(*(part.secret_values for part in slices))
    return Parsed(document, secrets, values, has_anchors=False)


def _starts(text: str, first: int, indent: int, size: int) -> Iterator[int]:
    """Where slices but for the first begin: at lines that are indented as the first entry is."""
    entry = re.compile(rf"\n {{{indent}}}[A-Za-z0-9]")
    at = first + size - 1
    while (found := entry.search(text, at)) is not None:
        yield found.start() + 1
        at = found.start() + size


def _all_entries(slices: ReadOnlySequence[Parsed]) -> Mapping | None:
    """The entries of all `slices`; None where one holds something else, or two share a key."""
    entries = Mapping()
    count = 0
    for part in slices:
        held = entries_of(part)
        if held is None:
            return None
        entries.update(held)
        entries.marks.extend(held.marks)
        count += len(held)
    return entries if len(entries) == count else None
