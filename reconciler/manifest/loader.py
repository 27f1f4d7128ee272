"""Reads all manifests of a workspace into declarations and diagnostics."""

import gc
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.manifest.cohorts import unknown_courses
from reconciler.manifest.diagnostics import Causes, FileDiagnostics, Severities, identity_of
from reconciler.manifest.exam.provenance import TracedExams
from reconciler.manifest.extends import BaseFileReader
from reconciler.manifest.lifecycle import Lifecycle
from reconciler.manifest.lost_text import report_lost_text
from reconciler.manifest.manifest_file import ManifestFile
from reconciler.manifest.paths import NO_PLACES, ManifestPath, find, read_bounded, unusable
from reconciler.manifest.rule_diagnostics import LocatedDeclaration, add_rule_diagnostics
from reconciler.manifest.schema.as_meant import manifest_as_meant
from reconciler.manifest.suppressions import read_suppressions, report_unused
from reconciler.manifest.unread_files import look_alikes
from reconciler.manifest.yaml.document import YamlDocument, read
from reconciler.model.cohorts import MOST_A_DAY, Cohorts
from reconciler.model.declarations import (
    Absence,
    AcceptedChange,
    Declared,
    Distinction,
    ExamElsewhere,
    Import,
    Loaded,
    Move,
    Removal,
)
from reconciler.model.destination import Environment
from reconciler.model.diagnostics import Diagnostic, Position, Severity, Span, has_errors
from reconciler.model.distinctions import Distinctions, imported_addresses
from reconciler.model.rules import Context
from reconciler.rules.engine import ask_rules
from reconciler.rules.registry import PLUGIN_FAILED, RuleRegistry

if TYPE_CHECKING:
    from reconciler.model.identities import Address


_OF_COPY: Final = re.compile(
    r"[\s_(-]*(?:(?:copy|kopie|copia)(?:\s+(?:of|von|de))?)?[\s_(-]*[0-9]{0,3}[\s_)-]*", re.IGNORECASE
)
"""What file managers add to the name of a copy."""


class RuleSettings(Struct, frozen=True, kw_only=True):
    """Which rules run, and with which severities; a severity of None turns a rule off.

    `now` is for rules that depend on the clock; without it, they do not run. `cohorts` have the place of each
    course. `is_partial` says that only some manifests of the workspace are read.
    """

    registry: RuleRegistry = field(default_factory=RuleRegistry)
    severities: Mapping[str, Severity | None] = field(default_factory=dict)
    now: datetime | None = None
    cohorts: Mapping[str, Mapping[str, Span]] = field(default_factory=dict)
    max_exams_a_day: int = MOST_A_DAY
    is_partial: bool = False

    def read(self, name: str, data: bytes) -> tuple[FileDiagnostics, YamlDocument | None]:
        """Return the diagnostics of the file `name`, and its document unless it is unusable."""
        diagnostics, document = read(name, data, Severities(self.registry.by_code.keys(), self.severities))
        if document is not None:
            read_suppressions(document.comments, diagnostics, self.registry)
            report_lost_text(document, diagnostics)
        return diagnostics, document


def load(
    paths: Sequence[str],
    *,
    root: Path,
    environment: Environment,
    otherwise: Mapping[str, Span] = NO_PLACES,
    rules: RuleSettings | None = None,
) -> Loaded:
    """Return the declarations of the manifests below `root`, and all diagnostics.

    `paths` are files, directories and globs, relative to `root`. If empty, `otherwise` is used, whose files
    must be below `root`; if that is empty too, the default paths. Without `rules`, the built-in rules run
    with their default severities, except rules that depend on the clock.
    """
    found = find(paths, root, otherwise)
    unreadable = list(found.diagnostics)
    reader = _Reader(root, environment, rules or RuleSettings())
    with _uncollected():
        for file in found.files:
            try:
                data = read_bounded(file.path)
            except OSError as error:
                place = None if paths else otherwise.get(file.name)
                alike = look_alikes(file.name, root) if isinstance(error, FileNotFoundError) else []
                unreadable.append(unusable(file.name, error, place, alike=alike))
            else:
                reader.read(file, data)
        return reader.loaded(unreadable, is_all=not paths)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Turn the garbage collector off: millions of values are made here, and none is in a cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Reader:
    """Reads file after file, then checks all of them together."""

    def __init__(self, root: Path, environment: Environment, rules: RuleSettings) -> None:
        self._base_files = BaseFileReader(root, rules.read)
        self._rules = rules
        self._environment = environment
        self._provenance = TracedExams()
        self._names: dict[str, str] = {}
        self._located: dict[Address, LocatedDeclaration] = {}
        self._places: dict[Address, Position] = {}
        self._elsewhere: dict[Address, ExamElsewhere] = {}
        self._diagnostics: list[FileDiagnostics] = []
        self._causes: dict[tuple[int, ...], Causes] = {}
        """By base files (as `id` of their mappings), the causes that the files which extend them share."""
        self._lifecycle = Lifecycle()
        self._courses = set(environment.courses)
        """The short names of all courses."""

    def read(self, file: ManifestPath, data: bytes) -> None:
        """Read one file and the base files that it extends."""
        diagnostics, document = self._rules.read(file.name, data)
        diagnostics.base_files = self._base_files
        self._diagnostics.append(diagnostics)
        if document is None:
            return
        root = manifest_as_meant(document.root, diagnostics)
        bases = self._base_files.bases_of(file.path, root, diagnostics)
        if bases.roots:
            diagnostics.causes = self._causes.setdefault(tuple(map(id, bases.roots)), diagnostics.causes)
        manifest = ManifestFile(root, diagnostics, self._environment, bases, self._provenance)
        manifest.read()
        self._names = manifest.names | self._names
        for part in (*bases.roots, root):
            self._courses.update(part.mapping("courses"))
        self._lifecycle.gather(root, diagnostics)
        self._elsewhere.update({each.address: each for each in manifest.elsewhere})
        for each in manifest.declared:
            self._located.setdefault(each.declaration.address, each)
        for address, at, here in manifest.addresses:
            first = self._places.setdefault(address, here)
            if first is not here:
                diagnostics.add(
                    "duplicate-address",
                    at,
                    f"'{address}' is declared twice; it is first at {first}",
                    _advice_on_two(here.file, first.file),
                    address=address,
                    cause=first.file if _is_copy(here.file, first.file) else "",
                )

    def loaded(self, found: Iterable[Diagnostic], *, is_all: bool) -> Loaded:
        """Check all files together, run the rules, and return the result.

        `is_all` says that no file of the workspace was left out; then it defines all courses that there are.
        """
        here = {address: at for address, at in self._places.items() if address not in self._elsewhere}
        self._lifecycle.check(here, self._places)
        declared = Declared(
            exams=tuple(self._located[address].declaration for address in sorted(self._located)),
            imports=self._lifecycle.blocks(Import),
            moves=self._lifecycle.blocks(Move),
            removals=self._lifecycle.blocks(Removal),
            absences=self._lifecycle.blocks(Absence),
            accepted=self._lifecycle.blocks(AcceptedChange),
            distinctions=self._lifecycle.blocks(Distinction),
            elsewhere=tuple(self._elsewhere[address] for address in sorted(self._elsewhere)),
        )
        faults = self._ask_rules(declared)
        diagnostics = [*found, *faults, *self._listed()]
        if is_all and not has_errors(diagnostics):
            diagnostics += unknown_courses(self._rules.cohorts, self._courses, self._environment.terms)
        return Loaded(
            declared=declared,
            diagnostics=ordered(diagnostics),
            timely=self._rules.registry.timely,
            provenance=self._provenance,
            names=self._names,
            files=frozenset(each.source.file for each in (*self._diagnostics, *self._base_files.diagnostics)),
        )

    def _ask_rules(self, declared: Declared) -> list[Diagnostic]:
        """Add the findings of all rules; return diagnostics about the rules themselves."""
        rules = self._rules
        context = Context(
            now=rules.now,
            imported=imported_addresses(declared),
            distinctions=Distinctions.of(declared),
            names=self._names,
            cohorts=Cohorts(
                {name: tuple(courses) for name, courses in rules.cohorts.items()}, rules.max_exams_a_day
            ),
        )
        asked = ask_rules(declared.exams, rules.registry, rules.severities, context)
        for rule, found in asked.found:
            add_rule_diagnostics(rule, found, self._located)
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
        """Return each diagnostic once; a manifest that others extend is read twice, as a base file too."""
        of_manifests = [each for diagnostics in self._diagnostics for each in diagnostics.collected]
        of_bases = [each for diagnostics in self._base_files.diagnostics for each in diagnostics.collected]
        if not of_bases:
            return of_manifests
        return {identity_of(each): each for each in (*of_manifests, *of_bases)}.values()


def _is_copy(name: str, other: str) -> bool:
    """Return whether one of two files is the other's copy by its name."""
    short, long = sorted((PurePath(name).stem, PurePath(other).stem), key=len)
    return name != other and _OF_COPY.fullmatch(long.replace(short, "", 1)) is not None


def _advice_on_two(name: str, other: str) -> str:
    """Return what to do about an address in the files `name` and `other`, or twice in one."""
    if not _is_copy(name, other):
        return "Give one of the two another address."
    first, copy = sorted((name, other), key=len)
    return f"{copy} looks like a copy of {first}: remove one of the files, or give its exams other addresses."


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return `diagnostics` sorted by file, line and column; those without a place are first."""
    nowhere = Position("", 0, 0)
    return tuple(
        sorted(
            diagnostics,
            key=lambda each: (each.span.start if each.span else nowhere, each.code, each.message),
        )
    )
