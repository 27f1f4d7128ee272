"""Places of diagnostics in a repository, and fingerprints by which pipelines recognise them."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final

from msgspec import Struct

from reconciler.model.diagnostics import Diagnostic, Span
from reconciler.outputs.escapes import printable

WORKSPACE_FILE: Final = "reconciler.yaml"
"""The place of diagnostics that belong to no file: the formats require a place for each."""

# Other places that a message names (`exams.yaml:12:3`, `line 12`). They move when lines are added above them.
_PLACE: Final = re.compile(r":[0-9]+(?::[0-9]+)?|\blines? [0-9]+")


class Checkout(Struct, frozen=True):
    """The directories of repository and workspace on this machine, both absolute."""

    repository: PurePosixPath
    workspace: PurePosixPath

    def path_of(self, file: str) -> str:
        """Return the path of `file` from the root of the repository; outside of it, the absolute path."""
        path = self.workspace / file
        return str(path.relative_to(self.repository) if path.is_relative_to(self.repository) else path)


class PlacedDiagnostic(Struct, frozen=True, kw_only=True):
    """A diagnostic and its place in the repository.

    `span` is that of the diagnostic, or the beginning of the workspace file if it belongs to no file.
    `fingerprint` stays the same when lines move. `number` counts, from 1, those with equal fingerprints.
    """

    diagnostic: Diagnostic
    path: str
    span: Span
    fingerprint: str
    number: int

    @property
    def name(self) -> str:
        """Code and address, on one line."""
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
        """What to do next, on one line; may be empty."""
        return printable(self.diagnostic.hint)

    @property
    def sentences(self) -> str:
        """What is wrong and what to do next, on one line."""
        stop = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{self.message}{stop} {self.hint}" if self.hint else self.message

    @property
    def line(self) -> str:
        """Place, severity, code and message, on one line, as compilers print them."""
        start, diagnostic = self.span.start, self.diagnostic
        place = "" if diagnostic.span is None else f"{self.shown_path}:{start.line}:{start.column}: "
        return f"{place}{diagnostic.severity.value}[{printable(diagnostic.code)}]: {self.message}"

    @property
    def identity(self) -> str:
        """A name that is unique in this run: SHA-256, in hexadecimal digits."""
        return _digest([self.fingerprint, str(self.number)])


def place_diagnostics(diagnostics: Iterable[Diagnostic], checkout: Checkout) -> list[PlacedDiagnostic]:
    """Return `diagnostics`, in the same order, with their places."""
    counts: Counter[str] = Counter()
    all_placed = []
    for diagnostic in diagnostics:
        span = diagnostic.span or Span.of_file(WORKSPACE_FILE)
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


def _digest(parts: Sequence[str]) -> str:
    # A path may hold surrogates, which UTF-8 cannot encode. No part holds NUL, so it separates them.
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()
