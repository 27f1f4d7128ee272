"""Pieces of manifests read as far as that can be done without knowing any other manifest.

That is to the end for exams with which nothing is wrong, unless their file extends others. Everything else
goes to whoever knows all files, as it was parsed.
"""

from collections.abc import Sequence
from typing import Any, Final, Self, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.manifest.declaring import Declarer, Ready
from reconciler.manifest.ground import MAX_MERGED_NODES, Ground, Standing
from reconciler.manifest.rereading import reread
from reconciler.manifest.schema_errors import Place
from reconciler.manifest.shells import report_partial_exams, report_shell
from reconciler.manifest.source_text import NotText, decode
from reconciler.manifest.yaml_nodes import Mapping, Stretch, Unmarked
from reconciler.manifest.yaml_parcels import Parsed, Piece, parse_quietly, parse_unmarked
from reconciler.manifest.yaml_slices import cut, entries_of, is_head, joined
from reconciler.manifest.yaml_together import parse_together
from reconciler.model.environment import Environment
from reconciler.model.identities import Address

Parts: TypeAlias = tuple[Any, ...]

_EXAMS: Final = "exams"
_EXTENDS: Final = "extends"
_MOST_HEADS: Final = 64
_MOST_HEAD_BYTES: Final = 1024 * 1024
_MOST_TRIES: Final = 4
"""So many times in a row files may be parsed together in vain before that is left."""
_PATIENCE: Final = 50
"""So many exams may be read twice before all are read with marks from the beginning."""
_NOWHERE: Final = Stretch(0, 0)


class Head(Struct, frozen=True):
    """What a text says before its first exam; `ground` is None where others have something to say to it."""

    parsed: Parsed
    standing: Standing
    ground: Ground | None


class ReadingAhead(Struct):
    """Reads piece after piece under `environment`; without one it parses only, and keeps all marks.

    Many texts have one head, so those that were read last are remembered.
    """

    environment: Environment | None
    _heads: dict[bytes, Head | None] = field(default_factory=dict)
    _head_bytes: int = 0
    _met: set[int] = field(default_factory=set)
    _tries: int = _MOST_TRIES
    _balance: int = _PATIENCE
    """Exams that were in order less those that were not, which were read twice."""

    @property
    def parts(self) -> Parts | None:
        """It as values that `marshal` takes, for another process."""
        said = self.environment
        return (
            None if said is None else (said.install_sid, said.timezone, dict(said.courses), dict(said.users))
        )

    @classmethod
    def of(cls, parts: Parts | None) -> Self:
        """What was told by its parts."""
        if parts is None:
            return cls(None)
        install, timezone, courses, users = parts
        return cls(Environment(install_sid=install, timezone=timezone, courses=courses, users=users))

    def read(self, pieces: Sequence[Piece]) -> list[Parsed | None]:
        """What each of `pieces` holds, perhaps but for its head; None where anything is wrong as YAML."""
        if self.environment is None:
            return [parse_quietly(piece.data, piece.by) for piece in pieces]
        slices = [piece if piece.head else self._below_head(piece.data) for piece in pieces]
        small = [  # without a line end, the next file's first line would be part of the last
            one
            for one, piece in zip(slices, pieces, strict=True)
            if one is not None and not piece.head and piece.data.endswith(b"\n")
        ]
        together = self._together(small) if len(small) > 1 else None
        known = {} if together is None else dict(zip(map(id, small), together, strict=True))
        return [
            self._read(piece, one, known.get(id(one)), self.environment)
            for piece, one in zip(pieces, slices, strict=True)
        ]

    def whole(self, head: bytes, slices: Sequence[Parsed | None]) -> Parsed | None:
        """What a text holds, given its head and what was read below it; None where that cannot be told."""
        found = self._head_of(head)
        return None if found is None else joined(found.parsed, slices, found.ground)

    def _below_head(self, data: bytes) -> Piece | None:
        """What is below the head of a text; None where it has none that is read by itself."""
        try:
            text = decode(data)
        except NotText:
            return None
        found = cut(text, len(text))
        if found is None or not data.startswith(found.head) or not self._is_shared(found.head):
            return None
        return None if self._head_of(found.head) is None else found.slices[0]

    def _is_shared(self, head: bytes) -> bool:
        """Whether a text with the same `head` was met before; one that only one text has is read with it."""
        met = hash(head)
        is_shared = met in self._met
        self._met.add(met)
        return is_shared

    def _together(self, slices: Sequence[Piece]) -> list[Parsed] | None:
        """What each of `slices` holds, if that is soon told, and was so before."""
        if self._balance <= 0 or self._tries == 0:
            return None
        parts = parse_together(slices)
        self._tries = self._tries - 1 if parts is None else _MOST_TRIES
        return parts

    def _read(
        self, piece: Piece, below: Piece | None, known: Parsed | None, environment: Environment
    ) -> Parsed | None:
        """What `piece` holds, given what is below its head, and what is `known` of that."""
        if below is not None:
            parsed = known or self._parsed(below)
            if parsed is None or entries_of(parsed) is None:
                return None
            head = self._head_of(below.head)
            if head is not None and head.ground is not None:
                self._declare(parsed, below, head.standing, head.ground)
            return parsed if piece is below else replace(parsed, head=len(below.head))
        parsed = self._parsed(piece)
        if parsed is not None:
            standing = Standing.quiet(parsed.document.root, environment)
            ground = _ground_of(standing)
            if ground is not None:
                self._declare(parsed, piece, standing, ground)
        return parsed

    def _parsed(self, piece: Piece) -> Parsed | None:
        return (parse_unmarked if self._balance > 0 else parse_quietly)(piece.data, piece.by)

    def _declare(self, parsed: Parsed, piece: Piece, standing: Standing, ground: Ground) -> None:
        """Let the document know of what exams it is known what they declare; the others get marks."""
        exams = parsed.document.root.get(_EXAMS)
        if not isinstance(exams, Mapping) or ground.weight * len(exams) > MAX_MERGED_NODES:
            return
        declarer = Declarer(standing, ground, standing.findings)
        doubtful: list[str] = []
        for key, exam in exams.items():
            if isinstance(exam, Mapping) and exam.is_unmarked:
                ready = _ready(key, exam, declarer)
                if ready is None:
                    doubtful.append(key)
                else:
                    parsed.document.ready[key] = ready
                    exams[key] = None
        if doubtful:
            _give_marks(exams, doubtful, piece)
        self._balance += len(parsed.document.ready) - len(doubtful)

    def _head_of(self, data: bytes) -> Head | None:
        """What the head `data` says; None where it is none, or something is wrong with it."""
        if data not in self._heads:
            if len(self._heads) >= _MOST_HEADS or self._head_bytes > _MOST_HEAD_BYTES:
                self._heads.clear()
                self._head_bytes = 0
            self._head_bytes += len(data)
            parsed = parse_quietly(data)
            if parsed is None or not is_head(parsed, data.decode()):
                self._heads[data] = None
            else:
                self._heads[data] = self._head(parsed)
        return self._heads[data]

    def _head(self, parsed: Parsed) -> Head:
        root = parsed.document.root
        root[_EXAMS] = Mapping()  # they are elsewhere
        standing = Standing.quiet(root, self.environment or Environment())
        return Head(parsed, standing, None if self.environment is None else _ground_of(standing))


def _ground_of(standing: Standing) -> Ground | None:
    """What exams of a file stand on; None where it has none, or anything is to be said about that."""
    (root,) = standing.roots
    if _EXTENDS in root or not isinstance(root.get(_EXAMS), Mapping):
        return None
    try:
        report_shell(root, standing.findings)
        report_partial_exams(root, standing.findings)
        return standing.ground()
    except Unmarked:
        return None


def _give_marks(exams: Mapping, keys: Sequence[str], piece: Piece) -> None:
    """Read those of `exams` again that have `keys`, this time with marks."""
    text, by, places = decode(piece.data), piece.by, exams.stretches()
    for key in keys:
        at, own = (Stretch(place.start - by, place.end - by) for place in places[key])
        marked = reread(text, at, own, by)
        if isinstance(marked, Mapping):
            exams[key] = marked


def _ready(key: str, exam: Mapping, declarer: Declarer) -> Ready | None:
    """What `exam` declares; None where anything is to be said about it."""
    try:
        declared = declarer.declare(exam, Place(_NOWHERE, "an exam", Address(key)))
    except Unmarked:
        return None
    return None if declared is None else declared[0]
