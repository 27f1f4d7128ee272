"""Reads all manifests of a workspace: what they declare, and every finding about them."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.manifest import placing
from reconciler.manifest.diagnostics import Findings, Weighing, identity_of
from reconciler.manifest.extends import Library
from reconciler.manifest.file import ManifestFile
from reconciler.manifest.lifecycle import Lifecycle
from reconciler.manifest.paths import Named, find, read_bounded, unusable
from reconciler.manifest.suppressions import read_ignores, report_unused
from reconciler.manifest.yaml.document import Document, read
from reconciler.model.declarations import Absence, Declared, Distinction, Import, Loaded, Move, Removal
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.distinctions import Distinctions, imported_addresses
from reconciler.model.provenance import Provenance, Tracing
from reconciler.model.rules import Context
from reconciler.rules.engine import ask_rules
from reconciler.rules.registry import PLUGIN_FAILED, RuleRegistry

if TYPE_CHECKING:
    from reconciler.manifest.placing import Written
    from reconciler.model.identities import Address


class Ruling(Struct, frozen=True, kw_only=True):
    """Which rules are asked, and how: `weights` gives codes another severity, None for off.

    `now` is the moment for rules on the basis of the clock, which are not asked without one. `is_partial`
    says that not all manifests of the workspace are read.
    """

    registry: RuleRegistry = field(default_factory=RuleRegistry)
    weights: Mapping[str, Severity | None] = field(default_factory=dict)
    now: datetime | None = None
    is_partial: bool = False

    def read(self, name: str, data: bytes) -> tuple[Findings, Document | None]:
        """Return the findings of the file `name` and its document; None where they say why there is none."""
        findings, document = read(name, data, Weighing(self.registry.by_code.keys(), self.weights))
        if document is not None:
            read_ignores(document.comments, findings, self.registry)
        return findings, document


def load(  # noqa: PLR0913 - each is one thing that the caller says
    paths: Sequence[str],
    *,
    root: Path,
    environment: Environment,
    otherwise: Sequence[str] = (),
    ruling: Ruling | None = None,
    tracing: Tracing = Tracing.OFF,
) -> Loaded:
    """Return everything that manifests below `root` declare; whatever is wrong is among the diagnostics.

    `paths` name files, directories and globs, relative to `root`. Without any, those are read that
    `otherwise` names, which must be below `root`; else the default ones there. Without a `ruling`, the
    built-in rules are asked as they are, but for those that need a moment.
    """
    found = find(paths, root, otherwise)
    unreadable = list(found.diagnostics)
    reader = _Reader(root, environment, ruling or Ruling(), tracing)
    with _uncollected():
        for file in found.files:
            try:
                data = read_bounded(file.path)
            except OSError as error:
                unreadable.append(unusable(file.name, error))
            else:
                reader.read(file, data)
        return reader.loaded(unreadable)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Turn the cycle collector off: these values hold no cycles, and there are millions of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Reader:
    """Reads file after file, and then what they say together."""

    def __init__(self, root: Path, environment: Environment, ruling: Ruling, tracing: Tracing) -> None:
        self._library = Library(root, ruling.read)
        self._ruling = ruling
        self._environment = environment
        self._tracing = tracing
        self._provenance: dict[Address, Provenance] = {}
        self._written: dict[Address, Written] = {}
        self._places: dict[Address, Position] = {}
        self._findings: list[Findings] = []
        self._lifecycle = Lifecycle()

    def read(self, file: Named, data: bytes) -> None:
        """Take in one file, and what it extends."""
        findings, document = self._ruling.read(file.name, data)
        findings.elsewhere = self._library
        self._findings.append(findings)
        if document is None:
            return
        bases = self._library.bases_of(file.path, document.root, findings)
        manifest = ManifestFile(document.root, findings, self._environment, bases, self._tracing)
        manifest.read()
        self._provenance |= manifest.provenance
        self._lifecycle.gather(document.root, findings)
        for each in manifest.written:
            self._written.setdefault(each.declaration.address, each)
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
        """Check the files together, ask the rules, and return everything."""
        self._lifecycle.check(self._places)
        declared = Declared(
            exams=tuple(self._written[address].declaration for address in sorted(self._written)),
            imports=self._lifecycle.blocks(Import),
            moves=self._lifecycle.blocks(Move),
            removals=self._lifecycle.blocks(Removal),
            absences=self._lifecycle.blocks(Absence),
            distinctions=self._lifecycle.blocks(Distinction),
        )
        faults = self._ask_rules(declared)
        return Loaded(
            declared=declared,
            diagnostics=ordered([*found, *faults, *self._listed()]),
            timely=self._ruling.registry.timely,
            provenance=self._provenance,
        )

    def _ask_rules(self, declared: Declared) -> list[Diagnostic]:
        """Note what the rules find; return what is wrong with the rules themselves."""
        ruling = self._ruling
        context = Context(
            now=ruling.now,
            imported=imported_addresses(declared),
            distinctions=Distinctions.of(declared),
        )
        asked = ask_rules(declared.exams, ruling.registry, ruling.weights, context)
        for rule, found in asked.found:
            placing.note(rule, found, self._written)
        self._library.check()
        report_unused(
            self._findings,
            self._library.findings,
            ruling.registry,
            asked,
            is_partial=ruling.is_partial,
        )
        faults = [*ruling.registry.faults, *asked.faults]
        weight = ruling.weights.get(PLUGIN_FAILED, Severity.ERROR)
        return [] if weight is None else [replace(each, severity=weight) for each in faults]

    def _listed(self) -> Iterable[Diagnostic]:
        """Return every finding once, also of a manifest that others extend, which is read twice."""
        of_manifests = [each for findings in self._findings for each in findings.diagnostics]
        of_bases = [each for findings in self._library.findings for each in findings.diagnostics]
        if not of_bases:
            return of_manifests
        return {identity_of(each): each for each in (*of_manifests, *of_bases)}.values()


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return `diagnostics` by file, line and column, those without a place first."""
    nowhere = Position("", 0, 0)
    return tuple(
        sorted(
            diagnostics,
            key=lambda each: (each.span.start if each.span else nowhere, each.code, each.message),
        )
    )
