"""All manifests → everything that they declare, and every finding about them."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.manifest import sources
from reconciler.manifest.bases import Library
from reconciler.manifest.findings import Findings, identity_of
from reconciler.manifest.lifecycle import Lifecycle
from reconciler.manifest.manifest_file import ManifestFile
from reconciler.manifest.reading import Text, parsed_ahead
from reconciler.manifest.reading_ahead import ReadingAhead
from reconciler.manifest.rules.catalogue import PLUGIN_FAILED
from reconciler.manifest.rules.ignoring import report_unused
from reconciler.manifest.rules.running import Written, ask_rules
from reconciler.manifest.ruling import Ruling
from reconciler.manifest.yaml_parcels import Parsed
from reconciler.model.declarations import Declaration, Declared, Loaded
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.distinctions import Distinctions, imported_addresses
from reconciler.model.environment import Environment
from reconciler.model.origins import Origins, Tracing
from reconciler.model.positions import Position
from reconciler.model.rules import Context

if TYPE_CHECKING:
    from reconciler.model.identities import Address

MOST_HELD: Final = 48 * 1024 * 1024
"""Bytes of manifests of which all values are held; of any more, they are read again where that is needed."""


class Gathered(Struct, frozen=True):
    """The manifests that were found below `root`, as they were read, and what is wrong about finding them."""

    root: Path
    texts: tuple[Text, ...]
    diagnostics: tuple[Diagnostic, ...]


class Reading(Struct, frozen=True, kw_only=True):
    """How manifests are read.

    Without a `ruling`, the built-in rules are asked as they are, but for those that need a moment. `workers`
    is how many further processes may read, where that pays; the answer is the same.
    """

    environment: Environment
    ruling: Ruling = field(default_factory=Ruling)
    tracing: Tracing = Tracing.OFF
    workers: int = 0


def gather(paths: Sequence[str], root: Path, otherwise: Sequence[str] = ()) -> Gathered:
    """The manifests that `paths` name: files, directories and globs, relative to `root`.

    Without any, those that `otherwise` names, which must be below `root`; else the default ones there. Raises
    nothing.
    """
    found = sources.find(paths, root, otherwise)
    texts: list[Text] = []
    diagnostics = list(found.diagnostics)
    for file in found.files:
        try:
            texts.append(Text(file.path, file.name, sources.read_bounded(file.path)))
        except OSError as error:
            diagnostics.append(sources.unusable(file.name, error))
    return Gathered(root, tuple(texts), tuple(diagnostics))


def declare(gathered: Gathered, reading: Reading) -> Loaded:
    """Return everything that the manifests declare; whatever is wrong is among the diagnostics."""
    workspace = _Workspace(gathered.root, reading)
    ahead = ReadingAhead(None if reading.tracing is Tracing.ON else reading.environment)
    with _uncollected():
        for text, parsed in parsed_ahead(gathered.texts, ahead, workers=reading.workers):
            workspace.read(text, parsed)
        return workspace.loaded(gathered.diagnostics)


def load(
    paths: Sequence[str],
    *,
    root: Path,
    environment: Environment,
    ruling: Ruling | None = None,
    tracing: Tracing = Tracing.OFF,
) -> Loaded:
    """Everything that the manifests named by `paths` declare: `gather` and `declare` in one."""
    reading = Reading(environment=environment, ruling=Ruling() if ruling is None else ruling, tracing=tracing)
    return declare(gather(paths, root), reading)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Meanwhile nobody looks for garbage in circles: there is none, and a million values to look through."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Workspace:
    """Gathers what the files declare."""

    def __init__(self, root: Path, reading: Reading) -> None:
        self._library = Library(root, reading.ruling)
        self._ruling = reading.ruling
        self._environment = reading.environment
        self._tracing = reading.tracing
        self._origins: dict[Address, Origins] = {}
        self._read_bytes = 0
        self._exams: list[Declaration] = []
        self._written: list[Written] = []
        self._places: dict[Address, Position] = {}
        self._findings: list[Findings] = []
        self._lifecycle = Lifecycle()

    def read(self, text: Text, parsed: Parsed | None) -> None:
        """Take in one file, which holds what is `parsed` where that is known, and what it extends."""
        findings, document = self._ruling.read(text.name, text.data, parsed)
        findings.elsewhere = self._library
        self._findings.append(findings)
        if document is None:
            return
        bases = self._library.bases_of(text.path, document.root, findings)
        self._read_bytes += len(text.data)
        is_held = self._tracing is Tracing.ON or self._read_bytes <= MOST_HELD
        manifest = ManifestFile(document, findings, self._environment, bases, self._tracing, is_held)
        manifest.read()
        self._exams += manifest.exams
        self._written += manifest.written
        self._origins |= manifest.origins
        self._lifecycle.gather(document.root, findings)
        for address, (at, here) in manifest.addresses.items():
            first = self._places.setdefault(address, here)
            if first is not here:
                findings.add(
                    "duplicate-address",
                    at,
                    f"'{address}' is declared twice; it is first at {first}",
                    "Give one of the two another address.",
                    address=address,
                )

    def loaded(self, found: Iterable[Diagnostic]) -> Loaded:
        """Everything together."""
        self._lifecycle.check(self._places)
        declared = Declared(
            exams=tuple(sorted(self._exams, key=lambda exam: exam.address)),
            imports=self._lifecycle.imports,
            moves=self._lifecycle.moves,
            removals=self._lifecycle.removals,
            absences=self._lifecycle.absences,
            distinctions=self._lifecycle.distinctions,
        )
        faults = self._ask_rules(declared)
        return Loaded(
            declared=declared,
            diagnostics=ordered([*found, *faults, *self._listed()]),
            timely=self._ruling.catalogue.timely,
            origins=self._origins,
        )

    def _ask_rules(self, declared: Declared) -> list[Diagnostic]:
        """Note what the rules find; what is wrong with the rules themselves."""
        ruling = self._ruling
        context = Context(
            now=ruling.now,
            imported=imported_addresses(declared),
            distinctions=Distinctions.of(declared),
        )
        asked = ask_rules(self._written, ruling.catalogue, ruling.weights, context)
        self._library.check()
        report_unused(
            self._findings,
            self._library.findings,
            ruling.catalogue,
            asked,
            is_partial=ruling.is_partial,
        )
        faults = [*ruling.catalogue.faults, *asked.faults]
        weight = ruling.weights.get(PLUGIN_FAILED, Severity.ERROR)
        return [] if weight is None else [replace(each, severity=weight) for each in faults]

    def _listed(self) -> Iterable[Diagnostic]:
        """Every finding; of a file that is a manifest and extended too, which is read twice, each once."""
        of_manifests = [each for findings in self._findings for each in findings.diagnostics]
        of_bases = [each for findings in self._library.findings for each in findings.diagnostics]
        if not of_bases:
            return of_manifests
        return {identity_of(each): each for each in (*of_manifests, *of_bases)}.values()


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """`diagnostics` by file, line and column, those without a place first."""
    nowhere = Position("", 0, 0)
    return tuple(
        sorted(
            diagnostics,
            key=lambda each: (each.span.start if each.span else nowhere, each.code, each.message),
        )
    )
