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

from reconciler.manifest.yaml_documents import Document
from reconciler.manifest.yaml_nodes import Mapping, Stretch
from reconciler.manifest.yaml_parcels import Parsed, Piece
from reconciler.manifest.yaml_walker import MAX_WRITTEN
from reconciler.values import dataclass

_BLOCK: Final = "exams"
_WRAPPER: Final = f"{_BLOCK}:\n"
_OPENING: Final = re.compile(rf"^{_BLOCK}:[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( +)[A-Za-z0-9]", re.MULTILINE)
_OUTSIDE: Final = re.compile(r"^[^ \t\n#]", re.MULTILINE)
_UNCUT: Final = ("\r", "<<", "reconciler")
"""What keeps a text whole: other line ends, keys that merge, and comments that ignore rules."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A text in pieces: its head, up to the first entry of `exams`, and slices. `exams` is at `opening`."""

    opening: int
    pieces: tuple[Piece, ...]

    def joined(self, parts: ReadOnlySequence[Parsed | None]) -> Parsed | None:
        """What the whole text holds, given what its pieces do; None where that cannot be told."""
        whole = [part for part in parts if part is not None and not part.has_anchors]
        if len(whole) < len(self.pieces):
            return None
        head, *slices = whole
        root = head.document.root
        if root.get(_BLOCK, root) is not None or root.key_at(_BLOCK).start != self.opening:
            return None
        entries = _entries(slices)
        written = sum(part.document.written for part in whole)
        if entries is None or written > MAX_WRITTEN:
            return None
        ends = [part.document.root.value_at(_BLOCK) for part in slices]
        root[_BLOCK] = entries
        root.marks[-2:] = array("I", (ends[0].start, ends[-1].end))
        return Parsed(
            Document(
                root,
                Stretch(head.document.at.start, ends[-1].end),
                written=written,
                ready={address: ready for part in slices for address, ready in part.document.ready.items()},
            ),
            tuple(secret for part in whole for secret in part.secrets),
            frozenset().union(*(part.secret_values for part in whole)),
            has_anchors=False,
        )


def cut(text: str, size: int) -> Cut | None:
    """`text` in slices of about `size` characters; None where it is not clear how, or there is one only."""
    opening = _OPENING.search(text)
    if opening is None or _OUTSIDE.search(text, opening.end()) or any(each in text for each in _UNCUT):
        return None
    first, indent = opening.start(1), len(opening[1])
    starts = [first, *_starts(text, first, indent, size)]
    if len(starts) == 1:
        return None
    head = Piece(text[:first].encode())
    slices = (
        # The indentation of the entry behind it lets a slice end where its last entry ends in the whole.
        Piece(text, start, end + indent, _WRAPPER, head.data)
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True)
    )
    return Cut(opening.start(), (head, *slices))


def _starts(text: str, first: int, indent: int, size: int) -> Iterator[int]:
    """Where slices but for the first begin: at lines that are indented as the first entry is."""
    entry = re.compile(rf"^ {{{indent}}}[A-Za-z0-9]", re.MULTILINE)
    at = first + size
    while (found := entry.search(text, at)) is not None:
        yield found.start()
        at = found.start() + size


def _entries(slices: ReadOnlySequence[Parsed]) -> Mapping | None:
    """The entries of all `slices`; None where one holds something else, or two share a key."""
    entries = Mapping()
    count = 0
    for part in slices:
        root = part.document.root
        held = root.get(_BLOCK)
        if len(root) != 1 or not isinstance(held, Mapping):
            return None
        entries.update(held)
        entries.marks.extend(held.marks)
        count += len(held)
    return entries if len(entries) == count else None
