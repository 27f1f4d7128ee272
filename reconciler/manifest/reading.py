"""Files → their bytes, and what these hold where several processes found that out ahead of time."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from reconciler.manifest.reading_ahead import ReadingAhead
from reconciler.manifest.source_text import MAX_SIZE_BYTES, NotText, decode
from reconciler.manifest.yaml_parcels import Parsed, Piece
from reconciler.manifest.yaml_slices import Cut, cut

WORTH_A_PROCESS: Final = 2 * 1024 * 1024
"""Bytes that take about as long to parse as a further process takes to start."""
BATCH: Final = 256 * 1024
MOST_WORKERS: Final = 3
"""With more of them they wait for this process, which does all but the parsing."""


class Text(NamedTuple):
    """A file that was read: the path that led to it, its name as it is shown, and its bytes."""

    path: str
    name: str
    data: bytes


class _Job(Struct, frozen=True):
    """A text and the pieces that are parsed for it; it is whole where there is no cut."""

    text: Text
    pieces: tuple[Piece, ...]
    cut: Cut | None

    def parsed(self, results: Iterator[Parsed | None], reading: ReadingAhead) -> Parsed | None:
        """What the text holds, given what its pieces, which come next, do."""
        parts = [next(results) for _ in self.pieces]
        if self.cut is not None:
            return reading.whole(self.cut.head, parts)
        (part,) = parts
        return reading.whole(self.text.data[: part.head], parts) if part is not None and part.head else part


def parsed_ahead(
    texts: Sequence[Text], reading: ReadingAhead, *, workers: int
) -> Iterator[tuple[Text, Parsed | None]]:
    """Each of `texts` in order, with what it holds where that is known and nothing is wrong with it.

    Up to `workers` further processes read, as far as the texts are large enough for that to pay.
    """
    size = sum(len(text.data) for text in texts)
    if size < WORTH_A_PROCESS:
        yield from ((text, None) for text in texts)
        return
    workers = min(workers, MOST_WORKERS, size // WORTH_A_PROCESS)
    from reconciler.manifest.parsing_pool import Pool  # noqa: PLC0415 - loads only where it pays

    jobs = [_job(text) for text in texts]
    with Pool(_batches(jobs), workers, reading) as pool:
        results = pool.results()
        for job in jobs:
            yield job.text, job.parsed(results, reading)


def _job(text: Text) -> _Job:
    found = _cut(text.data) if 2 * BATCH < len(text.data) <= MAX_SIZE_BYTES else None
    return _Job(text, (Piece(text.data),) if found is None else found.slices, found)


def _cut(data: bytes) -> Cut | None:
    try:
        return cut(decode(data), BATCH)
    except NotText:
        return None


def _batches(jobs: Sequence[_Job]) -> list[list[Piece]]:
    """All pieces in order, in batches of about one size."""
    batches: list[list[Piece]] = []
    size = 0
    for piece in (piece for job in jobs for piece in job.pieces):
        if not batches or size + piece.size > BATCH:
            batches.append([])
            size = 0
        batches[-1].append(piece)
        size += piece.size
    return batches
