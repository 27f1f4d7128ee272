"""Pieces of manifests read as far as that can be done without knowing any other manifest.

That is to the end for exams with which nothing is wrong, unless their file extends others. Everything else
goes to whoever knows all files, as it was parsed.
"""

from typing import Any, Final, Self, TypeAlias

from reconciler.manifest.declaring import Declarer
from reconciler.manifest.findings import Findings
from reconciler.manifest.ground import Standing
from reconciler.manifest.schema_errors import Place
from reconciler.manifest.source_text import SourceText
from reconciler.manifest.yaml_nodes import Mapping, Stretch, Unmarked
from reconciler.manifest.yaml_parcels import Parsed, Piece, parse_quietly, parse_unmarked
from reconciler.model.environment import Environment
from reconciler.model.identities import Address, is_address
from reconciler.values import dataclass

Parts: TypeAlias = tuple[Any, ...]

_EXAMS: Final = "exams"
_EXTENDS: Final = "extends"
_NOWHERE: Final = Stretch(0, 0)


@dataclass(slots=True)
class ReadingAhead:
    """Reads piece after piece under `environment`; without one it parses only, and keeps all marks."""

    environment: Environment | None
    _head: bytes = b""
    _root: Mapping | None = None

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

    def read(self, piece: Piece) -> Parsed | None:
        """What `piece` holds; None where anything is wrong with it as YAML."""
        if self.environment is None:
            return parse_quietly(piece.data, piece.by)
        parsed = parse_unmarked(piece.data, piece.by)
        if parsed is not None:
            root = self._root_of(piece.head) if piece.head else parsed.document.root
            if root is not None and _EXTENDS not in root:
                _declare(parsed, root, self.environment)
        return parsed

    def _root_of(self, head: bytes) -> Mapping | None:
        """What `head` says; None where that cannot be told. Many pieces have one head."""
        if head != self._head:
            parsed = parse_quietly(head)
            self._head, self._root = head, None if parsed is None else parsed.document.root
        return self._root


def _declare(parsed: Parsed, root: Mapping, environment: Environment) -> None:
    """Let the document know of what exams it is known what they declare, standing on what `root` says."""
    exams = parsed.document.root.get(_EXAMS)
    if not isinstance(exams, Mapping):
        return
    findings = Findings(SourceText("", ""), is_unmarked=True)
    standing = Standing((root,), environment, are_whole=True, findings=findings)
    try:
        ground = standing.ground(len(exams))
    except Unmarked:
        return
    if ground is None:
        return
    declarer = Declarer(standing, ground, findings)
    for key, exam in exams.items():
        if isinstance(exam, Mapping) and exam.is_unmarked and is_address(key):
            try:
                declared = declarer.declare(exam, Place(_NOWHERE, "an exam", Address(key)))
            except Unmarked:
                continue
            if declared is not None:
                parsed.document.ready[key] = declared[0]
                exams[key] = None
