"""Provenance: which layer each value of a resolved exam comes from, and where it is written."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from reconciler.manifest.diagnostics import FileDiagnostics
from reconciler.manifest.exam.merge import PROFILES, PartialExams
from reconciler.manifest.exam.passwords import PASSWORD
from reconciler.manifest.exam.resolve import ResolvedExam
from reconciler.manifest.yaml.nodes import TextRange, YamlMapping
from reconciler.model.destination import Environment
from reconciler.model.provenance import Layer, Provenance, ValueSource


class _Said(NamedTuple):
    """One layer of an exam: what kind it is, the name of a profile, and what it says."""

    layer: Layer
    name: str | None
    partial: YamlMapping


class Tracer(Struct, frozen=True):
    """Finds provenance for the exams of one file; `roots` are that file (last) and those that it extends."""

    roots: Sequence[YamlMapping]
    environment: Environment
    diagnostics: FileDiagnostics

    def provenance(
        self, exam: YamlMapping, resolved: ResolvedExam, partial_exams: PartialExams
    ) -> Provenance:
        """Return the origin of every value of `exam` as `resolved`, and of what its aliases stand for.

        A value comes from the highest layer that has its path: a layer between that replaced the path would
        have it too, or the path would not be left.
        """
        effective = resolved.values
        layers = [
            _Said(Layer.EXAM, None, exam),
            *(
                _Said(Layer.PROFILE, name, partial_exams.profiles[name])
                for name in reversed(resolved.profiles)
            ),
            *(_Said(Layer.DEFAULTS, None, defaults) for defaults in reversed(partial_exams.defaults)),
        ]
        provenance = {".".join(path): self._value_source(path, layers) for path in _paths_in(effective)}
        found = {"installSid": self._outside("installSid")}
        if "timezone" not in effective:
            found["timezone"] = self._outside("timezone")
        course, user = effective.get("course"), effective.get("contactUser")
        if isinstance(course, str):
            found["courseSid"] = self._outside("courses", course)
        if isinstance(user, str):
            found["contactUserSid"] = self._outside("users", user)
        return {**provenance, **{path: source for path, source in found.items() if source is not None}}

    def _value_source(self, path: Sequence[str], layers: Sequence[_Said]) -> ValueSource:
        for said in layers:
            at = _place(said.partial, path)
            if at is not None:
                return ValueSource(layer=said.layer, name=said.name, position=self.diagnostics.position(at))
        raise LookupError(path)

    def _outside(self, *path: str) -> ValueSource | None:
        """Return the source of what environment or file say for all exams; None if neither says it."""
        environment = self.environment
        said = {
            "installSid": environment.install_sid,
            "timezone": environment.timezone,
            "courses": environment.courses,
            "users": environment.users,
        }[path[0]]
        if said is not None and (isinstance(said, str) or path[1] in said):
            place = environment.places.get(".".join(path))
            return ValueSource(layer=Layer.ENVIRONMENT, name=environment.name, position=place)
        for root in reversed(self.roots):
            at = _place(root, path)
            if at is not None:
                return ValueSource(layer=Layer.FILE, position=self.diagnostics.position(at))
        return None


def _paths_in(exam: YamlMapping, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every value in `exam`; a list, an empty mapping and a password are one value each."""
    for key, value in exam.items():
        path = (*above, key)
        if isinstance(value, YamlMapping) and value and key != PASSWORD:
            yield from _paths_in(value, path)
        elif path != (PROFILES,):
            yield path


def _place(partial: YamlMapping, path: Sequence[str]) -> TextRange | None:
    """Where `partial` says what is at `path`; None where it does not."""
    *above, key = path
    for step in above:
        inner = partial.get(step)
        if not isinstance(inner, YamlMapping):
            return None
        partial = inner
    return partial.value_at(key) if key in partial else None
