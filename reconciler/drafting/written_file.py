"""A manifest or base file as it is written, with the mistakes that are found in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from reconciler.drafting.text_edits import CannotEdit
from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.paths import ManifestPath
from reconciler.manifest.source import SourceText
from reconciler.manifest.yaml.document import YamlDocument
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.model.diagnostics import has_errors

START: Final = TextRange(0, 0)


class WrittenFile(Struct, frozen=True):
    """A file as it is written; `diagnostics` gets its mistakes."""

    file: ManifestPath
    data: bytes
    diagnostics: FileDiagnostics
    document: YamlDocument

    @property
    def root(self) -> YamlMapping:
        """The document."""
        return self.document.root

    @property
    def source(self) -> SourceText:
        """The text."""
        return self.diagnostics.source

    @property
    def has_errors(self) -> bool:
        """Whether a mistake was found."""
        return has_errors(self.diagnostics.collected)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Report what an edit cannot do, and go on."""
        try:
            yield
        except CannotEdit as error:
            self.diagnostics.add(
                "cannot-edit",
                error.at,
                "this cannot be changed without changing something else",
                "It shares a value by an anchor (`&name`), or is written in an unusual way: write it out.",
            )
        except OverflowError:
            self.diagnostics.add(
                "bad-date-time",
                START,
                "a date of this file would be beyond the year 9999",
                "Shift it by hand.",
            )
