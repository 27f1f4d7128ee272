"""All manifests → everything that they declare, and every finding about them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.manifest import sources
from reconciler.manifest.bases import Library
from reconciler.manifest.findings import Findings, identity_of
from reconciler.manifest.lifecycle import Lifecycle
from reconciler.manifest.manifest_file import ManifestFile
from reconciler.manifest.rules import weighed
from reconciler.manifest.yaml_documents import parse, read_source
from reconciler.model.declarations import Declaration, Declared, Loaded
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.environment import Environment
from reconciler.model.origins import Origins, Tracing
from reconciler.model.positions import Position

if TYPE_CHECKING:
    from reconciler.model.identities import Address

_NO_RULES: Final[Mapping[str, Severity | None]] = {}


def load(
    paths: Sequence[str],
    *,
    root: Path,
    environment: Environment,
    rules: Mapping[str, Severity | None] = _NO_RULES,
    tracing: Tracing = Tracing.OFF,
) -> Loaded:
    """Everything that the manifests named by `paths` declare.

    `paths` are files, directories and globs, relative to `root`; none means the default manifests. `rules`
    gives codes another severity, None for off. Raises nothing: whatever is wrong is among the diagnostics.
    """
    found = sources.find(paths, root)
    workspace = _Workspace(root, environment, tracing)
    diagnostics = list(found.diagnostics)
    for file in found.files:
        name = sources.shown(file, root)
        try:
            data = sources.read_bounded(file)
        except OSError as error:
            diagnostics.append(sources.unusable(name, error))
        else:
            workspace.read(file, name, data)
    return workspace.loaded(diagnostics, rules)


class _Workspace:
    """Gathers what the files declare."""

    def __init__(self, root: Path, environment: Environment, tracing: Tracing) -> None:
        self._library = Library(root)
        self._environment = environment
        self._tracing = tracing
        self._origins: dict[Address, Origins] = {}
        self._exams: list[Declaration] = []
        self._places: dict[Address, Position] = {}
        self._findings: list[Findings] = []
        self._lifecycle = Lifecycle()

    def read(self, file: Path, name: str, data: bytes) -> None:
        """Take in one file, and those that it extends."""
        source, findings, is_text = read_source(name, data)
        findings.elsewhere = self._library
        self._findings.append(findings)
        document = parse(source, findings) if is_text else None
        if document is None:
            return
        bases = self._library.bases_of(file, document.root, findings)
        manifest = ManifestFile(document, findings, self._environment, bases, self._tracing)
        manifest.read()
        self._exams += manifest.exams
        self._origins |= manifest.origins
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

    def loaded(self, found: Iterable[Diagnostic], rules: Mapping[str, Severity | None]) -> Loaded:
        """Everything together."""
        self._lifecycle.check(self._places)
        of_bases = list(self._library.diagnostics())
        everything = [*found, *(each for findings in self._findings for each in findings.diagnostics)]
        if of_bases:  # a file that is a manifest as well is read twice, and its mistakes are told once
            everything = list({identity_of(each): each for each in (*everything, *of_bases)}.values())
        declared = Declared(
            exams=tuple(sorted(self._exams, key=lambda exam: exam.address)),
            imports=self._lifecycle.imports,
            moves=self._lifecycle.moves,
            removals=self._lifecycle.removals,
            absences=self._lifecycle.absences,
        )
        return Loaded(
            declared=declared, diagnostics=ordered(weighed(everything, rules)), origins=self._origins
        )


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """`diagnostics` by file, line and column, those without a place first."""
    nowhere = Position("", 0, 0)
    return tuple(
        sorted(
            diagnostics,
            key=lambda each: (each.span.start if each.span else nowhere, each.code, each.message),
        )
    )
