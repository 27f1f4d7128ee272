"""What a finding of a rule weighs: as the workspace says, and nothing where a line ignores it."""

from collections.abc import Collection, Mapping

from msgspec import Struct, field

from reconciler.manifest.yaml_nodes import Stretch
from reconciler.model.diagnostics import Severity


class Ignore(Struct):
    """One code of an ignore, which stands at `at` and is about `line`; used once it silenced something."""

    code: str
    at: Stretch
    line: int
    is_used: bool = False


class Weighing(Struct):
    """How the findings of one file weigh. What is no rule keeps its weight and cannot be ignored."""

    rules: Collection[str] = ()
    weights: Mapping[str, Severity | None] = field(default_factory=dict)
    ignores: dict[tuple[int, str], Ignore] = field(default_factory=dict)

    def weigh(self, code: str, severity: Severity, line: int) -> Severity | None:
        """The weight of a finding in `line`, given its default `severity`; None where it is not shown."""
        if code not in self.rules:
            return severity
        weight = self.weights.get(code, severity)
        ignore = self.ignores.get((line, code)) if weight is not None else None
        if ignore is None:
            return weight
        ignore.is_used = True
        return None
