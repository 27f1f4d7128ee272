"""Provenance: which layer each value of a resolved exam comes from, and where it is written."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.assignees import ASSIGNEES
from reconciler.manifest.exam.environments import ENVIRONMENTS
from reconciler.manifest.exam.merge import PROFILES, PartialExams
from reconciler.manifest.exam.resolve import ResolvedExam
from reconciler.manifest.redaction import PASSWORD
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.model.destination import Environment
from reconciler.model.identities import Address
from reconciler.model.provenance import Layer, Provenance, ValueSource

LayerValues: TypeAlias = tuple[Layer, str | None, YamlMapping]
"""A layer of an exam: its kind, the name of a section or profile, and its values."""


class Tracer(Struct, frozen=True):
    """Finds provenance for the exams of one file; `roots` are that file (last) and those that it extends."""

    roots: Sequence[YamlMapping]
    environment: Environment
    diagnostics: FileDiagnostics
    partial_exams: PartialExams

    def provenance(self, own: Sequence[LayerValues], resolved: ResolvedExam) -> Provenance:
        """Return the source of every value of an exam, and of the SIDs behind its aliases.

        `own` are the layers of the exam itself, the highest first.
        The source is the highest layer that has the path of the value, because merging keeps the value of
        the highest layer.
        """
        values = resolved.values
        layers: list[LayerValues] = [
            *own,
            *(
                (Layer.PROFILE, name, self.partial_exams.profiles[name])
                for name in reversed(resolved.profiles)
            ),
            *((Layer.DEFAULTS, None, defaults) for defaults in reversed(self.partial_exams.defaults)),
        ]
        provenance = {".".join(path): self._value_source(path, layers) for path in _paths_in(values)}
        found = {"installSid": self._outside("installSid")}
        if "timezone" not in values:
            found["timezone"] = self._outside("timezone")
        course, user = values.get("course"), values.get("contactUser")
        if isinstance(course, str):
            found["courseSid"] = self._outside("courses", course)
        if isinstance(user, str):
            found["contactUserSid"] = self._outside("users", user)
        return {**provenance, **{path: source for path, source in found.items() if source is not None}}

    def _value_source(self, path: Sequence[str], layers: Sequence[LayerValues]) -> ValueSource:
        for layer, name, values in layers:
            at = _value_at(values, path)
            if at is not None:
                return ValueSource(layer=layer, name=name, position=self.diagnostics.position(at))
        raise LookupError(path)

    def _outside(self, *path: str) -> ValueSource | None:
        """Return the source of a value outside exams: the environment, or else a file, if any has it."""
        environment = self.environment
        value = {
            "installSid": environment.install_sid,
            "timezone": environment.timezone,
            "courses": environment.courses,
            "users": environment.users,
        }[path[0]]
        if value is not None and (isinstance(value, str) or path[1] in value):
            place = environment.places.get(".".join(path))
            return ValueSource(layer=Layer.ENVIRONMENT, name=environment.name, position=place)
        for root in reversed(self.roots):
            at = _value_at(root, path)
            if at is not None:
                return ValueSource(layer=Layer.FILE, position=self.diagnostics.position(at))
        return None


class TracedExams(Mapping[Address, Provenance]):
    """The provenance of every exam by address, found when it is asked for: finding it takes time."""

    def __init__(self) -> None:
        self._traced: dict[Address, tuple[Tracer, Sequence[LayerValues], ResolvedExam]] = {}

    def add(
        self, address: Address, tracer: Tracer, own: Sequence[LayerValues], resolved: ResolvedExam
    ) -> None:
        """Take in an exam with its `own` layers in the file of `tracer`; of two at one address, the first."""
        self._traced.setdefault(address, (tracer, own, resolved))

    def __getitem__(self, address: Address) -> Provenance:
        """Return the provenance of the exam at `address`."""
        tracer, own, resolved = self._traced[address]
        return tracer.provenance(own, resolved)

    def __iter__(self) -> Iterator[Address]:
        """Iterate over the addresses."""
        return iter(self._traced)

    def __len__(self) -> int:
        """Return the number of exams."""
        return len(self._traced)


def _paths_in(exam: YamlMapping, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every value in `exam`; lists, empty mappings and passwords are one value each."""
    for key, value in exam.items():
        path = (*above, key)
        if isinstance(value, YamlMapping) and value and key != PASSWORD:
            yield from _paths_in(value, path)
        elif above or key not in {PROFILES, ENVIRONMENTS, ASSIGNEES}:
            yield path


def _value_at(values: YamlMapping, path: Sequence[str]) -> TextRange | None:
    """Return the text range of the value at `path` in `values`, if there is one."""
    *above, key = path
    for step in above:
        inner = values.get(step)
        if not isinstance(inner, YamlMapping):
            return None
        values = inner
    return values.value_at(key) if key in values else None
