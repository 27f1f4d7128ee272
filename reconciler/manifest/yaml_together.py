"""The exams of several small files parsed as those of one, and told apart again.

To begin parsing a text takes about as long as to parse an exam, so files with few exams are not parsed one
by one. What stands below their heads is put one behind the other, below one line `exams:`. Where an entry of
that mapping begins just where a file does, nothing of the file before was left open, and its entries are
those that it has by itself: `yaml_unmarked` takes neither anchors nor keys that stand twice. Wherever
anything else comes out, the files are parsed one by one.
"""

from array import array
from collections.abc import Sequence as ReadOnlySequence

from reconciler.manifest.yaml_documents import Document
from reconciler.manifest.yaml_nodes import MARKS_A_KEY, Mapping, Sequence, Stretch
from reconciler.manifest.yaml_parcels import Parsed, Piece, parse_if_unmarked
from reconciler.manifest.yaml_slices import BLOCK, WRAPPER


def parse_together(slices: ReadOnlySequence[Piece]) -> list[Parsed] | None:
    """What each of `slices`, the only ones of their texts, holds; None where that is not clear."""
    texts = [piece.whole[piece.start :] for piece in slices if isinstance(piece.whole, str)]
    parsed = parse_if_unmarked(f"{WRAPPER}{''.join(texts)}".encode())
    if parsed is None or parsed.secret_values:
        return None
    root = parsed.document.root
    exams = root.get(BLOCK)
    if len(root) != 1 or not isinstance(exams, Mapping):
        return None
    split = _Split(parsed, exams)
    parts: list[Parsed] = []
    start = len(WRAPPER)
    for piece, text in zip(slices, texts, strict=True):
        part = split.next_part(Stretch(start, start + len(text)), piece.start, text)
        if part is None:
            return None
        parts.append(part)
        start += len(text)
    return parts


class _Split:
    """Takes the entries of `exams`, which is what `parsed` holds, apart again."""

    def __init__(self, parsed: Parsed, exams: Mapping) -> None:
        self._parsed = parsed
        self._entries = list(exams.items())
        self._marks = exams.marks
        self._next = 0

    def next_part(self, at: Stretch, start: int, text: str) -> Parsed | None:
        """The entries within `at`, as they stand in a file of which `text` is what begins at `start`.

        None unless the first of them begins where the first of `text` does.
        """
        by, last = start - at.start, start + len(text)
        marks, held = self._marks, Mapping()
        first = after = self._next
        while after < len(self._entries) and marks[MARKS_A_KEY * after] < at.end:
            key, value = self._entries[after]
            if isinstance(value, Mapping | Sequence) and value.marks:
                return None
            held[key] = value
            after += 1
        indent = len(text) - len(text.lstrip(" "))
        if after == first or marks[MARKS_A_KEY * first] != at.start + indent:
            return None
        self._next = after
        # A value ends where the next entry begins; the last one, by itself, where its text does.
        own = marks[MARKS_A_KEY * first : MARKS_A_KEY * after]
        held.marks = array("I", [min(mark + by, last) for mark in own])
        root = Mapping()
        root.put(BLOCK, held, Stretch(0, 0), Stretch(held.marks[0], last))
        return Parsed(
            Document(root, Stretch(0, last), written=self._parsed.document.written),
            tuple(
                Stretch(secret.start + by, secret.end + by)
                for secret in self._parsed.secrets
                if at.start <= secret.start < at.end
            ),
            frozenset(),
            has_anchors=False,
        )
