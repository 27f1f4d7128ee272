"""Reads all manifests of a workspace: what they declare, and every finding about them."""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.manifest.diagnostics import FileDiagnostics, Severities, identity_of
from reconciler.manifest.extends import BaseFileReader
from reconciler.manifest.lifecycle import Lifecycle
from reconciler.manifest.manifest_file import ManifestFile
from reconciler.manifest.paths import ManifestPath, find, read_bounded, unusable
from reconciler.manifest.rule_diagnostics import LocatedDeclaration, add_rule_diagnostics
from reconciler.manifest.suppressions import read_suppressions, report_unused
from reconciler.manifest.yaml.document import YamlDocument, read
from reconciler.model.declarations import Absence, Declared, Distinction, Import, Loaded, Move, Removal
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic, Position, Severity
from reconciler.model.distinctions import Distinctions, imported_addresses
from reconciler.model.provenance import Provenance, Tracing
from reconciler.model.rules import Context
from reconciler.rules.engine import ask_rules
from reconciler.rules.registry import PLUGIN_FAILED, RuleRegistry

if TYPE_CHECKING:
    from reconciler.model.identities import Address


class RuleSettings(Struct, frozen=True, kw_only=True):
    """Which rules are asked, and how: `weights` gives codes another severity, None for off.

    `now` is the moment for rules on the basis of the clock, which are not asked without one. `is_partial`
    says that not all manifests of the workspace are read.
    """

    registry: RuleRegistry = field(default_factory=RuleRegistry)
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    now: datetime | None = None
    is_partial: bool = False

    def read(self, name: str, data: bytes) -> tuple[FileDiagnostics, YamlDocument | None]:
        """Return the diagnostics of the file `name`, and its document unless it is unusable."""
        diagnostics, document = read(name, data, Severities(self.registry.by_code.keys(), self.severities))
        if document is not None:
            read_suppressions(document.comments, diagnostics, self.registry)
        return diagnostics, document


def load(  # noqa: PLR0913 - each is one thing that the caller says
    paths: Sequence[str],
    *,
    root: Path,
    environment: Environment,
    otherwise: Sequence[str] = (),
    rules: RuleSettings | None = None,
    tracing: Tracing = Tracing.OFF,
) -> Loaded:
    """Return everything that manifests below `root` declare; whatever is wrong is among the diagnostics.

    `paths` name files, directories and globs, relative to `root`. Without any, those are read that
    `otherwise` names, which must be below `root`; else the default ones there. Without a `ruling`, the
    built-in rules are asked as they are, but for those that need a moment.
    """
    found = find(paths, root, otherwise)
    unreadable = list(found.diagnostics)
    reader = _Reader(root, environment, rules or RuleSettings(), tracing)
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

    def __init__(self, root: Path, environment: Environment, rules: RuleSettings, tracing: Tracing) -> None:
        self._base_files = BaseFileReader(root, rules.read)
        self._rules = rules
        self._environment = environment
        self._tracing = tracing
        self._provenance: dict[Address, Provenance] = {}
        self._written: dict[Address, LocatedDeclaration] = {}
        self._places: dict[Address, Position] = {}
        self._diagnostics: list[FileDiagnostics] = []
        self._lifecycle = Lifecycle()

    def read(self, file: ManifestPath, data: bytes) -> None:
        """Take in one file, and what it extends."""
        diagnostics, document = self._rules.read(file.name, data)
        diagnostics.base_files = self._base_files
        self._diagnostics.append(diagnostics)
        if document is None:
            return
        bases = self._base_files.bases_of(file.path, document.root, diagnostics)
        manifest = ManifestFile(document.root, diagnostics, self._environment, bases, self._tracing)
        manifest.read()
        self._provenance |= manifest.provenance
        self._lifecycle.gather(document.root, diagnostics)
        for each in manifest.written:
            self._written.setdefault(each.declaration.address, each)
        for address, (at, here) in manifest.addresses.items():
            first = self._places.setdefault(address, here)
            if first is not here:
                diagnostics.add(
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
            timely=self._rules.registry.timely,
            provenance=self._provenance,
        )

    def _ask_rules(self, declared: Declared) -> list[Diagnostic]:
        """Note what the rules find; return what is wrong with the rules themselves."""
        rules = self._rules
        context = Context(
            now=rules.now,
            imported=imported_addresses(declared),
            distinctions=Distinctions.of(declared),
        )
        asked = ask_rules(declared.exams, rules.registry, rules.severities, context)
        for rule, found in asked.found:
            add_rule_diagnostics(rule, found, self._written)
        self._base_files.check()
        report_unused(
            self._diagnostics,
            self._base_files.diagnostics,
            rules.registry,
            asked,
            is_partial=rules.is_partial,
        )
        faults = [*rules.registry.faults, *asked.faults]
        severity = rules.severities.get(PLUGIN_FAILED, Severity.ERROR)
        return [] if severity is None else [replace(each, severity=severity) for each in faults]

    def _listed(self) -> Iterable[Diagnostic]:
        """Return every finding once, also of a manifest that others extend, which is read twice."""
        of_manifests = [each for diagnostics in self._diagnostics for each in diagnostics.collected]
        of_bases = [each for diagnostics in self._base_files.diagnostics for each in diagnostics.collected]
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
