"""All manifests → everything that they declare, and every finding about them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.manifest import sources
from reconciler.manifest.lifecycle import Lifecycle
from reconciler.manifest.manifest_file import ManifestFile
from reconciler.manifest.rules import weighed
from reconciler.manifest.source_text import MAX_SIZE_BYTES
from reconciler.manifest.yaml_documents import parse, read_source
from reconciler.model.declarations import Declaration, Declared, Loaded
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.environment import Environment
from reconciler.model.positions import Position

if TYPE_CHECKING:
    from reconciler.manifest.findings import Findings
    from reconciler.model.identities import Address

_NO_RULES: Final[Mapping[str, Severity | None]] = {}


def load(
    paths: Sequence[str],
    *,
    root: Path,
    environment: Environment,
    rules: Mapping[str, Severity | None] = _NO_RULES,
) -> Loaded:
    """Everything that the manifests named by `paths` declare.

    `paths` are files, directories and globs, relative to `root`; none means the default manifests. `rules`
    gives codes another severity, None for off. Raises nothing: whatever is wrong is among the diagnostics.
    """
    found = sources.find(paths, root)
    workspace = _Workspace(environment)
    diagnostics = list(found.diagnostics)
    for file in found.files:
        name = sources.shown(file, root)
        try:
            data = read_bounded(file)
        except OSError as error:
            diagnostics.append(sources.unusable(name, error))
        else:
            workspace.read(name, data)
    return workspace.loaded(diagnostics, rules)


def read_bounded(file: Path) -> bytes:
    """The bytes of `file`, or one more than are allowed; of a device, OSError."""
    if file.exists() and not file.is_file():
        raise OSError(0, "it is not a regular file")
    with file.open("rb") as stream:
        return stream.read(MAX_SIZE_BYTES + 1)


class _Workspace:
    """Gathers what the files declare."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._exams: list[Declaration] = []
        self._places: dict[Address, Position] = {}
        self._findings: list[Findings] = []
        self._lifecycle = Lifecycle()

    def read(self, name: str, data: bytes) -> None:
        """Take in one file."""
        source, findings, is_text = read_source(name, data)
        self._findings.append(findings)
        document = parse(source, findings) if is_text else None
        if document is None:
            return
        manifest = ManifestFile(document, findings, self._environment)
        manifest.read()
        self._exams += manifest.exams
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
        everything = [*found, *(each for findings in self._findings for each in findings.diagnostics)]
        declared = Declared(
            exams=tuple(sorted(self._exams, key=lambda exam: exam.address)),
            imports=self._lifecycle.imports,
            moves=self._lifecycle.moves,
            removals=self._lifecycle.removals,
            absences=self._lifecycle.absences,
        )
        return Loaded(declared=declared, diagnostics=ordered(weighed(everything, rules)))


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """`diagnostics` by file, line and column, those without a place first."""
    nowhere = Position("", 0, 0)
    return tuple(
        sorted(
            diagnostics,
            key=lambda each: (each.span.start if each.span else nowhere, each.code, each.message),
        )
    )
