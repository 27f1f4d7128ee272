"""Where findings stand in a repository, and names by which pipelines know them again."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final

from msgspec import Struct

from reconciler.model.diagnostics import Diagnostic, Position, Span
from reconciler.outputs.escapes import printable

WORKSPACE_FILE: Final = "reconciler.yaml"
"""Where findings about no file are shown: the formats of pipelines want a place for each."""

# Messages name other places (`exams.yaml:12:3`, `line 12`), which move when lines are added above them.
_PLACE: Final = re.compile(r":[0-9]+(?::[0-9]+)?|\blines? [0-9]+")


class Checkout(Struct, frozen=True):
    """Where the files are on this machine: the directories of repository and workspace, both absolute."""

    repository: PurePosixPath
    workspace: PurePosixPath

    def path_of(self, file: str) -> str:
        """`file`, as diagnostics name it, from the repository's root; absolute where it is not in there."""
        path = self.workspace / file
        return str(path.relative_to(self.repository) if path.is_relative_to(self.repository) else path)


class PlacedDiagnostic(Struct, frozen=True, kw_only=True):
    """A finding with its place in the repository.

    `span` is that of the finding, or the beginning of the workspace's file for one about no file.
    `fingerprint` stays the same when lines move, and `number` counts findings that only lines tell apart.
    """

    diagnostic: Diagnostic
    path: str
    span: Span
    fingerprint: str
    number: int

    @property
    def name(self) -> str:
        """Code and address, in words that fit on one line."""
        address = self.diagnostic.address
        return printable(self.diagnostic.code if address is None else f"{self.diagnostic.code} in {address}")

    @property
    def shown_path(self) -> str:
        """The path, on one line."""
        return printable(self.path)

    @property
    def message(self) -> str:
        """What is wrong, on one line."""
        return printable(self.diagnostic.message)

    @property
    def hint(self) -> str:
        """What to do next, on one line; empty where nothing is said."""
        return printable(self.diagnostic.hint)

    @property
    def sentences(self) -> str:
        """What is wrong and what to do next, on one line."""
        stop = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{self.message}{stop} {self.hint}" if self.hint else self.message

    @property
    def line(self) -> str:
        """Place, weight, code and what is wrong, on one line, as a compiler would say it."""
        start, diagnostic = self.span.start, self.diagnostic
        place = "" if diagnostic.span is None else f"{self.shown_path}:{start.line}:{start.column}: "
        return f"{place}{diagnostic.severity.value}[{printable(diagnostic.code)}]: {self.message}"

    @property
    def identity(self) -> str:
        """A name that no other finding of the run has: SHA-256, in hexadecimal digits."""
        return _digest([self.fingerprint, str(self.number)])


def place_diagnostics(diagnostics: Iterable[Diagnostic], checkout: Checkout) -> list[PlacedDiagnostic]:
    """`diagnostics`, in their order, each with its place and its names."""
    counts: Counter[str] = Counter()
    all_placed = []
    for diagnostic in diagnostics:
        span = diagnostic.span or _at_workspace()
        path = checkout.path_of(span.start.file)
        fingerprint = _digest(
            [diagnostic.code, path, diagnostic.address or "", _PLACE.sub("", diagnostic.message)]
        )
        counts[fingerprint] += 1
        all_placed.append(
            PlacedDiagnostic(
                diagnostic=diagnostic,
                path=path,
                span=span,
                fingerprint=fingerprint,
                number=counts[fingerprint],
            )
        )
    return all_placed


def _at_workspace() -> Span:
    return Span(Position(WORKSPACE_FILE, 1, 1), 1, 1)


def _digest(parts: Sequence[str]) -> str:
    # A path may hold what UTF-8 cannot; NUL is in no part, so it keeps them apart.
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()
