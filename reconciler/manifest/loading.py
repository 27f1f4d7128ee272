"""All manifests → everything that they declare, and every finding about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.manifest import sources
from reconciler.manifest.lifecycle import Lifecycle
from reconciler.manifest.manifest_file import ManifestFile
from reconciler.manifest.rules.catalogue import PLUGIN_FAILED, Catalogue
from reconciler.manifest.rules.ignoring import read_ignores, report_unused
from reconciler.manifest.rules.running import Written, ask_rules
from reconciler.manifest.source_text import MAX_SIZE_BYTES
from reconciler.manifest.weighing import Weighing
from reconciler.manifest.yaml_documents import parse, read_source
from reconciler.model.declarations import Declaration, Declared, Loaded
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.environment import Environment
from reconciler.model.positions import Position
from reconciler.model.rules import Context

if TYPE_CHECKING:
    from reconciler.manifest.findings import Findings
    from reconciler.model.identities import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Which rules are asked, and how: `weights` gives codes another severity, None for off.

    `now` is the moment for rules on the basis of the clock, which are not asked without one. `is_partial`
    says that not all manifests of the workspace are read.
    """

    catalogue: Catalogue = field(default_factory=Catalogue)
    weights: Mapping[str, Severity | None] = field(default_factory=dict)
    now: datetime | None = None
    is_partial: bool = False


def load(
    paths: Sequence[str],
    *,
    root: Path,
    environment: Environment,
    ruling: Ruling | None = None,
) -> Loaded:
    """Everything that the manifests named by `paths` declare.

    `paths` are files, directories and globs, relative to `root`; none means the default manifests. Without a
    `ruling`, the built-in rules are asked as they are, but for those that need a moment. Raises nothing:
    whatever is wrong is among the diagnostics.
    """
    found = sources.find(paths, root)
    workspace = _Workspace(environment, Ruling() if ruling is None else ruling)
    diagnostics = list(found.diagnostics)
    for file in found.files:
        name = sources.shown(file, root)
        try:
            data = read_bounded(file)
        except OSError as error:
            diagnostics.append(sources.unusable(name, error))
        else:
            workspace.read(name, data)
    return workspace.loaded(diagnostics)


def read_bounded(file: Path) -> bytes:
    """The bytes of `file`, or one more than are allowed; of a device, OSError."""
    if file.exists() and not file.is_file():
        raise OSError(0, "it is not a regular file")
    with file.open("rb") as stream:
        return stream.read(MAX_SIZE_BYTES + 1)


class _Workspace:
    """Gathers what the files declare."""

    def __init__(self, environment: Environment, ruling: Ruling) -> None:
        self._environment = environment
        self._ruling = ruling
        self._exams: list[Declaration] = []
        self._written: list[Written] = []
        self._places: dict[Address, Position] = {}
        self._findings: list[Findings] = []
        self._lifecycle = Lifecycle()

    def read(self, name: str, data: bytes) -> None:
        """Take in one file."""
        source, findings, is_text = read_source(name, data)
        self._findings.append(findings)
        findings.weighing = Weighing(self._ruling.catalogue.by_code.keys(), self._ruling.weights)
        document = parse(source, findings) if is_text else None
        if document is None:
            return
        read_ignores(document.comments, findings, self._ruling.catalogue)
        manifest = ManifestFile(document, findings, self._environment)
        manifest.read()
        self._exams += manifest.exams
        self._written += manifest.written
        self._lifecycle.gather(document.root, findings)
        for address, at in manifest.addresses.items():
            here = source.position(at.start)
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
        faults = self._ask_rules()
        listed = (each for findings in self._findings for each in findings.diagnostics)
        declared = Declared(
            exams=tuple(sorted(self._exams, key=lambda exam: exam.address)),
            imports=self._lifecycle.imports,
            moves=self._lifecycle.moves,
            removals=self._lifecycle.removals,
            absences=self._lifecycle.absences,
        )
        return Loaded(
            declared=declared,
            diagnostics=ordered([*found, *faults, *listed]),
            timely=self._ruling.catalogue.timely,
        )

    def _ask_rules(self) -> list[Diagnostic]:
        """Note what the rules find; what is wrong with the rules themselves."""
        ruling = self._ruling
        imported = frozenset(each.address for each in self._lifecycle.imports)
        context = Context(now=ruling.now, imported=imported)
        asked = ask_rules(self._written, ruling.catalogue, ruling.weights, context)
        report_unused(self._findings, ruling.catalogue, asked, is_partial=ruling.is_partial)
        faults = [*ruling.catalogue.faults, *asked.faults]
        weight = ruling.weights.get(PLUGIN_FAILED, Severity.ERROR)
        return [] if weight is None else [replace(each, severity=weight) for each in faults]


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """`diagnostics` by file, line and column, those without a place first."""
    nowhere = Position("", 0, 0)
    return tuple(
        sorted(
            diagnostics,
            key=lambda each: (each.span.start if each.span else nowhere, each.code, each.message),
        )
    )
